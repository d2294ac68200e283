package lambdactl.lake;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.iceberg.DataOperations;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.actions.RewriteDataFiles;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.spark.actions.SparkActions;
import org.apache.spark.sql.SparkSession;

/** Compaction, and removal of what nobody can reach any more. Safe while others write: a commit that lost a race is tried again. */
final class Maintenance {
  private static final int KEEP_SNAPSHOTS = 5;
  private static final int ATTEMPTS = 6;
  /** A writer's files are orphans until it commits. */
  private static final long ORPHAN_AGE_MS = TimeUnit.DAYS.toMillis(3);
  /** One group of files is read and written at a time. */
  private static final Map<String, String> REWRITE = Map.of(
      "target-file-size-bytes", Long.toString(96L << 20),
      "max-file-group-size-bytes", Long.toString(192L << 20),
      "max-concurrent-file-group-rewrites", "1",
      "partial-progress.enabled", "true",
      "partial-progress.max-commits", "10",
      "min-input-files", "4");

  private final SparkSession spark;
  private final int keepHours;

  Maintenance(SparkSession spark, int keepHours) {
    this.spark = spark;
    this.keepHours = keepHours;
  }

  Map<String, Object> run(Lake lake, List<String> names) throws Exception {
    List<Map<String, Object>> tables = new ArrayList<>();
    for (String name : names) {
      Out.emit("progress", Map.of("detail", "lake." + name, "table", name));
      tables.add(table(name, lake.load(name)));
    }
    return Map.of("tables", tables);
  }

  private Map<String, Object> table(String name, Table table) throws Exception {
    long started = System.currentTimeMillis();
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("name", name);
    report.put("before", TableReport.totals(table));
    RewriteDataFiles.Result rewritten = retried(table, () -> SparkActions.get(spark).rewriteDataFiles(table).options(REWRITE).execute());
    report.put("rewrittenFiles", rewritten.rewrittenDataFilesCount());
    report.put("writtenFiles", rewritten.addedDataFilesCount());
    report.put("failedFiles", rewritten.failedDataFilesCount());
    report.put("rewrittenManifests", retried(table, () -> rewriteManifests(table)));
    report.put("expiredSnapshots", retried(table, () -> expire(table)));
    report.put("orphanFiles", table.currentSnapshot() == null ? 0 : orphans(table));
    table.refresh();
    report.put("after", TableReport.totals(table));
    report.put("elapsedMs", System.currentTimeMillis() - started);
    return report;
  }

  /** Every commit of a writer leaves a manifest: beyond a few dozen they are what a query's planning waits for. */
  private static int rewriteManifests(Table table) {
    if (table.currentSnapshot() == null) return 0;
    List<org.apache.iceberg.ManifestFile> manifests = table.currentSnapshot().dataManifests(table.io());
    if (manifests.size() < 20) return 0;
    table.rewriteManifests().clusterBy(file -> file.specId() + "/" + file.partition()).commit();
    return manifests.size();
  }

  /**
   * The newest snapshot that a writer made stays whatever its age: it says which commit was the writer's last, by which a repeated
   * one is recognized.
   */
  private int expire(Table table) {
    table.refresh();
    long olderThan = System.currentTimeMillis() - TimeUnit.HOURS.toMillis(keepHours);
    for (Snapshot s = table.currentSnapshot(); s != null; s = s.parentId() == null ? null : table.snapshot(s.parentId())) {
      if (!s.operation().equals(DataOperations.APPEND)) continue;
      olderThan = Math.min(olderThan, s.timestampMillis());
      break;
    }
    int before = count(table.snapshots());
    table.expireSnapshots().expireOlderThan(olderThan).retainLast(KEEP_SNAPSHOTS).cleanExpiredFiles(true).commit();
    table.refresh();
    return Math.max(0, before - count(table.snapshots()));
  }

  private static int count(Iterable<?> items) {
    int count = 0;
    for (Object ignored : items) count++;
    return count;
  }

  private int orphans(Table table) {
    int[] removed = new int[1];
    // Listed through the catalog's own client: Hadoop knows no s3://.
    var result = SparkActions.get(spark).deleteOrphanFiles(table).usePrefixListing(true)
        .olderThan(System.currentTimeMillis() - ORPHAN_AGE_MS).execute();
    result.orphanFileLocations().forEach(file -> removed[0]++);
    return removed[0];
  }

  private static <T> T retried(Table table, Callable<T> action) throws Exception {
    for (int attempt = 1; ; attempt++) {
      try {
        table.refresh();
        return action.call();
      } catch (CommitFailedException | ValidationException e) {
        if (attempt == ATTEMPTS) throw e;
        Out.progress(table.name() + ": " + LakeException.oneLine(e) + "; again");
        Thread.sleep(500L << attempt);
      }
    }
  }
}
