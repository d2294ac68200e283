package lambdactl.lake;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** Waits until the lake holds every record before the given offsets: what the batch of a date begins with. */
final class WaitForOffsets {
  private static final long POLL_MS = 1000;

  private WaitForOffsets() {}

  /**
   * A topic's records are in its table or among the rejected.
   *
   * @param wanted {topic: {partition: end offset}}, an end offset as Kafka gives it: one behind the last record
   * @return what the lake held when it ended: {complete, waitedMs, missing: {topic: {partition: {at, wanted}}}, next}
   */
  static Map<String, Object> run(Lake lake, JsonNode wanted, long timeoutMs) throws InterruptedException {
    long started = System.currentTimeMillis();
    LakeOffsets offsets = new LakeOffsets(lake, false);
    long reported = -1;
    while (true) {
      offsets.refresh();
      Map<String, Map<String, Object>> missing = new TreeMap<>();
      long behind = missing(wanted, offsets.next(), missing);
      long waited = System.currentTimeMillis() - started;
      if (behind != reported && behind > 0) {
        Out.emit("progress", Map.of("detail", behind + " records are not in the lake yet", "behind", behind));
        reported = behind;
      }
      if (behind == 0 || waited >= timeoutMs) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("complete", behind == 0);
        result.put("waitedMs", waited);
        result.put("behind", behind);
        result.put("missing", missing);
        result.put("next", offsets.next());
        return result;
      }
      Thread.sleep(Math.min(POLL_MS, timeoutMs - waited));
    }
  }

  /** Puts what is missing into `missing`; returns how many offsets that are. */
  private static long missing(JsonNode wanted, Map<String, TreeMap<Integer, Long>> next, Map<String, Map<String, Object>> missing) {
    long behind = 0;
    for (Map.Entry<String, JsonNode> topic : wanted.properties()) {
      for (Map.Entry<String, JsonNode> partition : topic.getValue().properties()) {
        long end = partition.getValue().asLong();
        long at = next.getOrDefault(topic.getKey(), new TreeMap<>()).getOrDefault(Integer.valueOf(partition.getKey()), 0L);
        if (at >= end) continue;
        behind += end - at;
        missing.computeIfAbsent(topic.getKey(), t -> new TreeMap<>()).put(partition.getKey(), Map.of("at", at, "wanted", end));
      }
    }
    return behind;
  }
}
