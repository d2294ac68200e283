package lambdactl.speed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import lambdactl.lake.ArchiveQuery;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryListener;

/** What the job tells about itself. */
final class Status {
  private final String startedAt = Instant.now().toString();
  private final Map<String, Supplier<Map<String, Object>>> parts = new LinkedHashMap<>();
  private final List<StreamSink> streams = new ArrayList<>();
  private volatile StreamingQuery query;
  /** null without an archive. */
  private volatile ArchiveQuery archive;
  private volatile boolean stopping;
  private volatile long startMs;
  private volatile JsonNode progress;
  private volatile long progressAt;
  private volatile long batches;

  synchronized void add(String name, Supplier<Map<String, Object>> part) {
    parts.put(name, part);
  }

  synchronized void stream(StreamSink stream) {
    streams.add(stream);
  }

  void running(StreamingQuery query, long startMs) {
    this.startMs = startMs;
    this.query = query;
  }

  void archive(ArchiveQuery archive) {
    this.archive = archive;
  }

  void stop() {
    stopping = true;
  }

  boolean stopping() {
    return stopping;
  }

  StreamingQueryListener listener() {
    return new StreamingQueryListener() {
      @Override
      public void onQueryStarted(QueryStartedEvent event) {}

      @Override
      public void onQueryProgress(QueryProgressEvent event) {
        try {
          JsonNode told = new ObjectMapper().readTree(event.progress().json());
          if (archive != null && ArchiveQuery.NAME.equals(event.progress().name())) {
            archive.progress(event.progress(), lag(told));
            return;
          }
          progress = told;
          progressAt = System.currentTimeMillis();
          if (event.progress().numInputRows() > 0) batches++;
        } catch (java.io.IOException e) {
          throw new IllegalStateException(e);
        }
      }

      @Override
      public void onQueryTerminated(QueryTerminatedEvent event) {}
    };
  }

  private String state() {
    if (stopping) return "stopping";
    if (query == null) return "starting";
    return query.isActive() ? "running" : "failed";
  }

  synchronized Map<String, Object> json() {
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("state", state());
    status.put("startedAt", startedAt);
    status.put("startMs", startMs);
    Map<String, Object> speed = new LinkedHashMap<>();
    speed.put("name", "speed");
    speed.put("active", query != null && query.isActive());
    speed.put("lastProgressAt", progressAt == 0 ? null : Instant.ofEpochMilli(progressAt).toString());
    JsonNode last = progress;
    if (last != null) {
      speed.put("batchId", last.path("batchId").asLong());
      speed.put("inputRowsPerSecond", last.path("inputRowsPerSecond").asDouble());
      speed.put("processedRowsPerSecond", last.path("processedRowsPerSecond").asDouble());
      speed.put("durationMs", last.path("durationMs"));
    }
    speed.put("lagRecords", lag(last));
    speed.put("batches", batches);
    status.put("queries", archive == null ? List.of(speed) : List.of(speed, archive.status()));
    Map<String, Object> all = new LinkedHashMap<>();
    for (StreamSink stream : streams) all.put(stream.config.name(), stream.status());
    status.put("streams", all);
    parts.forEach((name, part) -> status.put(name, part.get()));
    Runtime runtime = Runtime.getRuntime();
    status.put("heapUsedMiB", runtime.totalMemory() - runtime.freeMemory() >> 20);
    return status;
  }

  /** Records between what was processed and the end of each topic, as of the last batch. */
  private static Map<String, Long> lag(JsonNode progress) {
    Map<String, Long> lag = new LinkedHashMap<>();
    if (progress == null) return lag;
    for (JsonNode source : progress.path("sources")) {
      JsonNode end = source.path("endOffset");
      for (Map.Entry<String, JsonNode> topic : source.path("latestOffset").properties()) {
        long behind = 0;
        for (Map.Entry<String, JsonNode> partition : topic.getValue().properties()) {
          behind += partition.getValue().asLong() - end.path(topic.getKey()).path(partition.getKey()).asLong();
        }
        lag.put(topic.getKey(), behind);
      }
    }
    return lag;
  }

  @SuppressWarnings("unchecked")
  String prometheus() {
    Map<String, Object> status = json();
    StringBuilder out = new StringBuilder();
    JsonNode last = progress;
    gauge(out, "speed_query_active", "", query != null && query.isActive() ? 1 : 0);
    gauge(out, "speed_seconds_since_progress", "", progressAt == 0 ? -1 : (System.currentTimeMillis() - progressAt) / 1000.0);
    gauge(out, "speed_batches_total", "", batches);
    if (last != null) {
      gauge(out, "speed_input_rows_per_second", "", last.path("inputRowsPerSecond").asDouble());
      gauge(out, "speed_processed_rows_per_second", "", last.path("processedRowsPerSecond").asDouble());
      gauge(out, "speed_batch_duration_seconds", "", last.path("durationMs").path("triggerExecution").asLong() / 1000.0);
    }
    lag(last).forEach((topic, records) -> gauge(out, "speed_lag_records", "topic=\"" + topic + "\"", records));
    ((Map<String, Object>) status.get("streams")).forEach((name, value) -> {
      Map<String, Object> stream = (Map<String, Object>) value;
      for (String counter : List.of("rows", "invalid", "duplicates", "candidates")) {
        gauge(out, "speed_" + counter + "_total", "stream=\"" + name + "\"", ((Number) stream.get(counter)).doubleValue());
      }
    });
    Map<String, Object> clickhouse = (Map<String, Object>) status.get("clickhouse");
    gauge(out, "speed_circuit_open", "", "open".equals(clickhouse.get("circuit")) ? 1 : 0);
    gauge(out, "speed_write_failures_total", "", ((Number) clickhouse.get("failures")).doubleValue());
    if (archive != null) archive(out, archive.status());
    gauge(out, "speed_heap_used_bytes", "", ((Number) status.get("heapUsedMiB")).doubleValue() * (1 << 20));
    return out.toString();
  }

  @SuppressWarnings("unchecked")
  private static void archive(StringBuilder out, Map<String, Object> status) {
    gauge(out, "speed_archive_active", "", Boolean.TRUE.equals(status.get("active")) ? 1 : 0);
    gauge(out, "speed_archive_restarts_total", "", ((Number) status.get("restarts")).doubleValue());
    gauge(out, "speed_archive_rows_total", "", ((Number) status.get("rows")).doubleValue());
    gauge(out, "speed_archive_batch_duration_seconds", "", ((Number) status.get("batchMs")).doubleValue() / 1000);
    ((Map<String, Long>) status.get("lagRecords")).forEach((topic, lag) -> gauge(out, "speed_archive_lag_records", "topic=\"" + topic + "\"", lag));
  }

  private static void gauge(StringBuilder out, String name, String labels, double value) {
    out.append(name);
    if (!labels.isEmpty()) out.append('{').append(labels).append('}');
    out.append(' ').append(value == Math.rint(value) && Math.abs(value) < 1e15 ? Long.toString((long) value) : Double.toString(value)).append('\n');
  }
}
