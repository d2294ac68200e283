package lambdactl.batch;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.CatalogProperties;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.io.DelegateFileIO;
import org.apache.iceberg.io.FileInfo;

/** Where the files of a batch lie: STAGE/&lt;table&gt;/date=D/batch=B/, and STAGE/manifests/date=D/batch=B.json, written last. */
final class Stage {
  static final String REJECTED = "rejected";
  private static final String MANIFESTS = "manifests";
  private static final ConcurrentHashMap<Map<String, String>, DelegateFileIO> open = new ConcurrentHashMap<>();

  private final Settings settings;
  private final DelegateFileIO io;

  Stage(Settings settings) {
    this.settings = settings;
    io = storage(settings.catalog);
  }

  /** One client for all tasks of this JVM; the same that reads the lake. */
  static DelegateFileIO storage(Map<String, String> properties) {
    return open.computeIfAbsent(properties,
        p -> (DelegateFileIO) CatalogUtil.loadFileIO(p.get(CatalogProperties.FILE_IO_IMPL), p, new Configuration()));
  }

  static String directory(Settings settings, String table) {
    return dated(settings, table) + "batch=" + settings.batchId + "/";
  }

  private static String dated(Settings settings, String table) {
    return settings.stage + "/" + table + "/date=" + settings.date + "/";
  }

  /** "wrong_price" of "wrong_price: …". */
  static String errorClass(String error) {
    int end = error.indexOf(':');
    String name = end < 0 ? error : error.substring(0, end);
    return name.matches("[a-z_]{1,40}") ? name : "other";
  }

  String manifestPath() {
    return dated(settings, MANIFESTS) + "batch=" + settings.batchId + ".json";
  }

  /** Takes away what an earlier try of the same batch left; the manifest first, since it says that the rest is whole. */
  void clear(List<TableSpec> tables) {
    io.deleteFile(manifestPath());
    for (String directory : directories(tables)) delete(list(directory + "batch=" + settings.batchId + "/"));
  }

  void write(Map<String, Object> manifest) throws IOException {
    try (OutputStream out = io.newOutputFile(manifestPath()).createOrOverwrite()) {
      out.write(Out.JSON.writeValueAsBytes(manifest));
      out.write("\n".getBytes(StandardCharsets.UTF_8));
    }
  }

  /**
   * Deletes the date's older batches but the newest that are whole, together `keepBatches` with this one.
   *
   * @param startedMs of this batch: what is younger belongs to another one that runs now
   * @return how many batches went
   */
  int deleteOlder(List<TableSpec> tables, long startedMs) {
    List<FileInfo> manifests = list(dated(settings, MANIFESTS));
    manifests.sort((a, b) -> Long.compare(b.createdAtMillis(), a.createdAtMillis()));
    Set<String> kept = new LinkedHashSet<>(Set.of(settings.batchId));
    for (FileInfo manifest : manifests) if (kept.size() < settings.keepBatches) kept.add(batchOf(manifest.location()));
    List<FileInfo> files = new ArrayList<>(manifests);
    for (String directory : directories(tables)) files.addAll(list(directory));
    Map<String, Long> newest = new HashMap<>();
    for (FileInfo file : files) newest.merge(batchOf(file.location()), file.createdAtMillis(), Math::max);
    Set<String> gone = new HashSet<>(newest.keySet());
    gone.removeIf(batch -> kept.contains(batch) || newest.get(batch) >= startedMs);
    files.removeIf(file -> !gone.contains(batchOf(file.location())));
    delete(files);
    return gone.size();
  }

  private List<String> directories(List<TableSpec> tables) {
    List<String> all = new ArrayList<>(List.of(dated(settings, REJECTED)));
    for (TableSpec table : tables) all.add(dated(settings, table.name()));
    return all;
  }

  private List<FileInfo> list(String prefix) {
    List<FileInfo> files = new ArrayList<>();
    try {
      io.listPrefix(prefix).forEach(files::add);
    } catch (UncheckedIOException e) {
      // A file system says so of a directory that is not there; an object store has none.
      if (!(e.getCause() instanceof FileNotFoundException)) throw e;
    }
    return files;
  }

  private void delete(List<FileInfo> files) {
    if (!files.isEmpty()) io.deleteFiles(files.stream().map(FileInfo::location).toList());
  }

  /** "B" of ".../batch=B/part-00000.parquet" and ".../batch=B.json". */
  private static String batchOf(String location) {
    String rest = location.substring(location.lastIndexOf("/batch=") + "/batch=".length());
    int slash = rest.indexOf('/');
    return slash >= 0 ? rest.substring(0, slash) : rest.replaceFirst("\\.json$", "");
  }
}
