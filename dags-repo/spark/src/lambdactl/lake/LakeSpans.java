package lambdactl.lake;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Table;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;

/** Between which times a table holds events, by the bounds in its manifests: what lies outside of them all is free for certain. */
final class LakeSpans {
  private LakeSpans() {}

  /** @return {"spans": [[first, last], …]} epoch ms, in order, overlapping ones joined; of a table that is missing none */
  static Map<String, Object> run(Lake lake, List<String> names) throws IOException {
    List<long[]> spans = new ArrayList<>();
    for (String name : names) add(lake, name, spans);
    return Map.of("spans", joined(spans));
  }

  private static void add(Lake lake, String name, List<long[]> spans) throws IOException {
    String bare = name.startsWith("lake.") ? name.substring(5) : name;
    String time = lake.config.tables.stream().filter(t -> t.name().equals(bare) && t.time() != null).findFirst()
        .orElseThrow(() -> new LakeException("UNKNOWN_TABLE", "lake." + bare + " is no table of events.")).time();
    if (lake.names().contains(bare)) {
      Table table = lake.load(bare);
      int field = table.schema().findField(time).fieldId();
      try (CloseableIterable<FileScanTask> tasks = table.newScan().includeColumnStats(List.of(time)).planFiles()) {
        for (FileScanTask task : tasks) {
          spans.add(new long[] {millis(task.file().lowerBounds(), field, Long.MIN_VALUE), millis(task.file().upperBounds(), field, Long.MAX_VALUE)});
        }
      }
    }
  }

  /** A file without bounds may hold any time: ends that JavaScript's numbers still hold. */
  private static long millis(Map<Integer, ByteBuffer> bounds, int field, long otherwise) {
    if (bounds == null || !bounds.containsKey(field)) return otherwise / 4096;
    long micros = Conversions.<Long>fromByteBuffer(Types.TimestampType.withZone(), bounds.get(field));
    return otherwise < 0 ? Math.floorDiv(micros, 1000) : -Math.floorDiv(-micros, 1000);
  }

  private static List<long[]> joined(List<long[]> spans) {
    spans.sort(Comparator.comparingLong(span -> span[0]));
    List<long[]> joined = new ArrayList<>();
    for (long[] span : spans) {
      long[] last = joined.isEmpty() ? null : joined.get(joined.size() - 1);
      if (last != null && span[0] <= last[1]) last[1] = Math.max(last[1], span[1]);
      else joined.add(span.clone());
    }
    return joined;
  }
}
