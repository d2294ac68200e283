package lambdactl.batch;

import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.get_json_object;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.timestamp_millis;
import static org.apache.spark.sql.functions.when;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lambdactl.speed.Contract;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/** Puts records into real Iceberg tables, runs the real job on them and prints what the stage then holds. */
final class SparkBatchFixture {
  private static final StructType RECORD = StructType.fromDDL("_topic STRING, _key STRING, _value STRING, _headers STRING,"
      + " _event_date DATE, _kafka_partition INT, _offset BIGINT, _time TIMESTAMP");

  /** With all six digits of a second, which JSON leaves out otherwise. */
  private static final String TO_JSON = "to_json(struct(*), map('timestampNTZFormat', \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS\"))";

  /** args: directory, then the settings files of both archives. records.jsonl in it has [topic, key, value, headers, time, date] a line. */
  public static void main(String[] args) throws Exception {
    Path directory = Path.of(args[0]);
    Out.claim();
    ObjectMapper json = new ObjectMapper();
    for (int i = 1; i < args.length; i++) {
      SparkSession spark = null;
      Map<String, Object> results = new LinkedHashMap<>();
      for (String batch : List.of("2026-03-10 b1", "2026-03-10 b2", "2026-03-10 b3", "2026-03-20 empty", "2026-03-10 b3")) {
        String[] asked = batch.split(" ");
        Settings settings = Settings.read(new String[] {"--conf-file", args[i], "--date", asked[0], "--batch-id", asked[1]});
        if (spark == null) {
          spark = Session.open(settings);
          fill(spark, settings, directory.resolve("records.jsonl"), json);
        }
        results.put(asked[1], BatchJob.run(settings, spark));
      }
      Map<String, Object> rows = new LinkedHashMap<>();
      Settings settings = Settings.read(new String[] {"--conf-file", args[i], "--date", "2026-03-10", "--batch-id", "b3"});
      for (String table : List.of("user_events", "transactions", "users", "rejected")) {
        Dataset<Row> read = spark.read().parquet(Stage.directory(settings, table));
        rows.put(table, Map.of("schema", read.schema().toDDL(), "rows", json.readTree(
            read.selectExpr(TO_JSON).as(Encoders.STRING()).collectAsList().toString())));
      }
      System.setOut(new java.io.PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out)));
      System.out.println("FIXTURE " + json.writeValueAsString(Map.of("manifests", results, "stage", rows)));
      spark.stop();
    }
    System.exit(0);
  }

  private static void fill(SparkSession spark, Settings settings, Path file, ObjectMapper json) throws Exception {
    settings.catalog.forEach((name, value) -> spark.conf().set("spark.sql.catalog.lake." + name, value));
    spark.conf().set("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog");
    List<Row> rows = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      String[] record = json.readValue(line, String[].class);
      rows.add(RowFactory.create(record[0], record[1], record[2], record[3], java.sql.Date.valueOf(LocalDate.parse(record[5])), 0,
          (long) rows.size(), Timestamp.from(Instant.parse(record[4]))));
    }
    Dataset<Row> records = spark.createDataFrame(rows, RECORD).cache();
    if (settings.raw) {
      records.writeTo("lake.lake.records").partitionedBy(col("_topic"), col("_event_date")).create();
      return;
    }
    List<Dataset<Row>> rejected = new ArrayList<>();
    for (TableSpec table : settings.tables) {
      Dataset<Row> ofTopic = records.where(col("_topic").equalTo(table.topic()));
      if (ofTopic.isEmpty()) continue;
      Contract contract = Contract.read(settings.schemasDir, table.schema());
      String parse = Functions.parser(spark, "fixture_" + table.name(), contract);
      Dataset<Row> parsed = ofTopic.select(col("*"), call_function(parse, col("_value").cast("binary"), lit(Contract.register(contract)))
          .as("e")).select(col("*"), col("e.*"));
      var gone = col("_value").isNull();
      Dataset<Row> good = parsed.where(gone.or(col(Contract.ERROR).isNull()));
      if (table.changes()) {
        good = good.withColumn(table.id(), coalesce(col(table.id()), col("_key")))
            .withColumn("_op", when(gone, "d").otherwise(get_json_object(col("_headers"), "$.__op")))
            .withColumn("_lsn", get_json_object(col("_headers"), "$.__source_lsn").cast("long"))
            .withColumn("_source_time", timestamp_millis(get_json_object(col("_headers"), "$.__source_ts_ms").cast("long")));
      }
      good.drop("_topic", "_key", "_value", "_headers", "_event_date", "e", Contract.ERROR).writeTo("lake.lake." + table.lake()).create();
      rejected.add(parsed.where(col(Contract.ERROR).isNotNull().and(col("_value").isNotNull()))
          .select(col("_topic"), col("_key"), col("_value"), col(Contract.ERROR).as("_error"), col("_kafka_partition"), col("_offset"), col("_time")));
    }
    Dataset<Row> all = rejected.get(0);
    for (Dataset<Row> more : rejected.subList(1, rejected.size())) all = all.union(more);
    all.writeTo("lake.lake.rejected").create();
  }
}
