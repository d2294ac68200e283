package lambdactl.speed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lambdactl.speed.Config.StreamConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Where a query without a checkpoint begins. With a checkpoint Spark asks nobody. */
final class Offsets {
  private final Config config;
  private final Map<String, Object> consumerConfig;

  Offsets(Config config, Map<String, Object> consumerConfig) {
    this.config = config;
    this.consumerConfig = consumerConfig;
  }

  /**
   * Spark's startingOffsets: "earliest" and "latest" as they are; "resume" goes on behind the last batch that ClickHouse has a
   * record of, clamped to what the topic still holds, or from the earliest without one.
   */
  String starting(StreamConfig stream, ClickHouse clickhouse) throws InterruptedException, IOException {
    if (!config.startingOffsets.equals("resume")) return config.startingOffsets;
    if (java.nio.file.Files.exists(config.checkpointDir.resolve("offsets"))) return "earliest";
    Map<Integer, Long> recorded = clickhouse.persist("recorded offsets", attempt -> recorded(stream, clickhouse));
    if (recorded.isEmpty()) return "earliest";
    Map<String, Long> start = new TreeMap<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(consumerConfig, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(stream.topic()).stream().map(p -> new TopicPartition(stream.topic(), p.partition())).toList();
      Map<TopicPartition, Long> first = consumer.beginningOffsets(partitions);
      Map<TopicPartition, Long> end = consumer.endOffsets(partitions);
      for (TopicPartition partition : partitions) {
        long next = recorded.getOrDefault(partition.partition(), 0L);
        // Beyond the end: the topic was made anew.
        boolean usable = next >= first.get(partition) && next <= end.get(partition);
        start.put(Integer.toString(partition.partition()), usable ? next : first.get(partition));
      }
    }
    return new ObjectMapper().writeValueAsString(Map.of(stream.topic(), start));
  }

  /** Next offset by partition, as the last recorded batch left it. */
  Map<Integer, Long> recorded(StreamConfig stream, ClickHouse clickhouse) throws IOException, InterruptedException {
    String text = clickhouse.query("SELECT argMax(offsets, (time, batch)) FROM " + config.database + ".speed_batches WHERE stream = '"
        + stream.name() + "' FORMAT TSVRaw").strip();
    Map<Integer, Long> offsets = new TreeMap<>();
    if (text.isEmpty()) return offsets;
    JsonNode recorded = new ObjectMapper().readTree(text);
    for (Map.Entry<String, JsonNode> entry : recorded.properties()) offsets.put(Integer.valueOf(entry.getKey()), entry.getValue().asLong());
    return offsets;
  }
}
