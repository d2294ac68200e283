package lambdactl.connect;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigException;

/**
 * What the connector's configuration says about the lake: one table a topic, and one for records that do not fit.
 *
 * <pre>{"namespace": "lake", "rejected": "rejected", "tables": [
 *  {"name": "user_events", "topic": "user_events", "kind": "events", "partitionedBy": ["day(timestamp)", "event_type"],
 *   "schema": {JSON Schema that stands alone}},
 *  {"name": "cdc_users", "topic": "cdc.postgres.users", "kind": "changes", "key": "user_id", "partitionedBy": [], "schema": {…}}]}</pre>
 */
record Lake(String namespace, RejectedTable rejected, List<TopicTable> tables, Map<String, TopicTable> byTopic) {
  static final String KEY = "lake.declaration";

  static Lake of(Map<String, String> connector) {
    String text = connector.get(KEY);
    if (text == null) throw new ConfigException(KEY, null, "is missing");
    try {
      return read(new ObjectMapper().readTree(text));
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new ConfigException(KEY, text.substring(0, Math.min(200, text.length())), e.getMessage());
    }
  }

  private static Lake read(JsonNode declared) {
    List<TopicTable> tables = new ArrayList<>();
    Map<String, TopicTable> byTopic = new HashMap<>();
    for (JsonNode each : declared.path("tables")) {
      String name = text(each, "name");
      List<String> partitionedBy = new ArrayList<>();
      each.path("partitionedBy").forEach(transform -> partitionedBy.add(transform.asText()));
      boolean changes = text(each, "kind").equals("changes");
      String key = changes ? text(each, "key") : null;
      TopicTable table = new TopicTable(name, text(each, "topic"), key, partitionedBy, Field.all(each.path("schema"), name));
      tables.add(table);
      byTopic.put(table.topic(), table);
    }
    return new Lake(text(declared, "namespace"), new RejectedTable(text(declared, "rejected")), tables, byTopic);
  }

  private static String text(JsonNode node, String name) {
    if (!node.path(name).isTextual()) throw new IllegalArgumentException("'" + name + "' is missing");
    return node.get(name).asText();
  }
}
