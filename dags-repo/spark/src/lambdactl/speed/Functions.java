package lambdactl.speed;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.objects.StaticInvoke;
import org.apache.spark.sql.types.AbstractDataType;
import org.apache.spark.sql.types.DataType;

/** SQL functions that work on Spark's own bytes; as ordinary UDFs each would turn its arguments into Strings first. */
public final class Functions {
  private Functions() {}

  /** @param method public and static, of types that Spark holds values in, e.g. UTF8String and byte[]. */
  public static void register(SparkSession spark, String name, Class<?> owner, DataType result, String method) {
    scala.Function1<scala.collection.immutable.Seq<Expression>, Expression> builder =
        arguments -> invoke(owner, result, method, arguments);
    ((org.apache.spark.sql.classic.SparkSession) spark).sessionState().functionRegistry()
        .createOrReplaceTempFunction(name, builder, "scala_udf");
  }

  /** Not deterministic, so that the optimizer never evaluates the call twice for a row. */
  private static Expression invoke(Class<?> owner, DataType result, String method, scala.collection.immutable.Seq<Expression> arguments) {
    scala.collection.immutable.Seq<AbstractDataType> none = scala.collection.immutable.List$.MODULE$.<AbstractDataType>newBuilder().result();
    return new StaticInvoke(owner, result, method, arguments, none, false, true, false, scala.Option.empty());
  }
}
