package lambdactl.speed;

import java.io.DataInputStream;
import java.io.IOException;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import lambdactl.speed.RowEncoder.Buffer;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.StructType;

/**
 * The valid rows of one stream on their way into one table.
 *
 * <p>Rows that are surely new are inserted as they are, while the batch is still being read. Rows that may be in the table already
 * wait for the end of the batch and are inserted where missing. A plain insert that failed for any reason is repeated as one that
 * inserts what is missing. docs/adr/0011 says why this is exact.
 */
final class StreamSink {
  /** A plain insert is sent at this size, so that reading and inserting overlap while catching up. */
  private static final int BLOCK_BYTES = 12 << 20;
  /** Rows of one insert that looks for missing ones: bounds ClickHouse's memory. */
  private static final int CANDIDATE_BYTES = 8 << 20;
  private static final long RELOADED_MS = 60_000;

  final Config.StreamConfig config;
  private final String table;
  private final ClickHouse clickhouse;
  private final ExecutorService senders;
  private final StructType type;
  private final int recentCapacity;
  private RowEncoder encoder;
  private ClickHouse.Target target;
  private RecentIds recent;
  volatile long maxEventTime;

  // Of the current batch; guarded by this.
  private long batch;
  private int inserts;
  private final Map<YearMonth, Block> blocks = new HashMap<>();
  private final List<Future<?>> sent = new ArrayList<>();
  private final List<Buffer> candidates = new ArrayList<>();
  private long candidateRows;
  private long rows;
  private long invalid;
  private long duplicates;
  private final Totals totals = new Totals();
  private final TreeMap<Integer, Long> offsets = new TreeMap<>();

  private static final class Block {
    final List<Buffer> buffers = new ArrayList<>();
    int bytes;
  }

  /** Since the start of the process. */
  static final class Totals {
    long rows;
    long invalid;
    long duplicates;
    long candidates;
  }

  StreamSink(Config.StreamConfig config, String database, ClickHouse clickhouse, ExecutorService senders, StructType type,
      int recentCapacity) {
    this.config = config;
    this.table = database + "." + config.table();
    this.clickhouse = clickhouse;
    this.senders = senders;
    this.type = type;
    this.recentCapacity = recentCapacity;
  }

  /**
   * Reads the table's columns, its newest event time and the ids of the last minute, which the filter then covers.
   * No insert of an earlier run may still be running.
   */
  void prepare(String database, java.nio.file.Path sqlDir) throws IOException, InterruptedException {
    Map<String, String> columns = new LinkedHashMap<>();
    String listing = clickhouse.query("SELECT name, type FROM system.columns WHERE database = '" + database + "' AND table = '"
        + config.table() + "' ORDER BY position FORMAT TSVRaw");
    for (String line : listing.split("\n")) {
      int tab = line.indexOf('\t');
      if (tab > 0) columns.put(line.substring(0, tab), line.substring(tab + 1));
    }
    if (columns.isEmpty()) throw new IOException("table " + table + " does not exist");
    encoder = new RowEncoder(type, columns, config.id(), config.time());
    target = ClickHouse.Target.of(sqlDir, table, encoder, config.id(), config.time());
    String newest = clickhouse.query("SELECT if(count() = 0, 0, toUnixTimestamp64Milli(max(" + config.time() + "))) FROM " + table).strip();
    maxEventTime = Math.max(maxEventTime, Long.parseLong(newest));
    long now = System.currentTimeMillis();
    long from = Math.floorDiv(now - RELOADED_MS, 60_000L);
    long afterNewest = maxEventTime == 0 ? Long.MIN_VALUE : Math.floorDiv(maxEventTime, 60_000L) + 1;
    recent = new RecentIds(recentCapacity, Math.min(from, afterNewest));
    if (afterNewest <= from) return;
    String ids = "SELECT " + config.id() + ", toUnixTimestamp64Milli(" + config.time() + ") FROM " + table + " WHERE " + config.time()
        + " >= fromUnixTimestamp64Milli(" + from * 60_000 + ") FORMAT RowBinary";
    try (DataInputStream in = new DataInputStream(new java.io.BufferedInputStream(clickhouse.stream(ids), 1 << 16))) {
      byte[] row = new byte[24];
      while (in.readNBytes(row, 0, 24) == 24) recent.maybeSeen(int64(row, 0), int64(row, 8), int64(row, 16));
    }
  }

  private static long int64(byte[] bytes, int at) {
    long value = 0;
    for (int i = 7; i >= 0; i--) value = value << 8 | bytes[at + i] & 255;
    return value;
  }

  List<String> unmapped() {
    return encoder.unmapped;
  }

  synchronized void begin(long batch) {
    this.batch = batch;
    inserts = 0;
    blocks.clear();
    sent.clear();
    candidates.clear();
    candidateRows = rows = invalid = duplicates = 0;
  }

  /** What one task writes to: unshared, so that rows are encoded without a lock. */
  final class Writer {
    private final Map<YearMonth, Buffer> plain = new HashMap<>();
    private final Buffer candidate = new Buffer(1 << 12);
    private long monthFrom = 1;
    private long monthTo;
    private YearMonth month;
    private Buffer current;
    private long newest;
    private long count;
    private long candidateCount;
    private long invalidCount;
    private final Map<Integer, Long> read = new HashMap<>();

