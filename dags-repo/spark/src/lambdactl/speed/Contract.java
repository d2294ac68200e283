package lambdactl.speed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * Reads records by a JSON Schema of schemas/: JSON bytes in, a row with one column a property out, or the reason why not.
 *
 * <p>It checks what the schema says (required, type, enum, format, minimum, minLength, x-decimal) and does not coerce. Objects and
 * arrays stay JSON text, byte for byte. The last column, {@value #ERROR}, is null or "class: text". Properties that the schema does
 * not name are skipped.
 */
public final class Contract {
  public static final String ERROR = "contract_error";
  private static final int MAX_DEPTH = 100;
  private static final JsonFactory JSON = new JsonFactory();
  private static volatile Contract[] registered = new Contract[0];

  private enum Kind { TEXT, UUID, IPV4, TIME, INTEGER, DECIMAL, NUMBER, BOOLEAN, JSON }

  private record Field(int index, String name, Kind kind, boolean required, boolean nullable, Set<String> allowed, int minLength,
      BigDecimal minimum, int precision, int scale) {}

  private final List<Field> fields = new ArrayList<>();
  private final Map<String, Field> byName = new HashMap<>();
  public final StructType type;

  public static Contract read(Path schemas, String file) throws IOException {
    return new Contract(schemas, file);
  }

  /** Makes the contract callable from generated code, where only statics and literals reach; returns its number. */
  public static synchronized int register(Contract contract) {
    Contract[] more = java.util.Arrays.copyOf(registered, registered.length + 1);
    more[registered.length] = contract;
    registered = more;
    return more.length - 1;
  }

  /** The function Spark calls for every record. */
  public static InternalRow parse(byte[] record, int contract) {
    return registered[contract].parse(record);
  }

  private Contract(Path schemas, String file) throws IOException {
    collect(schemas, file);
    StructType columns = new StructType();
    for (Field field : fields) columns = columns.add(field.name, sparkType(field));
    type = columns.add(ERROR, DataTypes.StringType);
  }

  private void collect(Path schemas, String file) throws IOException {
    JsonNode schema = new ObjectMapper().readTree(Files.readString(schemas.resolve(file)));
    for (JsonNode part : schema.path("allOf")) if (part.has("$ref")) collect(schemas, part.get("$ref").asText());
    Set<String> required = new HashSet<>();
    schema.path("required").forEach(name -> required.add(name.asText()));
    for (Map.Entry<String, JsonNode> property : schema.path("properties").properties()) {
      if (byName.containsKey(property.getKey())) continue;
      Field field = field(fields.size(), property.getKey(), property.getValue(), required.contains(property.getKey()), file);
      fields.add(field);
      byName.put(field.name, field);
    }
  }

  private static Field field(int index, String name, JsonNode rule, boolean required, String file) {
    Set<String> types = new HashSet<>();
    if (rule.path("type").isArray()) rule.get("type").forEach(t -> types.add(t.asText()));
    else types.add(rule.path("type").asText());
    boolean nullable = types.remove("null");
    if (types.size() != 1) throw new IllegalArgumentException(file + ": property '" + name + "' must have one type (and null)");
    Set<String> allowed = null;
    if (rule.has("enum")) {
      allowed = new HashSet<>();
      for (JsonNode value : rule.get("enum")) allowed.add(value.asText());
    }
    JsonNode decimal = rule.get("x-decimal");
    return new Field(index, name, kind(types.iterator().next(), rule, name, file), required, nullable, allowed,
        rule.path("minLength").asInt(0), rule.has("minimum") ? rule.get("minimum").decimalValue() : null,
        decimal == null ? 0 : decimal.get(0).asInt(), decimal == null ? 0 : decimal.get(1).asInt());
  }

  private static Kind kind(String type, JsonNode rule, String name, String file) {
    switch (type) {
      case "integer": return Kind.INTEGER;
      case "number": return rule.has("x-decimal") ? Kind.DECIMAL : Kind.NUMBER;
      case "boolean": return Kind.BOOLEAN;
      case "object": case "array": return Kind.JSON;
      case "string":
        switch (rule.path("format").asText()) {
          case "uuid": return Kind.UUID;
          case "ipv4": return Kind.IPV4;
          case "date-time": return Kind.TIME;
          default: return Kind.TEXT;
        }
      default: throw new IllegalArgumentException(file + ": property '" + name + "' has the unknown type '" + type + "'");
    }
  }

  private static DataType sparkType(Field field) {
    switch (field.kind) {
      case TIME: return DataTypes.TimestampType;
      case INTEGER: return DataTypes.LongType;
      case DECIMAL: return DataTypes.createDecimalType(field.precision, field.scale);
      case NUMBER: return DataTypes.DoubleType;
      case BOOLEAN: return DataTypes.BooleanType;
      default: return DataTypes.StringType;
    }
  }

  InternalRow parse(byte[] record) {
    Object[] row = new Object[fields.size() + 1];
    String error = null;
    if (record == null) {
      error = "malformed: no value";
    } else {
      try (JsonParser parser = JSON.createParser(record)) {
        error = parseObject(parser, record, row);
      } catch (IOException e) {
        String message = e instanceof JsonParseException parse ? parse.getOriginalMessage() : String.valueOf(e.getMessage());
        int where = message.indexOf(" (start marker at");
        error = "malformed: " + (where < 0 ? message : message.substring(0, where));
      } catch (RuntimeException e) {
        error = "malformed: " + e;
      }
    }
    if (error != null) row[fields.size()] = UTF8String.fromString(error);
    return new GenericInternalRow(row);
  }

  /** Reads to the end even after a violation: a record that is not JSON at all is malformed, whatever else is wrong with it. */
  private String parseObject(JsonParser parser, byte[] record, Object[] row) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) return "malformed: not a JSON object";
    String error = null;
    for (String name; (name = parser.nextFieldName()) != null; ) {
      Field field = byName.get(name);
      JsonToken token = parser.nextToken();
      if (field == null) {
        parser.skipChildren();
        continue;
      }
      if (token == JsonToken.VALUE_NULL) {
        row[field.index] = null;
        if (!field.nullable && error == null) error = "wrong_type: " + name + " must not be null";
        continue;
      }
      String violation = read(field, token, parser, record, row);
      if (violation != null && error == null) error = violation;
    }
    if (parser.nextToken() != null) return "malformed: something follows the JSON object";
    if (error != null) return error;
    for (Field field : fields) {
      if (field.required && !field.nullable && row[field.index] == null) return "missing_field: " + field.name;
    }
    return null;
  }

  private static String read(Field field, JsonToken token, JsonParser parser, byte[] record, Object[] row) throws IOException {
    switch (field.kind) {
      case JSON: {
        if (!token.isStructStart()) return wrongType(field, "an object", token);
        int from = (int) parser.currentTokenLocation().getByteOffset();
        String violation = walk(field, parser);
        int to = (int) parser.currentLocation().getByteOffset();
        row[field.index] = UTF8String.fromBytes(record, from, to - from);
        if (violation == null && !surrogatesPaired(record, from, to)) return "bad_format: " + field.name + " has half of a surrogate pair";
        return violation;
      }
      case BOOLEAN:
        if (!token.isBoolean()) return wrongType(parser, field, "a boolean", token);
        row[field.index] = token == JsonToken.VALUE_TRUE;
        return null;
      case INTEGER: case DECIMAL: case NUMBER:
        if (!token.isNumeric()) return wrongType(parser, field, "a number", token);
        return readNumber(field, parser, row);
      default:
        if (token != JsonToken.VALUE_STRING) return wrongType(parser, field, "a string", token);
        return readText(field, parser, row);
    }
  }

  /** To the end of an object or array, looking for what a JSON column would refuse: one such row would hold up every other. */
  private static String walk(Field field, JsonParser parser) throws IOException {
    String violation = null;
    for (int depth = 1; depth > 0; ) {
      JsonToken token = parser.nextToken();
      if (token == null) throw new IOException("unexpected end");
      if (token.isStructStart()) depth++;
      else if (token.isStructEnd()) depth--;
      else if (token.isNumeric() && !storable(token, parser)) violation = "out_of_range: " + field.name + " has a number beyond 64 bits";
      if (depth > MAX_DEPTH) violation = "out_of_range: " + field.name + " is nested more than " + MAX_DEPTH + " deep";
    }
    return violation;
  }

  private static boolean storable(JsonToken token, JsonParser parser) throws IOException {
    if (token == JsonToken.VALUE_NUMBER_FLOAT) return Double.isFinite(Double.parseDouble(parser.getText()));
    if (parser.getTextLength() <= 18) return true;
    if (parser.getTextLength() > 20) return false;
    BigInteger value = new BigInteger(parser.getText());
    return value.signum() < 0 ? value.bitLength() <= 63 : value.bitLength() <= 64;
  }

  /** Whether every surrogate escape is half of a pair; bytes of one JSON value. */
  private static boolean surrogatesPaired(byte[] json, int from, int to) {
    boolean open = false;
    for (int i = from; i < to; i++) {
      boolean low = false;
      boolean high = false;
      if (json[i] == '\\') {
        i++;
        if (json[i] == 'u') {
          int unit = Integer.parseInt(new String(json, i + 1, 4, StandardCharsets.US_ASCII), 16);
          high = Character.isHighSurrogate((char) unit);
          low = Character.isLowSurrogate((char) unit);
          i += 4;
        }
      }
      if (open != low) return false;
      open = high;
    }
    return true;
  }

  private static String readNumber(Field field, JsonParser parser, Object[] row) throws IOException {
    if (field.kind == Kind.NUMBER) {
      row[field.index] = parser.getDoubleValue();
      return field.minimum != null && parser.getDoubleValue() < field.minimum.doubleValue() ? belowMinimum(field) : null;
    }
    if (parser.getTextLength() > 40) return "out_of_range: " + field.name + " has too many digits";
    BigDecimal value = parser.getDecimalValue();
    if (field.minimum != null && value.compareTo(field.minimum) < 0) return belowMinimum(field);
    if (Math.abs((long) value.scale()) > 40) return "out_of_range: " + field.name;
    try {
      if (field.kind == Kind.INTEGER) {
        row[field.index] = value.longValueExact();
        return null;
      }
      BigDecimal scaled = value.setScale(field.scale, RoundingMode.UNNECESSARY);
      if (scaled.precision() > field.precision) return "out_of_range: " + field.name;
      row[field.index] = Decimal.apply(scaled, field.precision, field.scale);
      return null;
    } catch (ArithmeticException e) {
      return field.kind == Kind.INTEGER ? "wrong_type: " + field.name + " must be a whole number"
          : "out_of_range: " + field.name + " has more than " + field.scale + " decimals";
    }
  }

  private static String readText(Field field, JsonParser parser, Object[] row) throws IOException {
    String text = parser.getText();
    switch (field.kind) {
      case UUID:
        if (!isUuid(text)) return "bad_format: " + field.name + " is not a uuid";
        break;
      case IPV4:
        if (!isIpv4(text)) return "bad_format: " + field.name + " is not an IPv4 address";
        break;
      case TIME: {
        long micros = microsOf(text);
        if (micros == Long.MIN_VALUE) return "bad_format: " + field.name + " is not a date-time";
        row[field.index] = micros;
        return null;
      }
      default:
        if (text.length() < field.minLength) return "out_of_range: " + field.name + " is too short";
    }
    if (field.allowed != null && !field.allowed.contains(text)) return "unknown_value: " + field.name + " '" + brief(text) + "'";
    row[field.index] = UTF8String.fromString(text);
    return null;
  }

  private static String wrongType(JsonParser parser, Field field, String wanted, JsonToken token) throws IOException {
    parser.skipChildren();
    return wrongType(field, wanted, token);
  }

  private static String wrongType(Field field, String wanted, JsonToken token) {
    String given = switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "an array";
      case VALUE_STRING -> "a string";
      case VALUE_TRUE, VALUE_FALSE -> "a boolean";
      default -> "a number";
    };
    return "wrong_type: " + field.name + " must be " + wanted + ", is " + given;
  }

  private static String belowMinimum(Field field) {
    return "out_of_range: " + field.name + " is below " + field.minimum;
  }

  private static String brief(String text) {
    return text.length() > 60 ? text.substring(0, 60) + "…" : text;
  }

  public static boolean isUuid(String text) {
    if (text.length() != 36) return false;
    for (int i = 0; i < 36; i++) {
      char c = text.charAt(i);
      boolean good = i == 8 || i == 13 || i == 18 || i == 23 ? c == '-' : c < 128 && Character.digit(c, 16) >= 0;
      if (!good) return false;
    }
    return true;
  }

  public static boolean isIpv4(String text) {
    int dots = 0;
    int value = -1;
    if (text.length() > 15) return false;
    for (int i = 0; i <= text.length(); i++) {
      char c = i == text.length() ? '.' : text.charAt(i);
      if (c == '.') {
        if (value < 0 || value > 255) return false;
        dots++;
        value = -1;
      } else if (c >= '0' && c <= '9' && value != 0) {
        value = Math.max(value, 0) * 10 + c - '0';
      } else {
        return false;
      }
    }
    return dots == 4;
  }

  /** Microseconds since 1970 of an RFC 3339 time; Long.MIN_VALUE if it is none. */
  public static long microsOf(String text) {
    long plain = PlainTime.microsOf(text);
    if (plain != Long.MIN_VALUE) return plain;
    try {
      Instant instant = text.endsWith("Z") ? Instant.parse(text) : OffsetDateTime.parse(text).toInstant();
      return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
    } catch (DateTimeException | ArithmeticException e) {
      return Long.MIN_VALUE;
    }
  }
}
