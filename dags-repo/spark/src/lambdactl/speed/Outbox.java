package lambdactl.speed;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/** Everything the job produces to Kafka: dead letters and processed events. At least once; flush() before a batch counts as done. */
final class Outbox {
  private static final String ATTEMPT = "dlq.attempt";
  /** What a replay says of the very first refusal; goes on with the record when it is refused again. */
  private static final String FIRST = "dlq.first.";
  /** A broker that answers takes far less for what a batch has left. */
  private static final long FLUSH_IS_SLOW_MS = 5000;

  private final KafkaProducer<byte[], byte[]> producer;
  private final AtomicReference<Exception> failure = new AtomicReference<>();
  private final LongAdder deadLetters = new LongAdder();
  private final LongAdder processed = new LongAdder();
  private volatile long flushingSince;
  private volatile long failures;
  private volatile String lastError;

  Outbox(Map<String, Object> config) {
    producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
  }

  /** The record as it came, with the reason in its headers. */
  void deadLetter(String topic, InternalRow row, String error) {
    int colon = error.indexOf(": ");
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic + ".dlq", row.isNullAt(1) ? null : row.getBinary(1),
        row.isNullAt(2) ? null : row.getBinary(2));
    Headers headers = record.headers();
    int attempt = 1;
    if (!row.isNullAt(5)) {
      ArrayData given = row.getArray(5);
      for (int i = 0; i < given.numElements(); i++) {
        InternalRow header = given.getStruct(i, 2);
        String name = header.getUTF8String(0).toString();
        byte[] value = header.isNullAt(1) ? null : header.getBinary(1);
        if (name.equals(ATTEMPT)) attempt = 1 + number(value);
        else if (!name.startsWith("dlq.") || name.startsWith(FIRST)) headers.add(name, value);
      }
    }
    add(headers, "dlq.source.topic", topic);
    add(headers, "dlq.source.partition", Integer.toString(row.getInt(3)));
    add(headers, "dlq.source.offset", Long.toString(row.getLong(4)));
    add(headers, "dlq.error.class", colon < 0 ? error : error.substring(0, colon));
    add(headers, "dlq.error.text", colon < 0 ? error : error.substring(colon + 2));
    add(headers, "dlq.time", Instant.now().toString());
    add(headers, ATTEMPT, Integer.toString(attempt));
    deadLetters.increment();
    send(record);
  }

  private static int number(byte[] text) {
    try {
      return text == null ? 0 : Math.max(0, Integer.parseInt(new String(text, StandardCharsets.UTF_8)));
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private static void add(Headers headers, String name, String value) {
    headers.add(name, value.getBytes(StandardCharsets.UTF_8));
  }

  /** The source event's own bytes with further fields before its last brace. */
  void processed(BatchSink.Appendix appendix, byte[] key, byte[] value, InternalRow row) {
    StringBuilder more = new StringBuilder(96);
    for (int i = 0; i < appendix.names().size(); i++) {
      more.append(",\"").append(appendix.names().get(i)).append("\":");
      int at = appendix.ordinals().get(i);
      DataType type = appendix.type().apply(at).dataType();
      if (row.isNullAt(at)) more.append("null");
      else if (type.equals(DataTypes.TimestampType)) more.append('"').append(Instant.ofEpochMilli(Math.floorDiv(row.getLong(at), 1000L))).append('"');
      else if (type.equals(DataTypes.StringType)) quote(row.getUTF8String(at).toString(), more);
      else more.append(row.get(at, type));
    }
    byte[] tail = more.append('}').toString().getBytes(StandardCharsets.UTF_8);
    int brace = value.length - 1;
    while (value[brace] != '}') brace--;
    byte[] whole = java.util.Arrays.copyOf(value, brace + tail.length);
    System.arraycopy(tail, 0, whole, brace, tail.length);
    processed.increment();
    send(new ProducerRecord<>(appendix.topic(), key, whole));
  }

  private static void quote(String text, StringBuilder out) {
    out.append('"').append(com.fasterxml.jackson.core.io.JsonStringEncoder.getInstance().quoteAsString(text)).append('"');
  }

  private void send(ProducerRecord<byte[], byte[]> record) {
    producer.send(record, (metadata, error) -> {
      if (error == null) return;
      lastError = error.toString();
      failure.compareAndSet(null, error);
    });
  }

  /** @throws IllegalStateException when a record could not be produced: the batch must not be committed. */
  void flush() {
    flushingSince = System.currentTimeMillis();
    try {
      producer.flush();
    } finally {
      flushingSince = 0;
    }
    Exception error = failure.getAndSet(null);
    if (error == null) return;
    failures++;
    throw new IllegalStateException("could not produce: " + error.getMessage(), error);
  }

  /** The producer repeats by itself for as long as the broker is away; the circuit is called open while the batch waits for it. */
  Map<String, Object> status() {
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("deadLetters", deadLetters.sum());
    status.put("processed", processed.sum());
    long since = flushingSince;
    boolean slow = since != 0 && System.currentTimeMillis() - since > FLUSH_IS_SLOW_MS;
    boolean full = metric("waiting-threads") > 0 && since == 0;
    status.put("circuit", slow || full ? "open" : "closed");
    status.put("openSince", slow ? Instant.ofEpochMilli(since).toString() : null);
    status.put("retries", metric("record-retry-total"));
    status.put("failures", failures);
    status.put("lastError", lastError);
    return status;
  }

  /** A metric of the producer as a whole. */
  private long metric(String name) {
    for (Map.Entry<MetricName, ? extends Metric> metric : producer.metrics().entrySet()) {
      if (!metric.getKey().name().equals(name) || !metric.getKey().group().equals("producer-metrics")) continue;
      return metric.getValue().metricValue() instanceof Double value ? value.longValue() : 0;
    }
    return 0;
  }
}
