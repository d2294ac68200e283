package lambdactl.speed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.spark.unsafe.types.UTF8String;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * user_id → tier, followed from the compacted CDC topic by a thread of its own. Open addressing in three arrays: 17 bytes a slot,
 * 36 MB for a million users.
 */
public final class TierDimension {
  private static final Logger log = LoggerFactory.getLogger(TierDimension.class);
  private static final JsonFactory JSON = new JsonFactory();
  private static final int UNKNOWN = 1;
  private static volatile TierDimension current;

  private long[] high = new long[1 << 10];
  private long[] low = new long[1 << 10];
  /** Index into names; 0 is a free slot, UNKNOWN a user who is gone. */
  private byte[] tiers = new byte[1 << 10];
  private int used;
  private UTF8String[] names = {null, UTF8String.fromString("unknown")};

  private final Map<String, Object> consumerConfig;
  private final String topic;
  private final CountDownLatch loaded = new CountDownLatch(1);
  private volatile long records;
  private volatile String state = "loading";
  private volatile String lastError;

  TierDimension(Map<String, Object> consumerConfig, String topic) {
    this.consumerConfig = consumerConfig;
    this.topic = topic;
  }

  /** Starts following the topic; the first caller of awaitLoaded sees every row that was in it at this moment. */
  void start() {
    current = this;
    Thread thread = new Thread(this::follow, "tier-dimension");
    thread.setDaemon(true);
    thread.start();
  }

  void awaitLoaded() throws InterruptedException {
    loaded.await();
  }

  /** SQL: user_tier(user_id); "unknown" for a missing user. */
  public static UTF8String userTier(UTF8String userId) {
    UTF8String tier = null;
    if (userId != null && userId.numBytes() == 36) {
      byte[] text = userId.getBytes();
      tier = current.get(Uuids.high(text, 0), Uuids.low(text, 0));
    }
    return tier == null ? UTF8String.fromString("unknown") : tier;
  }

  private void follow() {
    while (true) {
      try (KafkaConsumer<byte[], byte[]> consumer =
          new KafkaConsumer<>(consumerConfig, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
        List<TopicPartition> partitions = waitForTopic(consumer);
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        boolean behind = true;
        while (true) {
          if (behind && ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue())) {
            behind = false;
            state = "following";
            lastError = null;
            loaded.countDown();
          }
          for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) apply(record);
        }
      } catch (InterruptException e) {
        return;
      } catch (RuntimeException e) {
        // The map stays as it is, so lookups go on with the last known tiers.
        log.warn("the tier dimension lost its topic, trying again: {}", e.toString());
        lastError = e.toString();
        sleep(1000);
      }
    }
  }

  private List<TopicPartition> waitForTopic(KafkaConsumer<byte[], byte[]> consumer) {
    while (true) {
      var infos = consumer.listTopics(Duration.ofSeconds(30)).get(topic);
      if (infos != null && !infos.isEmpty()) {
        return infos.stream().map(info -> new TopicPartition(topic, info.partition())).collect(Collectors.toList());
      }
      // No captured table yet: everybody is unknown, and that must not hold up the stream.
      state = "waiting for topic " + topic;
      loaded.countDown();
      sleep(1000);
    }
  }

  private void apply(ConsumerRecord<byte[], byte[]> record) {
    records++;
    try {
      String[] change = new String[3];
      if (record.value() != null) read(record.value(), change);
      if (record.value() == null || change[0] == null) {
        if (record.key() == null) return;
        read(record.key(), change);
        change[2] = "true";
      }
      if (change[0] == null || !Contract.isUuid(change[0])) return;
      UUID user = UUID.fromString(change[0]);
      put(user.getMostSignificantBits(), user.getLeastSignificantBits(), "true".equals(change[2]) ? null : change[1]);
    } catch (IOException | RuntimeException e) {
      lastError = "record " + record.partition() + "/" + record.offset() + ": " + e.getMessage();
    }
  }

  /** Fills {user_id, tier, __deleted}; looks into Debezium's payload and after, too, should the row not be unwrapped. */
  private static void read(byte[] json, String[] change) throws IOException {
    try (JsonParser parser = JSON.createParser(json)) {
      if (parser.nextToken() == JsonToken.START_OBJECT) readObject(parser, change);
    }
  }

  private static void readObject(JsonParser parser, String[] change) throws IOException {
    for (String name; (name = parser.nextFieldName()) != null; ) {
      JsonToken token = parser.nextToken();
      if (token == JsonToken.START_OBJECT && (name.equals("payload") || name.equals("after"))) {
        readObject(parser, change);
        continue;
      }
      if (token.isStructStart()) {
        parser.skipChildren();
        continue;
      }
      if (token == JsonToken.VALUE_NULL) continue;
      switch (name) {
        case "user_id": change[0] = parser.getText(); break;
        case "tier": change[1] = parser.getText(); break;
        case "__deleted": change[2] = parser.getText(); break;
        default:
      }
    }
  }

  private synchronized UTF8String get(long h, long l) {
    for (int slot = slot(h, l, tiers.length); tiers[slot] != 0; slot = slot + 1 & tiers.length - 1) {
      if (high[slot] == h && low[slot] == l) return names[tiers[slot]];
    }
    return null;
  }

  private synchronized void put(long h, long l, String tier) {
    if (used * 3 > tiers.length * 2) grow();
    int slot = slot(h, l, tiers.length);
    while (tiers[slot] != 0 && (high[slot] != h || low[slot] != l)) slot = slot + 1 & tiers.length - 1;
    if (tiers[slot] == 0) used++;
    high[slot] = h;
    low[slot] = l;
    tiers[slot] = (byte) (tier == null ? UNKNOWN : code(tier));
  }

  private int code(String tier) {
    UTF8String wanted = UTF8String.fromString(tier);
    for (int i = 1; i < names.length; i++) if (names[i].equals(wanted)) return i;
    if (names.length > 100) return UNKNOWN;
    names = java.util.Arrays.copyOf(names, names.length + 1);
    names[names.length - 1] = wanted;
    return names.length - 1;
  }

  private void grow() {
    long[] oldHigh = high;
    long[] oldLow = low;
    byte[] oldTiers = tiers;
    int size = oldTiers.length * 2;
    high = new long[size];
    low = new long[size];
    tiers = new byte[size];
    for (int i = 0; i < oldTiers.length; i++) {
      if (oldTiers[i] == 0) continue;
      int slot = slot(oldHigh[i], oldLow[i], size);
      while (tiers[slot] != 0) slot = slot + 1 & size - 1;
      high[slot] = oldHigh[i];
      low[slot] = oldLow[i];
      tiers[slot] = oldTiers[i];
    }
  }

  private static int slot(long h, long l, int size) {
    return (int) Uuids.mix(h, l) & size - 1;
  }

  synchronized Map<String, Object> status() {
    var status = new java.util.LinkedHashMap<String, Object>();
    status.put("state", state);
    status.put("users", used);
    status.put("records", records);
    status.put("lastError", lastError);
    return status;
  }

  private static void sleep(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    }
  }
}
