package lambdactl.lake;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import lambdactl.lake.LakeConfig.TableConfig;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataOperations;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotChanges;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.GenericDeleteFilter;
import org.apache.iceberg.data.IdentityPartitionConverters;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.util.PartitionUtil;

/**
 * Every record of a window of a topic as the lake holds it, for a ledger by id: a file of {@value #RECORD_BYTES} bytes a row, big-endian:
 * what it is (1), Kafka partition (4), offset (8), id (16; zeros where the text is no UUID), last 64 bits of the MD5 of the canonical
 * row (8). Rows of lake.rejected have neither id nor digest.
 */
final class LakeIds {
  static final int RECORD_BYTES = 37;
  private static final byte ROW = 0;
  private static final byte REJECTED = 1;
  /** Fits its schema, but the batch job refuses its time (dags-repo/spark/README.md: −7 days … +5 minutes of the record's own). */
  private static final byte OUT_OF_TIME = 2;
  private static final long LATE_MS = 7L * 24 * 60 * 60 * 1000;
  private static final long AHEAD_MS = 5L * 60 * 1000;

  private final TableConfig table;
  private final Expression window;
  private final Map<Integer, long[]> ranges = new HashMap<>();
  private final CanonicalRow canonical;
  /** Latency in ms, rounded down to eleven significant bits → rows. */
  private final TreeMap<Long, Long> latencies = new TreeMap<>();
  private long unknownCommits;
  private long rows;
  private long rejected;

  /** @param window {partition: [from, to]}, offsets, the second one not included */
  private LakeIds(TableConfig table, JsonNode window, CanonicalRow canonical) {
    this.table = table;
    this.canonical = canonical;
    Expression any = Expressions.alwaysFalse();
    for (Map.Entry<String, JsonNode> entry : window.properties()) {
      int partition = Integer.parseInt(entry.getKey());
      long from = entry.getValue().path(0).asLong();
      long to = entry.getValue().path(1).asLong();
      if (from >= to) continue;
      ranges.put(partition, new long[] {from, to});
      any = Expressions.or(any, Expressions.and(Expressions.equal("_kafka_partition", partition),
          Expressions.and(Expressions.greaterThanOrEqual("_offset", from), Expressions.lessThan("_offset", to))));
    }
    this.window = any;
  }