    /** @throws IllegalArgumentException when a value does not fit the table. */
    void write(InternalRow row) {
      long time = encoder.time(row);
      byte[] id = encoder.id(row).getBytes();
      if (id.length != 36) throw new IllegalArgumentException(config.id() + " is not a uuid");
      if (time < monthFrom || time >= monthTo) enterMonth(time);
      int start = current.size;
      encoder.write(row, current);
      // Only now: an id that is remembered must belong to a row that goes on its way.
      if (recent.maybeSeen(Uuids.high(id, 0), Uuids.low(id, 0), time)) {
        candidate.bytes(current, start);
        current.size = start;
        candidateCount++;
        if (candidate.size >= CANDIDATE_BYTES) flushCandidates();
      }
      count++;
      if (time > newest) newest = time;
      if (current.size >= 1 << 20) {
        add(month, current);
        current = new Buffer(1 << 17);
        plain.put(month, current);
      }
    }

    void reject() {
      invalidCount++;
    }

    void read(int partition, long offset) {
      read.merge(partition, offset + 1, Math::max);
    }

    /** One part a month: an insert that crossed a month would be two blocks, of which a kill could keep one. */
    private void enterMonth(long time) {
      month = YearMonth.from(Instant.ofEpochMilli(time).atZone(ZoneOffset.UTC));
      monthFrom = month.atDay(1).atStartOfDay().toInstant(ZoneOffset.UTC).toEpochMilli();
      monthTo = month.plusMonths(1).atDay(1).atStartOfDay().toInstant(ZoneOffset.UTC).toEpochMilli();
      current = plain.computeIfAbsent(month, m -> new Buffer(1 << 16));
    }

    private void flushCandidates() {
      Buffer copy = new Buffer(candidate.size);
      copy.bytes(candidate, 0);
      candidate.size = 0;
      synchronized (StreamSink.this) {
        candidates.add(copy);
      }
    }

    void close() {
      plain.forEach((m, buffer) -> {
        if (buffer.size > 0) add(m, buffer);
      });
      if (candidate.size > 0) flushCandidates();
      synchronized (StreamSink.this) {
        rows += count;
        invalid += invalidCount;
        candidateRows += candidateCount;
        read.forEach((partition, next) -> offsets.merge(partition, next, Math::max));
        if (newest > maxEventTime) maxEventTime = newest;
      }
    }
  }

  private synchronized void add(YearMonth month, Buffer buffer) {
    Block block = blocks.computeIfAbsent(month, m -> new Block());
    block.buffers.add(buffer);
    block.bytes += buffer.size;
    if (block.bytes >= BLOCK_BYTES) {
      blocks.remove(month);
      send(block);
    }
  }

  private synchronized void send(Block block) {
    String queryId = "speed-" + config.name() + "-" + batch + "-" + inserts++;
    sent.add(senders.submit(() -> clickhouse.persist(table, attempt -> {
      if (attempt == 1) clickhouse.insert(target, block.buffers, queryId);
      else for (Buffer buffer : block.buffers) insertMissing(buffer, queryId);
      return null;
    })));
  }

  private long insertMissing(Buffer rows, String queryId) throws IOException, InterruptedException {
    return clickhouse.insertMissing(target, rows, queryId);
  }

  /** Sends what is left of the plain rows. */
  synchronized void sendRest() {
    blocks.values().forEach(this::send);
    blocks.clear();
  }

  /** Waits for the plain inserts, then inserts the missing candidates; returns when every row of the batch is in the table. */
  void finish() throws InterruptedException {
    for (Future<?> insert : sent) await(insert);
    long written = 0;
    for (int i = 0; i < candidates.size(); ) {
      Buffer together = candidates.get(i++);
      while (i < candidates.size() && together.size + candidates.get(i).size <= CANDIDATE_BYTES) together.bytes(candidates.get(i++), 0);
      String queryId = "speed-" + config.name() + "-" + batch + "-" + inserts++;
      written += clickhouse.persist(table, attempt -> insertMissing(together, queryId));
    }
    duplicates = candidateRows - written;
    totals.rows += rows;
    totals.invalid += invalid;
    totals.duplicates += duplicates;
    totals.candidates += candidateRows;
  }

  private static void await(Future<?> insert) throws InterruptedException {
    try {
      insert.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof InterruptedException) throw new InterruptedException();
      throw new IllegalStateException(e.getCause());
    }
  }

  /** Number of columns of a row. */
  int width() {
    return type.size();
  }

  Writer writer() {
    return new Writer();
  }

  boolean idle() {
    return rows == 0 && invalid == 0;
  }

  /** Next offset to read, by partition, as far as this process has seen it or was told. */
  synchronized TreeMap<Integer, Long> offsets() {
    return offsets;
  }

  synchronized Map<String, Object> batchRow() {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("stream", config.name());
    row.put("batch", batch);
    row.put("rows", rows);
    row.put("invalid", invalid);
    row.put("duplicates", duplicates);
    row.put("candidates", candidateRows);
    return row;
  }

  synchronized Map<String, Object> status() {
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("topic", config.topic());
    status.put("table", table);
    status.put("rows", totals.rows);
    status.put("invalid", totals.invalid);
    status.put("duplicates", totals.duplicates);
    status.put("candidates", totals.candidates);
    status.put("maxEventTime", maxEventTime == 0 ? null : Instant.ofEpochMilli(maxEventTime).toString());
    status.put("recentIds", recent == null ? 0 : recent.size());
    status.put("recentIdsFrom", recent == null ? null : Instant.ofEpochMilli(recent.coveredFromMs()).toString());
    status.put("fieldsWithoutColumn", encoder == null ? List.of() : encoder.unmapped);
    return status;
  }
}
