package lambdactl.batch;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A table of the stage; an entry of tables.json. What is a stream of the speed layer takes its schema, rules, id and time from
 * there (streams.json), so that both layers reject the same records.
 *
 * @param lake its table in the lake, where the archive keeps one a topic
 * @param sql file with the rules; null for changes
 * @param time event time; null for changes
 */
record TableSpec(String name, boolean changes, String topic, String lake, String schema, String sql, String id, String time) {

  static List<TableSpec> read(Path file, Path rulesDir) throws IOException {
    JsonNode streams = Out.JSON.readTree(Files.readString(rulesDir.resolve("streams.json")));
    List<TableSpec> tables = new ArrayList<>();
    for (JsonNode table : Out.JSON.readTree(Files.readString(file))) tables.add(table(table, streams));
    return tables;
  }

  private static TableSpec table(JsonNode table, JsonNode streams) {
    String name = text(table, "name");
    if (text(table, "kind").equals("changes")) {
      return new TableSpec(name, true, text(table, "topic"), text(table, "lake"), text(table, "schema"), null, text(table, "id"), null);
    }
    String wanted = text(table, "stream");
    for (JsonNode stream : streams) {
      if (!text(stream, "name").equals(wanted)) continue;
      return new TableSpec(name, false, text(table, "topic"), text(table, "lake"), text(stream, "schema"), text(stream, "sql"),
          text(stream, "id"), text(stream, "time"));
    }
    throw new IllegalArgumentException("table '" + name + "': streams.json has no stream '" + wanted + "'");
  }

  private static String text(JsonNode node, String name) {
    return Settings.required(node, name).asText();
  }
}
