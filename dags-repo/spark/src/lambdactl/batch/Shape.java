package lambdactl.batch;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.when;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import lambdactl.speed.Contract;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Columns of a stage file, and of the rows that the writer gets: those of the file first, then what it decides by.
 *
 * @param file what the file holds; times without zone, which both are microseconds since 1970 in a row
 */
record Shape(StructType file) implements Serializable {
  static final StructType REJECTED = new StructType().add("_topic", DataTypes.StringType).add("_kafka_partition", DataTypes.IntegerType)
      .add("_offset", DataTypes.LongType).add("_time", DataTypes.TimestampNTZType).add("id", DataTypes.StringType)
      .add("error_class", DataTypes.StringType).add("error", DataTypes.StringType).add("_value", DataTypes.StringType);

  static Shape of(TableSpec table, Contract contract) {
    StructType file = new StructType();
    for (StructField field : Source.fields(contract).fields()) {
      boolean time = field.dataType().equals(DataTypes.TimestampType);
      file = file.add(field.name(), time ? DataTypes.TimestampNTZType : field.dataType());
    }
    if (table.changes()) file = file.add("is_deleted", DataTypes.BooleanType).add("source_time", DataTypes.TimestampNTZType);
    return new Shape(file.add("batch_id", DataTypes.StringType));
  }

  Dataset<Row> arrange(TableSpec table, Contract contract, Dataset<Row> judged, String batchId) {
    List<Column> columns = new ArrayList<>();
    for (String name : Source.fields(contract).fieldNames()) columns.add(Source.name(name));
    if (table.changes()) {
      columns.add(col(Source.OP).equalTo("d").as("is_deleted"));
      columns.add(coalesce(col(Source.SOURCE_TIME), col(Source.TIME)).as("source_time"));
    }
    columns.add(lit(batchId).as("batch_id"));
    columns.add(col(Source.PARTITION));
    columns.add(col(Source.OFFSET));
    columns.add(col(Source.TIME));
    columns.add(col(Source.ERROR));
    columns.add(when(col(Source.ERROR).isNotNull(), Source.name(table.id())).as("_id"));
    columns.add(when(col(Source.ERROR).isNotNull(), col(Source.VALUE)).as(Source.VALUE));
    return judged.select(columns.toArray(Column[]::new));
  }

  // Ordinals behind the file's columns.
  int partition() {
    return file.size();
  }

  int offset() {
    return file.size() + 1;
  }

  int time() {
    return file.size() + 2;
  }

  int error() {
    return file.size() + 3;
  }

  int id() {
    return file.size() + 4;
  }

  int value() {
    return file.size() + 5;
  }
}
