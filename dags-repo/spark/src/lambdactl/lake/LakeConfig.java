package lambdactl.lake;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where the lake is and what is in it: section "lake" of a job's settings file. Every key is explained in dags-repo/spark/README.md. */
public final class LakeConfig {
  public static final String CATALOG = "lake";
  public static final String NAMESPACE = "lake";
  /** Of the embedded object store; a real account is asked by the usual chain of AWS credentials. */
  private static final String SECRET_KEY = "LAMBDACTL_LAKE_SECRET_KEY";
  private static final String CATALOG_PASSWORD = "LAMBDACTL_LAKE_CATALOG_PASSWORD";

  public final List<TableConfig> tables = new ArrayList<>();
  public final String rejected;
  public final String records;
  /** Whether the lake is lake.records, written by Spark, instead of one table a topic. */
  public final boolean raw;
  final int keepSnapshotsHours;
  public final long commitIntervalMs;
  private final Map<String, String> catalog = new LinkedHashMap<>();

  /** One topic: the table of its records, the schema of its values, its key's field and (null where it has none) its event time. */
  public record TableConfig(String name, String topic, String schema, boolean changes, String key, String time) {}

  public LakeConfig(JsonNode root) {
    rejected = root.path("rejected").asText("rejected");
    records = root.path("records").asText("records");
    raw = root.path("archive").asText("connect").equals("spark");
    keepSnapshotsHours = root.path("keepSnapshotsHours").asInt(168);
    commitIntervalMs = root.path("commitIntervalMs").asLong(10_000);
    for (JsonNode t : root.path("tables")) {
      tables.add(new TableConfig(t.path("name").asText(), t.path("topic").asText(), t.path("schema").asText(),
          t.path("kind").asText().equals("changes"), t.path("key").asText(), t.path("time").asText(null)));
    }
    JsonNode place = root.path("catalog");
    catalog.put("catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog");
    catalog.put("jdbc.schema-version", "V1");
    catalog.put("io-impl", "org.apache.iceberg.aws.s3.S3FileIO");
    place.properties().forEach(p -> catalog.put(p.getKey(), p.getValue().asText()));
    Optional.ofNullable(System.getenv(CATALOG_PASSWORD)).ifPresent(secret -> catalog.put("jdbc.password", secret));
    Optional.ofNullable(System.getenv(SECRET_KEY)).ifPresent(secret -> catalog.put("s3.secret-access-key", secret));
  }

  static JsonNode read(Path file) throws IOException {
    return new ObjectMapper().readTree(Files.readString(file));
  }

  /** Properties of the Iceberg catalog, secrets included. */
  public Map<String, String> catalogProperties() {
    return catalog;
  }

  /** Tables in which a topic's records are looked for. */
  List<String> archiveTables() {
    if (raw) return List.of(records);
    List<String> names = new ArrayList<>(tables.stream().map(TableConfig::name).toList());
    names.add(rejected);
    return names;
  }

  String topicOf(String table) {
    return tables.stream().filter(t -> t.name().equals(table)).map(TableConfig::topic).findFirst().orElse(null);
  }
}
