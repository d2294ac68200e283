package lambdactl.lake;

import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.col;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import lambdactl.lake.LakeConfig.TableConfig;
import lambdactl.speed.Functions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryProgress;
import org.apache.spark.sql.streaming.Trigger;
import org.apache.spark.sql.types.DataTypes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The streaming query `archive`: every record of every topic into lake.records, exactly once. It lives beside the speed query and
 * may fail without it: a store or catalog that is away ends this query, which is begun again after a pause, for ever.
 *
 * <p>Exact, because Iceberg's commit of a micro-batch carries the query's id and the batch's number, and a batch that is repeated
 * after a kill is recognized by them. A lost checkpoint begins behind the greatest offset in the table.
 */
public final class ArchiveQuery {
  public static final String NAME = "archive";
  private static final Logger log = LoggerFactory.getLogger(ArchiveQuery.class);
  private static final long LONGEST_PAUSE_MS = 30_000;
  private static final long STABLE_MS = 60_000;

  private final SparkSession spark;
  private final LakeConfig config;
  private final Path checkpoint;
  private final long maxOffsets;
  private final Map<String, String> kafka;
  private final boolean failOnDataLoss;
  private volatile StreamingQuery query;
  private volatile String state = "starting";
  private volatile String lastError;
  private volatile long retryAt;
  private volatile long restarts;
  private volatile long rows;
  private volatile long batchId = -1;
  private volatile long batchMs;
  private volatile long progressAt;
  private volatile long commitAt;
  private volatile Map<String, Long> lag = Map.of();

  /** @param settings checkpointDir and maxOffsetsPerTrigger of the query; section "lake" is the lake's */
  private ArchiveQuery(SparkSession spark, JsonNode settings, Map<String, String> kafka, boolean failOnDataLoss) {
    this.spark = spark;
    this.kafka = kafka;
    this.failOnDataLoss = failOnDataLoss;
    config = new LakeConfig(settings);
    checkpoint = Path.of(settings.required("checkpointDir").asText());
    maxOffsets = settings.path("maxOffsetsPerTrigger").asLong(400_000);
  }

  /** What a session needs for this query: the catalog, and a scheduler that lets the speed query's tasks pass between its own. */
  public static Map<String, String> sessionSettings(JsonNode settings) {
    Map<String, String> conf = new LinkedHashMap<>(LakeSession.catalogSettings(new LakeConfig(settings)));
    conf.put("spark.scheduler.mode", "FAIR");
    return conf;
  }

  public static ArchiveQuery start(SparkSession spark, JsonNode settings, Map<String, String> kafka, boolean failOnDataLoss) {
    ArchiveQuery archive = new ArchiveQuery(spark, settings, kafka, failOnDataLoss);
    ArchiveRow.configure(archive.config);
    Functions.register(spark, "archive_date", ArchiveRow.class, DataTypes.DateType, "eventDate");
    Functions.register(spark, "archive_headers", ArchiveRow.class, DataTypes.StringType, "headers");
    Thread thread = new Thread(archive::supervise, "archive-supervisor");
    thread.setDaemon(true);
    thread.start();
    return archive;
  }

