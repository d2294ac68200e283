package lambdactl.batch;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What became of the records of a table, or of one task's part of them. */
final class Written implements Serializable {
  private static final long serialVersionUID = 1;
  long read;
  long rows;
  /** Records that lost against another one of the same id: duplicates of events, earlier changes of a row. */
  long superseded;
  final TreeMap<String, Long> rejected = new TreeMap<>();
  /** {first, last} that was read, by partition. */
  final TreeMap<Integer, long[]> offsets = new TreeMap<>();
  final ArrayList<String> files = new ArrayList<>();
  final ArrayList<long[]> filesRowsBytes = new ArrayList<>();

  void read(int partition, long offset) {
    read++;
    long[] range = offsets.get(partition);
    if (range == null) {
      offsets.put(partition, new long[] {offset, offset});
    } else {
      range[0] = Math.min(range[0], offset);
      range[1] = Math.max(range[1], offset);
    }
  }

  void file(String path, long rows, long bytes) {
    files.add(path);
    filesRowsBytes.add(new long[] {rows, bytes});
  }

  void add(Written part) {
    read += part.read;
    rows += part.rows;
    superseded += part.superseded;
    part.rejected.forEach((error, count) -> rejected.merge(error, count, Long::sum));
    part.offsets.forEach((partition, range) -> offsets.merge(partition, range,
        (a, b) -> new long[] {Math.min(a[0], b[0]), Math.max(a[1], b[1])}));
    files.addAll(part.files);
    filesRowsBytes.addAll(part.filesRowsBytes);
  }

  long rejectedRows() {
    return rejected.values().stream().mapToLong(Long::longValue).sum();
  }

  long bytes() {
    return filesRowsBytes.stream().mapToLong(file -> file[1]).sum();
  }

  /** The table's entry in the manifest. */
  Map<String, Object> manifest(TableSpec table, String path, long startedMs) {
    List<Map<String, Object>> entries = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("path", files.get(i));
      entry.put("rows", filesRowsBytes.get(i)[0]);
      entry.put("bytes", filesRowsBytes.get(i)[1]);
      entries.add(entry);
    }
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("kind", table.changes() ? "changes" : "events");
    map.put("topic", table.topic());
    map.put("path", path);
    map.put("files", entries);
    map.put("read", read);
    map.put("rows", rows);
    map.put(table.changes() ? "superseded" : "duplicates", superseded);
    map.put("rejected", rejected);
    map.put("bytes", bytes());
    map.put("offsets", offsets);
    map.put("seconds", (System.currentTimeMillis() - startedMs) / 1000.0);
    return map;
  }
}