  /**
   * @param since epoch ms: snapshots committed before brought nothing of the window
   * @return rows, rejected, latencies [[ms, rows], …] from event time until the commit, of rows that break no rule of time, and how many
   *     rows lie in files whose commit is no longer known (compacted since)
   */
  static Map<String, Object> run(Lake lake, String name, JsonNode window, JsonNode columns, long since, Path file) throws IOException {
    String bare = name.startsWith("lake.") ? name.substring(5) : name;
    if (lake.config.raw) throw new LakeException("NOT_IN_THIS_ARCHIVE", "lake.records keeps records as they came: nothing is read by id there.");
    TableConfig table = lake.config.tables.stream().filter(t -> t.name().equals(bare) && t.time() != null && !t.changes()).findFirst()
        .orElseThrow(() -> new LakeException("UNKNOWN_TABLE", "lake." + bare + " is no table of events."));
    LakeIds ids = new LakeIds(table, window, new CanonicalRow(columns));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
      Sink sink = new Sink(channel);
      List<String> existing = lake.names();
      if (existing.contains(bare)) ids.readTable(lake.load(bare), since, sink);
      if (existing.contains(lake.config.rejected)) ids.readRejected(lake.load(lake.config.rejected), sink);
      sink.flush();
    }
    return ids.report();
  }

  private Map<String, Object> report() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("rows", rows);
    report.put("rejected", rejected);
    report.put("unknownCommits", unknownCommits);
    List<long[]> pairs = new ArrayList<>();
    latencies.forEach((ms, count) -> pairs.add(new long[] {ms, count}));
    report.put("latencies", pairs);
    return report;
  }

  private void readTable(Table source, long since, Sink sink) throws IOException {
    Map<String, Long> commits = commits(source, since);
    String id = canonical.names().isEmpty() ? null : canonical.names().get(0);
    List<String> names = new ArrayList<>(canonical.names());
    for (String name : List.of(table.time(), "_kafka_partition", "_offset", "_time")) if (!names.contains(name)) names.add(name);
    Schema schema = source.schema().select(names);
    for (FileScanTask task : files(source)) {
      Long commit = commits.get(task.file().location());
      try (CloseableIterable<Record> records = open(source, task, schema)) {
        Fields fields = null;
        for (Record record : records) {
          if (fields == null) fields = new Fields(record);
          fields.record = record;
          int partition = number(record, "_kafka_partition").intValue();
          long offset = number(record, "_offset").longValue();
          if (!inWindow(partition, offset)) continue;
          long time = millis(record, table.time());
          long age = millis(record, "_time") - time;
          boolean inTime = age <= LATE_MS && age >= -AHEAD_MS;
          rows++;
          if (inTime) addLatency(commit, time);
          sink.put(inTime ? ROW : OUT_OF_TIME, partition, offset, id == null ? null : (String) fields.apply(id), canonical.md5(fields));
        }
      }
    }
  }

  private void readRejected(Table source, Sink sink) throws IOException {
    Schema schema = source.schema().select("_topic", "_kafka_partition", "_offset");
    for (FileScanTask task : files(source)) {
      try (CloseableIterable<Record> records = open(source, task, schema)) {
        for (Record record : records) {
          int partition = number(record, "_kafka_partition").intValue();
          long offset = number(record, "_offset").longValue();
          if (!table.topic().equals(record.getField("_topic")) || !inWindow(partition, offset)) continue;
          rejected++;
          sink.put(REJECTED, partition, offset, null, null);
        }
      }
    }
  }

  private boolean inWindow(int partition, long offset) {
    long[] range = ranges.get(partition);
    return range != null && offset >= range[0] && offset < range[1];
  }

  /** -1 of a row that somebody put there without saying whence: in no window. */
  private static Number number(Record record, String field) {
    return record.getField(field) instanceof Number number ? number : -1;
  }

  private static long millis(Record record, String field) {
    Object time = record.getField(field);
    // A table of events has no row without a time; one that was put there by hand is out of every window of time.
    return time == null ? Long.MIN_VALUE / 4 : ((OffsetDateTime) time).toInstant().toEpochMilli();
  }

  private void addLatency(Long commit, long time) {
    if (commit == null) {
      unknownCommits++;
      return;
    }
    long latency = Math.max(0, commit - time);
    int shift = Math.max(0, 64 - Long.numberOfLeadingZeros(latency) - 11);
    latencies.merge(latency >> shift << shift, 1L, Long::sum);
  }

  /** Data file → epoch ms of the commit that brought its rows. A compaction's commit brings none. */
  private static Map<String, Long> commits(Table source, long since) {
    Map<String, Long> commits = new HashMap<>();
    for (Snapshot snapshot : source.snapshots()) {
      if (snapshot.timestampMillis() < since || DataOperations.REPLACE.equals(snapshot.operation())) continue;
      for (DataFile file : SnapshotChanges.builderFor(source).snapshot(snapshot).build().addedDataFiles()) {
        commits.put(file.location(), snapshot.timestampMillis());
      }
    }
    return commits;
  }

  private List<FileScanTask> files(Table source) throws IOException {
    List<FileScanTask> tasks = new ArrayList<>();
    try (CloseableIterable<FileScanTask> planned = source.newScan().filter(window).planFiles()) {
      for (FileScanTask task : planned) tasks.add(task);
    }
    return tasks;
  }

  /** Without the rows that delete files take away. */
  private static CloseableIterable<Record> open(Table source, FileScanTask task, Schema wanted) {
    if (task.file().format() != FileFormat.PARQUET) throw new IllegalStateException(task.file().location() + " is not Parquet");
    GenericDeleteFilter deletes = new GenericDeleteFilter(source.io(), task, source.schema(), wanted);
    Schema schema = deletes.requiredSchema();
    Map<Integer, ?> constants = PartitionUtil.constantsMap(task, IdentityPartitionConverters::convertConstant);
    return deletes.filter(Parquet.read(source.io().newInputFile(task.file())).project(schema)
        .createReaderFunc(type -> GenericParquetReaders.buildReader(schema, type, constants)).filter(task.residual()).reuseContainers().build());
  }

  /** Values of the current record by name; where a name stands is looked up once a file. */
  private static final class Fields implements Function<String, Object> {
    private final Map<String, Integer> positions = new HashMap<>();
    Record record;

    Fields(Record first) {
      var fields = first.struct().fields();
      for (int i = 0; i < fields.size(); i++) positions.put(fields.get(i).name(), i);
    }

    @Override
    public Object apply(String name) {
      Integer position = positions.get(name);
      return position == null ? null : record.get(position);
    }
  }

  /** The file, written in large pieces. */
  private static final class Sink {
    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(RECORD_BYTES * 8192);

    Sink(FileChannel channel) {
      this.channel = channel;
    }

    void put(byte kind, int partition, long offset, String id, byte[] digest) throws IOException {
      if (buffer.remaining() < RECORD_BYTES) flush();
      buffer.put(kind).putInt(partition).putLong(offset);
      putId(id);
      buffer.putLong(digest == null ? 0 : ByteBuffer.wrap(digest).getLong(8));
    }

    private void putId(String id) {
      byte[] text = id == null ? new byte[0] : id.getBytes(StandardCharsets.ISO_8859_1);
      long high = 0;
      long low = 0;
      int digits = 0;
      boolean isUuid = text.length == 36;
      for (int i = 0; isUuid && i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
          isUuid = text[i] == '-';
          continue;
        }
        int digit = Character.digit(text[i], 16);
        isUuid = digit >= 0;
        if (digits++ < 16) high = high << 4 | digit;
        else low = low << 4 | digit;
      }
      buffer.putLong(isUuid ? high : 0).putLong(isUuid ? low : 0);
    }

    void flush() throws IOException {
      buffer.flip();
      while (buffer.hasRemaining()) channel.write(buffer);
      buffer.clear();
    }
  }
}
