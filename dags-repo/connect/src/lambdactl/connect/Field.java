package lambdactl.connect;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;

/** A property of a JSON Schema: what a value must be like, and the type of its column. */
record Field(int index, String name, Kind kind, boolean required, boolean nullable, Set<String> allowed, int minLength,
    BigDecimal minimum, int precision, int scale) {

  enum Kind { TEXT, UUID, IPV4, TIME, INTEGER, DECIMAL, NUMBER, BOOLEAN, JSON }

  /** All properties of a schema that stands alone, in its order. */
  static List<Field> all(JsonNode schema, String where) {
    Set<String> required = new HashSet<>();
    schema.path("required").forEach(name -> required.add(name.asText()));
    List<Field> fields = new ArrayList<>();
    for (Map.Entry<String, JsonNode> property : schema.path("properties").properties()) {
      String name = property.getKey();
      fields.add(of(fields.size(), name, property.getValue(), required.contains(name), where));
    }
    return fields;
  }

  private static Field of(int index, String name, JsonNode rule, boolean required, String where) {
    Set<String> types = new HashSet<>();
    if (rule.path("type").isArray()) rule.get("type").forEach(t -> types.add(t.asText()));
    else types.add(rule.path("type").asText());
    boolean nullable = types.remove("null");
    if (types.size() != 1) throw new IllegalArgumentException(where + ": property '" + name + "' must have one type (and null)");
    Set<String> allowed = null;
    if (rule.has("enum")) {
      allowed = new HashSet<>();
      for (JsonNode value : rule.get("enum")) allowed.add(value.asText());
    }
    JsonNode decimal = rule.get("x-decimal");
    return new Field(index, name, kindOf(types.iterator().next(), rule, name, where), required, nullable, allowed,
        rule.path("minLength").asInt(0), rule.has("minimum") ? rule.get("minimum").decimalValue() : null,
        decimal == null ? 0 : decimal.get(0).asInt(), decimal == null ? 0 : decimal.get(1).asInt());
  }

  private static Kind kindOf(String type, JsonNode rule, String name, String where) {
    return switch (type) {
      case "integer" -> Kind.INTEGER;
      case "number" -> rule.has("x-decimal") ? Kind.DECIMAL : Kind.NUMBER;
      case "boolean" -> Kind.BOOLEAN;
      case "object", "array" -> Kind.JSON;
      case "string" -> switch (rule.path("format").asText()) {
        case "uuid" -> Kind.UUID;
        case "ipv4" -> Kind.IPV4;
        case "date-time" -> Kind.TIME;
        default -> Kind.TEXT;
      };
      default -> throw new IllegalArgumentException(where + ": property '" + name + "' has the unknown type '" + type + "'");
    };
  }

  Type column() {
    return switch (kind) {
      case TIME -> Types.TimestampType.withZone();
      case INTEGER -> Types.LongType.get();
      case DECIMAL -> Types.DecimalType.of(precision, scale);
      case NUMBER -> Types.DoubleType.get();
      case BOOLEAN -> Types.BooleanType.get();
      default -> Types.StringType.get();
    };
  }

  boolean hardlyRepeats() {
    return switch (kind) {
      case UUID, IPV4, TIME, JSON -> true;
      default -> false;
    };
  }
}
