package lambdactl.speed;

import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.when;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import lambdactl.lake.ArchiveQuery;
import lambdactl.speed.Config.StreamConfig;
import org.apache.spark.api.java.function.VoidFunction2;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.Trigger;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The speed layer: one streaming query over all topics of streams.json, every stream through its own SQL file, into ClickHouse.
 * What the rules and columns are is in SQL; what a field is, in the JSON Schemas; this is the runner.
 */
public final class SpeedJob {
  private static final Logger log = LoggerFactory.getLogger(SpeedJob.class);
  /** View that a stream's SQL reads. */
  private static final String SOURCE = "source";

  private SpeedJob() {}

  public static void main(String[] args) {
    Status status = new Status();
    try {
      run(Config.read(args), status);
      exit(status.stopping() ? 0 : 1);
    } catch (Throwable e) {
      if (status.stopping()) exit(0);
      log.error("the speed job ends", e);
      exit(1);
    }
  }

  /** Not System.exit: Spark's hooks wait for threads that a broken service may hold. Nothing is lost by leaving at once. */
  private static void exit(int code) {
    org.apache.logging.log4j.LogManager.shutdown();
    Runtime.getRuntime().halt(code);
  }

  private static void run(Config config, Status status) throws Exception {
    long started = System.currentTimeMillis();
    holdCheckpoint(config.checkpointDir);
    ClickHouse clickhouse = new ClickHouse(config.clickhouseUrl, config.clickhouseUser, config.clickhousePassword);
    TierDimension tiers = new TierDimension(consumerConfig(config), config.tierTopic);
    tiers.start();
    status.add("clickhouse", clickhouse::status);
    status.add("tiers", tiers::status);
    StatusServer.start(config.statusHost, config.statusPort, status::json, status::prometheus);

    SparkSession spark = session(config);
    log.warn("session after {} ms", System.currentTimeMillis() - started);
    spark.streams().addListener(status.listener());
    Functions.register(spark, "user_tier", TierDimension.class, DataTypes.StringType, "userTier");
    Functions.register(spark, "processing_time", BatchClock.class, DataTypes.TimestampType, "micros");

    ExecutorService senders = Executors.newFixedThreadPool(2, task -> {
      Thread thread = new Thread(task, "clickhouse-sender");
      thread.setDaemon(true);
      return thread;
    });
    List<StreamSink> sinks = new ArrayList<>();
    List<BatchSink.Appendix> appendices = new ArrayList<>();
    List<Dataset<Row>> rows = new ArrayList<>();
    Offsets offsets = new Offsets(config, consumerConfig(config));
    for (StreamConfig stream : config.streams) {
      Dataset<Row> read = read(spark, config, stream, offsets, clickhouse);
      StructType type = fields(read);
      rows.add(read);
      sinks.add(new StreamSink(stream, config.database, clickhouse, senders, type, config.recentIds));
      appendices.add(config.emitProcessed ? appendix(config, stream, type) : null);
    }
    for (StreamSink sink : sinks) status.stream(sink);
    String runId = UUID.randomUUID().toString();
    Outbox outbox = new Outbox(producerConfig(config));
    BatchSink sink = new BatchSink(config, runId, clickhouse, outbox, sinks, appendices);
    status.add("sink", sink::status);
    status.add("produced", outbox::status);
    prepare(config, clickhouse, sinks, offsets);
    tiers.awaitLoaded();
    if (config.archive != null) spark.sparkContext().setLocalProperty("spark.scheduler.pool", "speed");

    StreamingQuery query = union(rows).writeStream().queryName("speed")
        .option("checkpointLocation", config.checkpointDir.toUri().toString())
        .trigger(Trigger.ProcessingTime(config.triggerMs))
        .foreachBatch((VoidFunction2<Dataset<Row>, Long>) sink::process)
        .start();
    status.running(query, System.currentTimeMillis() - started);
    log.warn("query running after {} ms", System.currentTimeMillis() - started);
    if (config.archive != null) archive(spark, config, status);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      status.stop();
      Runtime.getRuntime().halt(143);
    }));
    query.awaitTermination();
  }

  /** A method of its own: without an archive no class of the lake is loaded. */
  private static void archive(SparkSession spark, Config config, Status status) {
    status.archive(ArchiveQuery.start(spark, config.archive, kafkaClient(config), config.failOnDataLoss));
  }

  /** Two jobs on one checkpoint would insert the same rows; the operating system gives the lock back when a process dies. */
  private static void holdCheckpoint(Path checkpoint) throws IOException {
    Files.createDirectories(checkpoint.getParent());
    Path lock = checkpoint.resolveSibling(checkpoint.getFileName() + ".lock");
    FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    if (channel.tryLock() == null) throw new IllegalStateException("another speed job holds " + lock);
  }

  private static SparkSession session(Config config) throws IOException {
    Files.createDirectories(config.localDir);
    SparkSession.Builder builder = SparkSession.builder().appName("lambda-speed").master(config.master);
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("spark.driver.host", "127.0.0.1");
    settings.put("spark.driver.bindAddress", "127.0.0.1");
    settings.put("spark.ui.enabled", Boolean.toString(config.uiPort > 0));
    if (config.uiPort > 0) settings.put("spark.ui.port", Integer.toString(config.uiPort));
    settings.put("spark.ui.showConsoleProgress", "false");
    settings.put("spark.ui.retainedJobs", "20");
    settings.put("spark.ui.retainedStages", "20");
    settings.put("spark.ui.retainedTasks", "200");
    settings.put("spark.sql.ui.retainedExecutions", "5");
    settings.put("spark.sql.streaming.ui.retainedQueries", "2");
    settings.put("spark.sql.streaming.ui.retainedProgressUpdates", "20");
    settings.put("spark.sql.streaming.numRecentProgressUpdates", "10");
    settings.put("spark.sql.streaming.minBatchesToRetain", "10");
    settings.put("spark.sql.shuffle.partitions", "1");
    settings.put("spark.sql.adaptive.enabled", "false");
    settings.put("spark.sql.session.timeZone", "UTC");
    // A value that a rule cannot compute is NULL, not the end of the stream.
    settings.put("spark.sql.ansi.enabled", "false");
    settings.put("spark.sql.catalogImplementation", "in-memory");
    settings.put("spark.sql.warehouse.dir", config.localDir.resolve("warehouse").toUri().toString());
    settings.put("spark.local.dir", config.localDir.toString());
    settings.put("spark.memory.fraction", "0.3");
    settings.put("spark.locality.wait", "0");
    if (config.archive != null) settings.putAll(ArchiveQuery.sessionSettings(config.archive));
    settings.forEach(builder::config);
    return builder.getOrCreate();
  }

  private static Dataset<Row> read(SparkSession spark, Config config, StreamConfig stream, Offsets offsets, ClickHouse clickhouse)
      throws Exception {
    Contract contract = Contract.read(config.schemasDir, stream.schema());
    int number = Contract.register(contract);
    String parse = "parse_" + stream.name();
    Functions.register(spark, parse, Contract.class, contract.type, "parse");
    Dataset<Row> records = spark.readStream().format("kafka")
        .option("kafka.bootstrap.servers", config.bootstrapServers)
        .option("subscribe", stream.topic())
        .option("startingOffsets", offsets.starting(stream, clickhouse))
        .option("maxOffsetsPerTrigger", config.maxOffsetsPerTrigger)
        .option("failOnDataLoss", config.failOnDataLoss)
        .option("includeHeaders", true)
        .option("kafka.max.poll.records", "10000")
        .option("kafka.max.partition.fetch.bytes", "4194304")
        .options(prefixed(config.kafkaProperties))
        .load();
    records.select(col("key").as(BatchSink.KEY), col("value").as(BatchSink.VALUE), col("partition").as(BatchSink.PARTITION),
            col("offset").as(BatchSink.OFFSET), col("headers").as(BatchSink.HEADERS),
            call_function(parse, col("value"), lit(number)).as("e"))
        .select(col("*"), col("e.*"), call_function("processing_time").as("processing_time")).drop("e")
        .createOrReplaceTempView(SOURCE);
    return spark.sql(Files.readString(config.sqlDir.resolve(stream.sql())));
  }

  private static Map<String, String> prefixed(Map<String, String> properties) {
    return properties.entrySet().stream().collect(Collectors.toMap(e -> "kafka." + e.getKey(), Map.Entry::getValue));
  }

  /** What the SQL made: its columns but for the record's own and the error. */
  private static StructType fields(Dataset<Row> rows) {
    List<String> record = List.of(BatchSink.KEY, BatchSink.VALUE, BatchSink.PARTITION, BatchSink.OFFSET, BatchSink.HEADERS,
        Contract.ERROR, "error");
    StructType fields = new StructType();
    for (var field : rows.schema().fields()) if (!record.contains(field.name())) fields = fields.add(field.name(), field.dataType());
    return fields;
  }

  /** One query over all streams: every stream's fields are a struct column of their own, null in the rows of the others. */
  private static Dataset<Row> union(List<Dataset<Row>> streams) {
    Dataset<Row> all = null;
    for (int i = 0; i < streams.size(); i++) {
      Dataset<Row> rows = streams.get(i);
      Column error = coalesce(col(Contract.ERROR), col("error"));
      List<Column> columns = new ArrayList<>(Arrays.asList(lit(i).as(BatchSink.STREAM), col(BatchSink.KEY), col(BatchSink.VALUE),
          col(BatchSink.PARTITION), col(BatchSink.OFFSET),
          // Of valid records too: the table can still refuse one, and then its attempts must go on counting. Almost always null.
          col(BatchSink.HEADERS), error.as(BatchSink.ERROR)));
      for (int j = 0; j < streams.size(); j++) {
        StructType fields = fields(streams.get(j));
        Column value = i == j
            ? when(error.isNull(), struct(Arrays.stream(fields.fieldNames()).map(name -> col(name)).toArray(Column[]::new)))
            : lit(null);
        columns.add(value.cast(nullable(fields)).as("_fields" + j));
      }
      Dataset<Row> shaped = rows.select(columns.toArray(Column[]::new));
      all = all == null ? shaped : all.union(shaped);
    }
    return all;
  }

  private static StructType nullable(StructType type) {
    StructType nullable = new StructType();
    for (var field : type.fields()) nullable = nullable.add(field.name(), field.dataType(), true);
    return nullable;
  }

  private static BatchSink.Appendix appendix(Config config, StreamConfig stream, StructType type) throws IOException {
    if (stream.processedTopic() == null) return null;
    List<String> given = Arrays.asList(Contract.read(config.schemasDir, stream.schema()).type.fieldNames());
    List<String> names = new ArrayList<>();
    List<Integer> ordinals = new ArrayList<>();
    for (String name : Contract.read(config.schemasDir, stream.processedSchema()).type.fieldNames()) {
      if (given.contains(name)) continue;
      names.add(name);
      ordinals.add(type.fieldIndex(name));
    }
    return new BatchSink.Appendix(stream.processedTopic(), names, ordinals, type);
  }

  /** Waits for ClickHouse, for its tables, and for inserts of an earlier run that it may still be executing; tells views the settings. */
  private static void prepare(Config config, ClickHouse clickhouse, List<StreamSink> sinks, Offsets offsets) throws InterruptedException {
    clickhouse.persist("start", attempt -> {
      while (!clickhouse.query("SELECT count() FROM system.processes WHERE query_id LIKE 'speed-%'").strip().equals("0")) Thread.sleep(100);
      for (StreamSink sink : sinks) {
        sink.prepare(config.database, config.sqlDir);
        sink.offsets().putAll(offsets.recorded(sink.config, clickhouse));
        if (!sink.unmapped().isEmpty()) log.warn("{}: no column for {}", sink.config.table(), sink.unmapped());
      }
      clickhouse.query("INSERT INTO " + config.database + ".speed_settings SELECT now64(3), " + config.watermarkMs + ", "
          + config.sessionTimeoutMs);
      return null;
    });
  }

  private static Map<String, String> kafkaClient(Config config) {
    Map<String, String> settings = new HashMap<>(config.kafkaProperties);
    settings.put("bootstrap.servers", config.bootstrapServers);
    return settings;
  }

  private static Map<String, Object> consumerConfig(Config config) {
    Map<String, Object> settings = new HashMap<>(kafkaClient(config));
    settings.put("enable.auto.commit", "false");
    settings.put("auto.offset.reset", "earliest");
    settings.put("max.poll.records", "5000");
    return settings;
  }

  private static Map<String, Object> producerConfig(Config config) {
    Map<String, Object> settings = new HashMap<>(kafkaClient(config));
    settings.put("compression.type", "lz4");
    settings.put("linger.ms", "20");
    settings.put("batch.size", "131072");
    settings.put("buffer.memory", "16777216");
    // The batch waits for the broker; it does not give up on a record.
    settings.put("delivery.timeout.ms", Integer.toString(Integer.MAX_VALUE));
    settings.put("max.block.ms", "300000");
    return settings;
  }
}
