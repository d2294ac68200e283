package lambdactl.batch;

import lambdactl.speed.Contract;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.objects.StaticInvoke;
import org.apache.spark.sql.types.AbstractDataType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;
import scala.collection.immutable.Seq;

/** SQL functions of the job that work on Spark's own bytes. */
public final class Functions {
  static final String IS_UUID = "is_uuid";
  static final String IS_IPV4 = "is_ipv4";
  static final String TEXT_LENGTH = "text_length";

  private Functions() {}

  static void register(SparkSession spark) {
    function(spark, IS_UUID, arguments -> invoke(Functions.class, DataTypes.BooleanType, "isUuid", arguments, true));
    function(spark, IS_IPV4, arguments -> invoke(Functions.class, DataTypes.BooleanType, "isIpv4", arguments, true));
    function(spark, TEXT_LENGTH, arguments -> invoke(Functions.class, DataTypes.IntegerType, "textLength", arguments, true));
    // The rules' SQL asks for it; the tables of the batch layer have no tier, the warehouse joins its own users.
    function(spark, "user_tier", arguments -> Literal.create("unknown", DataTypes.StringType));
  }

  /** A function that reads JSON bytes by this contract and gives a struct; returns its name. */
  static String parser(SparkSession spark, String table, Contract contract) {
    String name = "parse_" + table;
    // Not deterministic, so that the optimizer never parses a record once for every field.
    function(spark, name, arguments -> invoke(Contract.class, contract.type, "parse", arguments, false));
    return name;
  }

  public static boolean isUuid(UTF8String text) {
    return text.numBytes() == 36 && Contract.isUuid(text.toString());
  }

  public static boolean isIpv4(UTF8String text) {
    return Contract.isIpv4(text.toString());
  }

  public static int textLength(UTF8String text) {
    return text.toString().length();
  }

  private static void function(SparkSession spark, String name, scala.Function1<Seq<Expression>, Expression> builder) {
    ((org.apache.spark.sql.classic.SparkSession) spark).sessionState().functionRegistry()
        .createOrReplaceTempFunction(name, builder, "scala_udf");
  }

  private static Expression invoke(Class<?> owner, DataType result, String method, Seq<Expression> arguments, boolean pure) {
    Seq<AbstractDataType> none = scala.collection.immutable.List$.MODULE$.<AbstractDataType>newBuilder().result();
    return new StaticInvoke(owner, result, method, arguments, none, pure, true, pure, scala.Option.empty());
  }
}
