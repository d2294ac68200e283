package lambdactl.lake;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.PartitionField;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Types;

/** What `tables` and `snapshots` tell; from metadata alone. */
final class TableReport {
  /** Files below this are worth compacting. */
  static final long SMALL_FILE_BYTES = 16 << 20;

  private TableReport() {}

  static Map<String, Object> tables(Lake lake) {
    List<Map<String, Object>> tables = new ArrayList<>();
    for (String name : lake.names()) tables.add(table(name, lake.load(name)));
    return Map.of("tables", tables);
  }

  private static Map<String, Object> table(String name, Table table) {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("name", name);
    report.putAll(totals(table));
    report.put("smallFiles", smallFiles(table));
    Snapshot last = table.currentSnapshot();
    report.put("lastSnapshot", last == null ? null : snapshot(last));
    report.put("partitionedBy", partitionedBy(table));
    List<Map<String, String>> columns = new ArrayList<>();
    for (Types.NestedField field : table.schema().columns()) columns.add(Map.of("name", field.name(), "type", field.type().toString()));
    report.put("columns", columns);
    return report;
  }

  /** rows, files, bytes of the current snapshot. */
  static Map<String, Long> totals(Table table) {
    Map<String, String> summary = table.currentSnapshot() == null ? Map.of() : table.currentSnapshot().summary();
    Map<String, Long> totals = new LinkedHashMap<>();
    totals.put("rows", number(summary, "total-records"));
    totals.put("files", number(summary, "total-data-files"));
    totals.put("bytes", number(summary, "total-files-size"));
    return totals;
  }

  private static long smallFiles(Table table) {
    long small = 0;
    try (CloseableIterable<FileScanTask> files = table.newScan().planFiles()) {
      for (FileScanTask task : files) if (task.file().fileSizeInBytes() < SMALL_FILE_BYTES) small++;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return small;
  }

  private static List<String> partitionedBy(Table table) {
    List<String> fields = new ArrayList<>();
    for (PartitionField field : table.spec().fields()) {
      String source = table.schema().findColumnName(field.sourceId());
      String transform = field.transform().toString();
      fields.add(transform.equals("identity") ? source : transform + "(" + source + ")");
    }
    return fields;
  }

  /** Newest first. */
  static Map<String, Object> snapshots(Table table) {
    List<Map<String, Object>> snapshots = new ArrayList<>();
    for (Snapshot snapshot : table.snapshots()) snapshots.add(0, snapshot(snapshot));
    return Map.of("table", table.name(), "snapshots", snapshots);
  }

  private static Map<String, Object> snapshot(Snapshot snapshot) {
    Map<String, Object> report = new LinkedHashMap<>();
    // As text: JavaScript's numbers do not hold 64 bits.
    report.put("id", Long.toString(snapshot.snapshotId()));
    report.put("time", Instant.ofEpochMilli(snapshot.timestampMillis()).toString());
    report.put("operation", snapshot.operation());
    Map<String, String> summary = snapshot.summary();
    report.put("addedRows", number(summary, "added-records"));
    report.put("deletedRows", number(summary, "deleted-records"));
    report.put("addedFiles", number(summary, "added-data-files"));
    report.put("deletedFiles", number(summary, "deleted-data-files"));
    report.put("totalRows", number(summary, "total-records"));
    return report;
  }

  private static long number(Map<String, String> summary, String key) {
    String value = summary == null ? null : summary.get(key);
    return value == null ? 0 : Long.parseLong(value);
  }
}
