package lambdactl.batch;

import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.get_json_object;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.timestamp_millis;
import static org.apache.spark.sql.functions.to_json;
import static org.apache.spark.sql.functions.when;

import java.io.IOException;
import java.nio.file.Files;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lambdactl.speed.Contract;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * The records of a table out of either archive, typed and judged: every field of the schema, {@link #ERROR} ("class: text", null
 * for a good one), where the record came from, and for changes what happened to the row.
 */
final class Source {
  static final String PARTITION = "_kafka_partition";
  static final String OFFSET = "_offset";
  /** Of the Kafka record. */
  static final String TIME = "_time";
  static final String ERROR = "error";
  /** The record as text where it is rejected, else null. */
  static final String VALUE = "_value";
  static final String OP = "_op";
  static final String LSN = "_lsn";
  static final String SOURCE_TIME = "_source_time";
  /** View that the rules read. */
  private static final String VIEW = "source";

  private final SparkSession spark;
  private final Settings settings;
  private final Lake lake;

  Source(SparkSession spark, Settings settings, Lake lake) {
    this.spark = spark;
    this.settings = settings;
    this.lake = lake;
  }

  /** Columns of the schema, in its order. */
  static StructType fields(Contract contract) {
    List<StructField> fields = new ArrayList<>(Arrays.asList(contract.type.fields()));
    fields.removeIf(field -> field.name().equals(Contract.ERROR));
    return new StructType(fields.toArray(StructField[]::new));
  }

  /** Null when the lake has nothing of this table. */
  Dataset<Row> read(TableSpec table, Contract contract) throws IOException {
    Dataset<Row> rows = settings.raw ? parsed(table, contract) : typed(table, contract);
    if (rows == null) return null;
    if (table.changes()) return rows.withColumnRenamed(Contract.ERROR, ERROR);
    rows.withColumn("processing_time", col(TIME)).createOrReplaceTempView(VIEW);
    Dataset<Row> judged = spark.sql(Files.readString(settings.rulesDir.resolve(table.sql())));
    return judged.withColumn(ERROR, coalesce(col(Contract.ERROR), col(ERROR)));
  }

  /** From the table of the topic, which the archive has typed. */
  private Dataset<Row> typed(TableSpec table, Contract contract) throws IOException {
    Dataset<Row> rows = lake.table(table.lake());
    if (rows == null) return null;
    if (!table.changes()) rows = rows.where(ofDate(table.time(), settings.date));
    List<String> there = Arrays.asList(rows.columns());
    List<Column> columns = new ArrayList<>();
    for (StructField field : fields(contract).fields()) {
      // A field that the schema got since the archive last wrote: nobody has sent it yet.
      Column value = there.contains(field.name()) ? name(field.name()) : lit(null);
      columns.add(value.cast(field.dataType()).as(field.name()));
    }
    for (String own : table.changes() ? List.of(PARTITION, OFFSET, TIME, OP, LSN, SOURCE_TIME) : List.of(PARTITION, OFFSET, TIME)) {
      columns.add(col(own));
    }
    Column error = Checks.of(settings.schemasDir, table.schema());
    if (table.changes()) error = when(col(OP).equalTo("d"), lit(null)).otherwise(error);
    Column[] fields = Arrays.stream(fields(contract).fieldNames()).map(Source::name).toArray(Column[]::new);
    return rows.select(columns.toArray(Column[]::new)).withColumn(Contract.ERROR, error).withColumn(VALUE, to_json(struct(fields)));
  }

  /** From lake.records, by the reader that the speed layer has. */
  private Dataset<Row> parsed(TableSpec table, Contract contract) {
    Dataset<Row> records = lake.table(settings.records);
    if (records == null) return null;
    records = records.where(col("_topic").equalTo(table.topic()));
    if (!table.changes()) records = records.where(col("_event_date").equalTo(lit(settings.date)));
    String parse = Functions.parser(spark, table.name(), contract);
    int number = Contract.register(contract);
    Dataset<Row> rows = records.select(col(PARTITION), col(OFFSET), col(TIME), col("_key").cast("string"), col(VALUE).cast("string"),
        col("_headers"), call_function(parse, col(VALUE).cast("binary"), lit(number)).as("e")).select(col("*"), col("e.*")).drop("e");
    if (!table.changes()) {
      // The archive's date of a record that it cannot read is its own choice; a readable one says itself.
      return rows.where(col(Contract.ERROR).isNotNull().or(ofDate(table.time(), settings.date)));
    }
    // A deleted row is a record without value; what else the change was, its headers say.
    Column deleted = col(VALUE).isNull();
    return rows.withColumn(Contract.ERROR, when(deleted, lit(null)).otherwise(col(Contract.ERROR)))
        .withColumn(table.id(), coalesce(name(table.id()), col("_key")))
        .withColumn(OP, when(deleted, "d").otherwise(header("__op")))
        .withColumn(LSN, header("__source_lsn").cast("long"))
        .withColumn(SOURCE_TIME, timestamp_millis(header("__source_ts_ms").cast("long")));
  }

  private static Column header(String name) {
    return get_json_object(col("_headers"), "$." + name);
  }

  /** Bounds, not a function of the column: Iceberg leaves out files by them. */
  static Column ofDate(String time, LocalDate date) {
    return name(time).geq(midnight(date)).and(name(time).lt(midnight(date.plusDays(1))));
  }

  private static Column midnight(LocalDate date) {
    return lit(date + " 00:00:00").cast(DataTypes.TimestampType);
  }

  static Column name(String name) {
    return col("`" + name + "`");
  }
}
