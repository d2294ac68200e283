package lambdactl.speed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The job's settings, from the file after --conf-file. Every key is explained in dags-repo/spark/README.md. */
final class Config {
  final String master;
  final int uiPort;
  final String statusHost;
  final int statusPort;
  final String bootstrapServers;
  final Map<String, String> kafkaProperties = new TreeMap<>();
  final String startingOffsets;
  final long maxOffsetsPerTrigger;
  final boolean failOnDataLoss;
  final String tierTopic;
  final String clickhouseUrl;
  final String clickhouseUser;
  final String clickhousePassword;
  final String database;
  final Path checkpointDir;
  final Path localDir;
  final Path sqlDir;
  final Path schemasDir;
  final long triggerMs;
  final long watermarkMs;
  final long sessionTimeoutMs;
  final boolean emitProcessed;
  final int recentIds;
  /** Of the second query, which archives every record in the lake; null without one. */
  final JsonNode archive;
  final List<StreamConfig> streams = new ArrayList<>();

  /** One topic and where its rows go; an entry of streams.json beside the SQL files. */
  record StreamConfig(String name, String topic, String schema, String sql, String table, String id, String time,
      String processedTopic, String processedSchema) {}

  static Config read(String[] args) throws IOException {
    if (args.length != 2 || !args[0].equals("--conf-file")) throw new IllegalArgumentException("usage: --conf-file FILE");
    return new Config(new ObjectMapper().readTree(Files.readString(Path.of(args[1]))));
  }

  private Config(JsonNode root) throws IOException {
    JsonNode kafka = root.path("kafka");
    JsonNode clickhouse = root.path("clickhouse");
    master = root.path("master").asText("local[2]");
    uiPort = root.path("uiPort").asInt(0);
    statusHost = root.path("statusHost").asText("127.0.0.1");
    statusPort = required(root, "statusPort").asInt();
    bootstrapServers = required(kafka, "bootstrapServers").asText();
    kafka.path("properties").properties().forEach(p -> kafkaProperties.put(p.getKey(), p.getValue().asText()));
    startingOffsets = kafka.path("startingOffsets").asText("resume");
    maxOffsetsPerTrigger = kafka.path("maxOffsetsPerTrigger").asLong(300_000);
    failOnDataLoss = kafka.path("failOnDataLoss").asBoolean(true);
    tierTopic = kafka.path("tierTopic").asText("cdc.postgres.users");
    clickhouseUrl = required(clickhouse, "url").asText();
    clickhouseUser = clickhouse.path("user").asText("speed");
    String fromEnvironment = System.getenv("LAMBDACTL_CLICKHOUSE_PASSWORD");
    clickhousePassword = fromEnvironment != null ? fromEnvironment : clickhouse.path("password").asText("");
    database = clickhouse.path("database").asText("lambda");
    checkpointDir = Path.of(required(root, "checkpointDir").asText());
    localDir = Path.of(required(root, "localDir").asText());
    sqlDir = Path.of(required(root, "sqlDir").asText());
    schemasDir = Path.of(required(root, "schemasDir").asText());
    triggerMs = root.path("triggerMs").asLong(2000);
    watermarkMs = root.path("watermarkMinutes").asLong(10) * 60_000;
    sessionTimeoutMs = root.path("sessionTimeoutMinutes").asLong(30) * 60_000;
    // The projection that sessions are made of knows ten minutes as its smallest piece.
    if (sessionTimeoutMs < 10 * 60_000) throw new IllegalArgumentException("sessionTimeoutMinutes must be at least 10");
    emitProcessed = root.path("emitProcessed").asBoolean(true);
    recentIds = root.path("recentIds").asInt(6_000_000);
    archive = root.get("archive");
    JsonNode topics = root.path("topics");
    for (JsonNode s : new ObjectMapper().readTree(Files.readString(sqlDir.resolve("streams.json")))) {
      String name = required(s, "name").asText();
      streams.add(new StreamConfig(name, topics.path(name).asText(required(s, "topic").asText()), required(s, "schema").asText(),
          required(s, "sql").asText(), required(s, "table").asText(), required(s, "id").asText(), required(s, "time").asText(),
          s.path("processedTopic").asText(null), s.path("processedSchema").asText(null)));
    }
  }

  private static JsonNode required(JsonNode node, String name) {
    JsonNode value = node.get(name);
    if (value == null || value.isNull()) throw new IllegalArgumentException("setting '" + name + "' is missing");
    return value;
  }
}
