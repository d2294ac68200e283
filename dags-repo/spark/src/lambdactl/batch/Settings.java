package lambdactl.batch;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lambdactl.lake.LakeConfig;

/** What the job was asked for: its arguments and the file after --conf-file. Every key is explained in docs/batch-job.md. */
final class Settings {
  static final String USAGE = "usage: --conf-file FILE --date YYYY-MM-DD --batch-id ID [--tables NAME,NAME]";
  final LocalDate date;
  final String batchId;
  final String master;
  final int tasks;
  /** Whether the lake is one table of records as they came, instead of one table a topic. */
  final boolean raw;
  final String records;
  final String rejected;
  /** Properties of the Iceberg catalog and of its storage, secrets included. */
  final Map<String, String> catalog = new LinkedHashMap<>();
  /** Without a slash at the end. */
  final String stage;
  final int keepBatches;
  final Path localDir;
  final Path rulesDir;
  final Path schemasDir;
  final List<TableSpec> tables = new ArrayList<>();

  static Settings read(String[] args) throws IOException {
    Map<String, String> given = new HashMap<>();
    List<String> known = List.of("--conf-file", "--date", "--batch-id", "--tables");
    for (int i = 0; i < args.length; i += 2) {
      if (!known.contains(args[i]) || i + 1 == args.length) throw new IllegalArgumentException(USAGE);
      given.put(args[i], args[i + 1]);
    }
    if (!given.keySet().containsAll(known.subList(0, 3))) throw new IllegalArgumentException(USAGE);
    return new Settings(given, Out.JSON.readTree(Files.readString(Path.of(given.get("--conf-file")))));
  }

  private Settings(Map<String, String> args, JsonNode root) throws IOException {
    date = date(args.get("--date"));
    batchId = args.get("--batch-id");
    // It becomes part of a path.
    if (!batchId.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")) throw new IllegalArgumentException("--batch-id '" + batchId + "' is no name");
    tasks = root.path("tasks").asInt(2);
    master = "local[" + tasks + "]";
    LakeConfig lake = new LakeConfig(required(root, "lake"));
    raw = lake.raw;
    records = lake.records;
    rejected = lake.rejected;
    catalog.putAll(lake.catalogProperties());
    stage = required(root, "stage").asText().replaceAll("/+$", "");
    keepBatches = Math.max(1, root.path("keepBatches").asInt(2));
    localDir = Path.of(required(root, "localDir").asText());
    rulesDir = Path.of(required(root, "rulesDir").asText());
    schemasDir = Path.of(required(root, "schemasDir").asText());
    catalog.putIfAbsent("s3.staging-dir", localDir.resolve("upload").toString());
    readTables(Path.of(required(root, "tablesFile").asText()), args.get("--tables"));
  }

  private static LocalDate date(String text) {
    try {
      return LocalDate.parse(text);
    } catch (DateTimeException e) {
      throw new IllegalArgumentException("--date '" + text + "' is no date such as 2026-01-31");
    }
  }

  private void readTables(Path file, String only) throws IOException {
    List<TableSpec> all = TableSpec.read(file, rulesDir);
    if (only == null) {
      tables.addAll(all);
      return;
    }
    for (String name : Arrays.stream(only.split(",")).distinct().toList()) {
      tables.add(all.stream().filter(table -> table.name().equals(name)).findFirst().orElseThrow(() -> new IllegalArgumentException(
          "--tables: no table '" + name + "'; there are " + all.stream().map(TableSpec::name).toList())));
    }
  }

  static JsonNode required(JsonNode node, String name) {
    JsonNode value = node.get(name);
    if (value == null || value.isNull()) throw new IllegalArgumentException("setting '" + name + "' is missing");
    return value;
  }
}
