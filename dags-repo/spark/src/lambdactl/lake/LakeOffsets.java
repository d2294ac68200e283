package lambdactl.lake;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.PartitionField;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Type;

/**
 * Which records of Kafka the lake holds, by the columns _kafka_partition and _offset. A file of one Kafka partition tells it by the
 * bounds in its manifest; of a mixed one the two columns are read. Asked again, it looks at the files that were added since.
 */
final class LakeOffsets {
  /** rows, least and greatest offset. */
  static final class Range {
    long rows;
    long min = Long.MAX_VALUE;
    long max = -1;

    private void add(long rows, long from, long to) {
      this.rows += rows;
      min = Math.min(min, from);
      max = Math.max(max, to);
    }
  }

  private final Lake lake;
  /** Whether rows are counted as well, which reads every mixed file; else only what may hold a greater offset is read. */
  private final boolean counting;
  /** table → topic → partition. */
  private final Map<String, Map<String, TreeMap<Integer, Range>>> ranges = new LinkedHashMap<>();
  private final Map<String, Long> seen = new HashMap<>();
  private long filesRead;

  LakeOffsets(Lake lake, boolean counting) {
    this.lake = lake;
    this.counting = counting;
  }

  /** Brings what is known up to the tables' current snapshots. A table that does not exist yet holds nothing. */
  LakeOffsets refresh() {
    List<String> existing = lake.names();
    for (String name : lake.config.archiveTables()) if (existing.contains(name)) refresh(name, lake.load(name));
    return this;
  }

  private void refresh(String name, Table table) {
    Snapshot current = table.currentSnapshot();
    Long last = seen.get(name);
    if (current == null || Long.valueOf(current.snapshotId()).equals(last)) return;
    List<DataFile> files = new ArrayList<>();
    boolean known = last != null && table.snapshot(last) != null;
    try (CloseableIterable<FileScanTask> tasks = known
        ? table.newIncrementalAppendScan().fromSnapshotExclusive(last).toSnapshot(current.snapshotId()).includeColumnStats().planFiles()
        : table.newScan().useSnapshot(current.snapshotId()).includeColumnStats().planFiles()) {
      for (FileScanTask task : tasks) files.add(task.file());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (!known) ranges.remove(name);
    Map<String, TreeMap<Integer, Range>> topics = ranges.computeIfAbsent(name, n -> new TreeMap<>());
    Columns columns = new Columns(table, lake.config.topicOf(name));
    // The greatest offsets first: after them few files can say anything new.
    files.sort(Comparator.comparingLong((DataFile file) -> columns.max(file, columns.offset)).reversed());
    for (DataFile file : files) add(table, columns, topics, file);
    seen.put(name, current.snapshotId());
  }

  /** Where a file of a table says what it holds. */
  private static final class Columns {
    final Table table;
    final int partition;
    final int offset;
    /** Of every row, where the table is of one topic. */
    final String topic;

    Columns(Table table, String topic) {
      this.table = table;
      this.topic = topic;
      partition = table.schema().findField("_kafka_partition").fieldId();
      offset = table.schema().findField("_offset").fieldId();
    }

    private long bound(Map<Integer, java.nio.ByteBuffer> bounds, int field, long otherwise) {
      if (bounds == null || !bounds.containsKey(field)) return otherwise;
      Type type = table.schema().findType(field);
      return ((Number) Conversions.fromByteBuffer(type, bounds.get(field))).longValue();
    }

    long min(DataFile file, int field) {
      return bound(file.lowerBounds(), field, Long.MIN_VALUE);
    }

    long max(DataFile file, int field) {
      return bound(file.upperBounds(), field, Long.MAX_VALUE);
    }

    /** null when the file's rows may be of several topics. */
    String topicOf(DataFile file) {
      if (topic != null) return topic;
      var spec = table.specs().get(file.specId());
      for (int i = 0; i < spec.fields().size(); i++) {
        PartitionField field = spec.fields().get(i);
        if (field.transform().isIdentity() && field.name().equals("_topic")) return file.partition().get(i, String.class);
      }
      return null;
    }
  }

  private void add(Table table, Columns columns, Map<String, TreeMap<Integer, Range>> topics, DataFile file) {
    String topic = columns.topicOf(file);
    long from = columns.min(file, columns.partition);
    long to = columns.max(file, columns.partition);
    long greatest = columns.max(file, columns.offset);
    if (topic != null && from == to) {
      range(topics, topic, (int) from).add(file.recordCount(), columns.min(file, columns.offset), greatest);
    } else if (counting || topic == null || !covered(topics.get(topic), from, to, greatest)) {
      read(table, columns.topic, topics, file);
    }
  }

  /** Whether offsets up to this are known of all these partitions. */
  private static boolean covered(TreeMap<Integer, Range> partitions, long from, long to, long greatest) {
    if (partitions == null || to - from > 10_000) return false;
    for (long p = from; p <= to; p++) {
      Range range = partitions.get((int) p);
      if (range == null || range.max < greatest) return false;
    }
    return true;
  }

  private void read(Table table, String topic, Map<String, TreeMap<Integer, Range>> topics, DataFile file) {
    filesRead++;
    Schema columns = topic == null ? table.schema().select("_topic", "_kafka_partition", "_offset") : table.schema().select("_kafka_partition", "_offset");
    try (CloseableIterable<Record> rows = Parquet.read(table.io().newInputFile(file)).project(columns)
        .createReaderFunc(type -> GenericParquetReaders.buildReader(columns, type)).reuseContainers().build()) {
      for (Record row : rows) {
        long offset = (Long) row.getField("_offset");
        range(topics, topic == null ? (String) row.getField("_topic") : topic, (Integer) row.getField("_kafka_partition")).add(1, offset, offset);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Range range(Map<String, TreeMap<Integer, Range>> topics, String topic, int partition) {
    return topics.computeIfAbsent(topic, t -> new TreeMap<>()).computeIfAbsent(partition, p -> new Range());
  }

  /** topic → partition → the offset behind the greatest in the lake. */
  Map<String, TreeMap<Integer, Long>> next() {
    Map<String, TreeMap<Integer, Long>> next = new TreeMap<>();
    for (Map<String, TreeMap<Integer, Range>> topics : ranges.values()) {
      topics.forEach((topic, partitions) -> partitions.forEach((partition, range) ->
          next.computeIfAbsent(topic, t -> new TreeMap<>()).merge(partition, range.max + 1, Math::max)));
    }
    return next;
  }

  /** {"next": …, "tables": {table: {topic: {partition: {rows, min, max}}}}}; the latter when counting. */
  Map<String, Object> report() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("next", next());
    if (counting) {
      Map<String, Object> tables = new LinkedHashMap<>();
      ranges.forEach((table, topics) -> {
        Map<String, Object> byTopic = new LinkedHashMap<>();
        topics.forEach((topic, partitions) -> {
          Map<String, Object> byPartition = new LinkedHashMap<>();
          partitions.forEach((p, r) -> byPartition.put(Integer.toString(p), Map.of("rows", r.rows, "min", r.min, "max", r.max)));
          byTopic.put(topic, byPartition);
        });
        tables.put(table, byTopic);
      });
      report.put("tables", tables);
    }
    report.put("filesRead", filesRead);
    return report;
  }
}
