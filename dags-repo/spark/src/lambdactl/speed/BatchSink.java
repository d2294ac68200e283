package lambdactl.speed;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.StructType;

/**
 * Takes a micro-batch to where it belongs: valid rows to ClickHouse, invalid ones to the dead-letter topics, enriched events to
 * events.processed. Returns when all of it is there; only then does Spark commit the batch.
 */
final class BatchSink {
  // Columns of every row of the streaming query.
  static final String STREAM = "_stream";
  static final String KEY = "_key";
  static final String VALUE = "_value";
  static final String PARTITION = "_partition";
  static final String OFFSET = "_offset";
  static final String HEADERS = "_headers";
  static final String ERROR = "_error";
  static final int RECORD_COLUMNS = 7;

  private static volatile BatchSink current;

  private final ClickHouse clickhouse;
  private final Outbox outbox;
  private final List<StreamSink> streams;
  private final Config config;
  private final String runId;
  private final List<Appendix> appendices;
  private volatile long batch = -1;
  private volatile String phase = "starting";

  /** Ordinals of the fields that events.processed has beyond the source event; null where nothing is produced. */
  record Appendix(String topic, List<String> names, List<Integer> ordinals, StructType type) {}

  BatchSink(Config config, String runId, ClickHouse clickhouse, Outbox outbox, List<StreamSink> streams, List<Appendix> appendices) {
    this.config = config;
    this.runId = runId;
    this.clickhouse = clickhouse;
    this.outbox = outbox;
    this.streams = streams;
    this.appendices = appendices;
    current = this;
  }

  void process(Dataset<Row> rows, long batchId) throws Exception {
    long started = System.currentTimeMillis();
    batch = batchId;
    BatchClock.enter(config.checkpointDir, batchId);
    for (StreamSink stream : streams) stream.begin(batchId);
    phase = "reading";
    // The rows as Spark holds them: turning them into Row objects would cost more than encoding them.
    rows.queryExecution().toRdd().toJavaRDD().foreachPartition(partition -> current.consume(partition));
    phase = "writing";
    for (StreamSink stream : streams) stream.sendRest();
    for (StreamSink stream : streams) stream.finish();
    phase = "producing";
    outbox.flush();
    phase = "recording";
    record(started);
    phase = "waiting";
  }

  private void consume(Iterator<InternalRow> rows) {
    StreamSink.Writer[] writers = new StreamSink.Writer[streams.size()];
    while (rows.hasNext()) {
      InternalRow row = rows.next();
      int number = row.getInt(0);
      StreamSink stream = streams.get(number);
      if (writers[number] == null) writers[number] = stream.writer();
      StreamSink.Writer writer = writers[number];
      writer.read(row.getInt(3), row.getLong(4));
      String error = row.isNullAt(6) ? null : row.getUTF8String(6).toString();
      if (error == null) {
        InternalRow fields = row.getStruct(RECORD_COLUMNS + number, streams.get(number).width());
        try {
          writer.write(fields);
        } catch (IllegalArgumentException e) {
          error = "out_of_range: " + e.getMessage();
        }
        if (error == null) {
          Appendix appendix = appendices.get(number);
          if (appendix != null) outbox.processed(appendix, row.isNullAt(1) ? null : row.getBinary(1), row.getBinary(2), fields);
          continue;
        }
      }
      writer.reject();
      outbox.deadLetter(stream.config.topic(), row, error);
    }
    for (StreamSink.Writer writer : writers) if (writer != null) writer.close();
  }

  /** Keeps what the batch was: counts, watermark, and where to go on should the checkpoint be lost. */
  private void record(long started) throws InterruptedException, IOException {
    ObjectMapper json = new ObjectMapper();
    StringBuilder body = new StringBuilder();
    long now = System.currentTimeMillis();
    for (StreamSink stream : streams) {
      if (stream.idle()) continue;
      Map<String, Object> row = stream.batchRow();
      row.put("time", started);
      row.put("run", runId);
      row.put("duration_ms", now - started);
      row.put("max_event_time", stream.maxEventTime);
      row.put("watermark", Math.max(0, stream.maxEventTime - config.watermarkMs));
      row.put("offsets", json.writeValueAsString(stream.offsets()));
      body.append(json.writeValueAsString(row)).append('\n');
    }
    if (body.isEmpty()) return;
    String insert = "INSERT INTO " + config.database + ".speed_batches FORMAT JSONEachRow\n" + body;
    clickhouse.persist("speed_batches", attempt -> clickhouse.query(insert));
  }

  Map<String, Object> status() {
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("batch", batch);
    status.put("phase", phase);
    return status;
  }
}
