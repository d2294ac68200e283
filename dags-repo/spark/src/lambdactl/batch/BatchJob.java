package lambdactl.batch;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import lambdactl.speed.Contract;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.InternalRow;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One date of the lake to the stage of the warehouse: first of every id, by the speed layer's rules, as Parquet. Running it again is
 * safe: every batch has a directory of its own, and counts as whole with its manifest only. docs/batch-job.md explains it.
 */
public final class BatchJob {
  private static final Logger log = LoggerFactory.getLogger(BatchJob.class);

  private final Settings settings;
  private final SparkSession spark;
  private final Lake lake;
  private final Stage stage;
  private final long startedMs = System.currentTimeMillis();

  public static void main(String[] args) {
    Out.claim();
    int code = 1;
    try {
      Settings settings = Settings.read(args);
      long started = System.currentTimeMillis();
      SparkSession spark = Session.open(settings);
      Out.progress("session", String.format(Locale.ROOT, "%.1f s", (System.currentTimeMillis() - started) / 1000.0));
      Map<String, Object> manifest = run(settings, spark);
      spark.stop();
      Out.result(manifest);
      code = 0;
    } catch (Throwable e) {
      log.error("the batch job ends", e);
      Out.error(reason(e));
    }
    System.exit(code);
  }

  /** The manifest, which the stage then has too. */
  static Map<String, Object> run(Settings settings, SparkSession spark) throws Exception {
    return new BatchJob(settings, spark).run();
  }

  /** Of a failed task Spark's own message holds two stack traces: what happened is the innermost cause. */
  private static String reason(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null && cause.getCause() != cause) cause = cause.getCause();
    String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    if (!(cause instanceof IllegalArgumentException)) message = cause.getClass().getSimpleName() + ": " + message;
    return message.length() > 500 ? message.substring(0, 500) + "…" : message;
  }

  private BatchJob(Settings settings, SparkSession spark) {
    this.settings = settings;
    this.spark = spark;
    lake = new Lake(spark, settings.catalog);
    stage = new Stage(settings);
  }

  private Map<String, Object> run() throws Exception {
    stage.clear(settings.tables);
    Map<String, Object> tables = new LinkedHashMap<>();
    Written all = new Written();
    long duplicates = 0;
    for (TableSpec table : settings.tables) {
      long started = System.currentTimeMillis();
      Written written = write(table);
      tables.put(table.name(), written.manifest(table, Stage.directory(settings, table.name()), started));
      if (!table.changes()) duplicates += written.superseded;
      all.add(written);
      Out.progress(table.name(), String.format(Locale.ROOT, "%,d rows, %,d %s, %,d rejected · %.1f s", written.rows, written.superseded,
          table.changes() ? "superseded" : "duplicates", written.rejectedRows(), (System.currentTimeMillis() - started) / 1000.0));
    }
    Map<String, Map<String, Long>> unreadable = unreadable();
    Map<String, Object> manifest = manifest(tables, all, duplicates, unreadable);
    stage.write(manifest);
    int gone = stage.deleteOlder(settings.tables, startedMs);
    Out.progress("manifest", stage.manifestPath() + (gone == 0 ? "" : String.format(", %d older %s deleted", gone,
        gone == 1 ? "batch" : "batches")));
    return manifest;
  }

  private Written write(TableSpec table) throws Exception {
    Contract contract = Contract.read(settings.schemasDir, table.schema());
    Written all = new Written();
    Dataset<Row> judged = new Source(spark, settings, lake).read(table, contract);
    if (judged == null) return all;
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    Broadcast<Verdicts> verdicts = context.broadcast(Verdicts.of(spark, table, judged));
    Shape shape = Shape.of(table, contract);
    StageWriter writer = new StageWriter(settings, table, shape, verdicts);
    // The rows as Spark holds them, once: into files, and counted on the way.
    JavaRDD<InternalRow> rows = shape.arrange(table, contract, judged, settings.batchId).queryExecution().toRdd().toJavaRDD();
    for (Written part : rows.coalesce(files(rows.getNumPartitions())).mapPartitionsWithIndex(writer::write, false).collect()) all.add(part);
    verdicts.destroy();
    return all;
  }

  /** Two files a task, so that none waits long for a bigger one; for much data one for every 16 splits of 16 MiB. */
  private int files(int splits) {
    return Math.max(1, Math.min(splits, Math.max(2 * settings.tasks, (splits + 15) / 16)));
  }

  /** Records of the date that the archive could not put into their table: counts by topic and class. Their own date is unknown. */
  private Map<String, Map<String, Long>> unreadable() {
    Map<String, Map<String, Long>> counts = new TreeMap<>();
    Dataset<Row> rejected = settings.raw ? null : lake.table(settings.rejected);
    if (rejected == null) return counts;
    List<Row> rows = rejected.where(Source.ofDate(Source.TIME, settings.date))
        .groupBy(col("_topic"), coalesce(col("_error"), lit("other")).as("_error")).agg(count(lit(1))).collectAsList();
    for (Row row : rows) {
      counts.computeIfAbsent(String.valueOf(row.getString(0)), topic -> new TreeMap<>())
          .merge(Stage.errorClass(row.getString(1)), row.getLong(2), Long::sum);
    }
    return counts;
  }

  private Map<String, Object> manifest(Map<String, Object> tables, Written all, long duplicates, Map<String, Map<String, Long>> unreadable) {
    TreeMap<String, Long> rejected = new TreeMap<>(all.rejected);
    unreadable.values().forEach(classes -> classes.forEach((name, rows) -> rejected.merge(name, rows, Long::sum)));
    Map<String, Object> manifest = new LinkedHashMap<>();
    manifest.put("version", 1);
    manifest.put("batchId", settings.batchId);
    manifest.put("date", settings.date.toString());
    manifest.put("archive", settings.raw ? "spark" : "connect");
    manifest.put("path", stage.manifestPath());
    manifest.put("startedAt", Instant.ofEpochMilli(startedMs).toString());
    manifest.put("finishedAt", Instant.now().toString());
    manifest.put("seconds", (System.currentTimeMillis() - startedMs) / 1000.0);
    manifest.put("rows", all.rows);
    manifest.put("duplicates", duplicates);
    manifest.put("rejected", rejected);
    manifest.put("bytes", all.bytes());
    manifest.put("tables", tables);
    manifest.put("unreadable", unreadable);
    manifest.put("rejectedPath", all.rejectedRows() == 0 ? null : Stage.directory(settings, Stage.REJECTED));
    manifest.put("snapshots", lake.snapshots());
    return manifest;
  }
}