  private void supervise() {
    for (int failures = 1; ; failures++) {
      long began = System.currentTimeMillis();
      try {
        state = "starting";
        query = begin();
        state = "running";
        query.awaitTermination();
        lastError = "the query was stopped";
      } catch (Throwable e) {
        // An Error of one class that cannot be loaded must not end the speed query either.
        lastError = LakeException.oneLine(e);
        log.warn("the archive query ends and is begun again: {}", lastError, e);
      }
      if (System.currentTimeMillis() - began > STABLE_MS) failures = 1;
      restarts++;
      long pause = Math.min(LONGEST_PAUSE_MS, 1000L << Math.min(failures - 1, 10));
      retryAt = System.currentTimeMillis() + pause;
      state = "waiting";
      try {
        Thread.sleep(pause);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private StreamingQuery begin() throws Exception {
    String offsets;
    try (Lake lake = Lake.open(config)) {
      RecordsTable.ensure(lake);
      offsets = Files.exists(checkpoint.resolve("offsets")) ? "earliest" : startingOffsets(lake);
    }
    Dataset<Row> records = spark.readStream().format("kafka")
        .option("subscribe", String.join(",", topics()))
        .option("startingOffsets", offsets)
        .option("maxOffsetsPerTrigger", maxOffsets)
        .option("failOnDataLoss", failOnDataLoss)
        .option("includeHeaders", true)
        // The speed layer's heap is small, and this query is in no hurry.
        .option("kafka.max.poll.records", "2000")
        .option("kafka.max.partition.fetch.bytes", "1048576")
        .options(kafka.entrySet().stream().collect(Collectors.toMap(e -> "kafka." + e.getKey(), Map.Entry::getValue)))
        .load();
    // Thread-local, and taken over by the query's thread.
    spark.sparkContext().setLocalProperty("spark.scheduler.pool", NAME);
    return records.select(
            col("topic").as("_topic"), col("key").cast("string").as("_key"), col("value").cast("string").as("_value"),
            call_function("archive_headers", col("topic"), col("headers")).as("_headers"),
            call_function("archive_date", col("topic"), col("value"), col("timestamp")).as("_event_date"),
            col("partition").as("_kafka_partition"), col("offset").as("_offset"), col("timestamp").as("_time"))
        .writeStream().queryName(NAME).format("iceberg").outputMode("append")
        .trigger(Trigger.ProcessingTime(config.commitIntervalMs))
        .option("fanout-enabled", "true")
        .option("checkpointLocation", checkpoint.toUri().toString())
        .toTable(LakeConfig.CATALOG + "." + LakeConfig.NAMESPACE + "." + config.records);
  }

  private List<String> topics() {
    return config.tables.stream().map(TableConfig::topic).toList();
  }

  /** Spark's startingOffsets, of every partition: behind the greatest offset in the table, or the earliest there is. */
  private String startingOffsets(Lake lake) throws Exception {
    Map<String, TreeMap<Integer, Long>> next = new LakeOffsets(lake, false).refresh().next();
    // Rows that were put there by hand came from no partition.
    next.values().forEach(partitions -> partitions.remove(Append.PARTITION));
    Map<String, Object> consumer = new HashMap<>(kafka);
    Map<String, Map<String, Long>> start = new TreeMap<>();
    try (KafkaConsumer<byte[], byte[]> client = new KafkaConsumer<>(consumer, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      for (String topic : topics()) {
        List<TopicPartition> partitions = client.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
        Map<TopicPartition, Long> first = client.beginningOffsets(partitions);
        Map<TopicPartition, Long> end = client.endOffsets(partitions);
        for (TopicPartition partition : partitions) {
          long wanted = next.getOrDefault(topic, new TreeMap<>()).getOrDefault(partition.partition(), 0L);
          // Beyond the end: the topic was made anew.
          boolean usable = wanted >= first.get(partition) && wanted <= end.get(partition);
          if (wanted > 0 && !usable) log.error("{} cannot go on at offset {}: Kafka holds {} to {}", partition, wanted, first.get(partition), end.get(partition));
          start.computeIfAbsent(topic, t -> new TreeMap<>()).put(Integer.toString(partition.partition()), usable ? wanted : first.get(partition));
        }
      }
    }
    log.warn("no checkpoint: the archive begins at {}", start);
    return new ObjectMapper().writeValueAsString(start);
  }

  /** Call for every progress event of this query. */
  public void progress(StreamingQueryProgress progress, Map<String, Long> lagRecords) {
    lag = lagRecords;
    batchId = progress.batchId();
    progressAt = System.currentTimeMillis();
    if (progress.numInputRows() == 0) return;
    rows += progress.numInputRows();
    commitAt = progressAt;
    Long took = progress.durationMs().get("triggerExecution");
    batchMs = took == null ? 0 : took;
  }

  /** state: starting, running, or waiting until retryAt. */
  public Map<String, Object> status() {
    StreamingQuery current = query;
    boolean active = current != null && current.isActive() && state.equals("running");
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("name", NAME);
    status.put("active", active);
    status.put("state", state);
    status.put("retryAt", state.equals("waiting") ? Instant.ofEpochMilli(retryAt).toString() : null);
    status.put("restarts", restarts);
    status.put("lastError", lastError);
    status.put("batchId", batchId);
    status.put("batchMs", batchMs);
    status.put("rows", rows);
    status.put("lastProgressAt", progressAt == 0 ? null : Instant.ofEpochMilli(progressAt).toString());
    status.put("lastCommitAt", commitAt == 0 ? null : Instant.ofEpochMilli(commitAt).toString());
    status.put("lagRecords", lag);
    return status;
  }
}
