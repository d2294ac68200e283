package lambdactl.connect;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads records by a JSON Schema: JSON bytes in, one value a field out, or the reason why not. The rules and their words are those of
 * the speed layer's Contract (dags-repo/spark/src/lambdactl/speed), so that both layers refuse the same records; only the values
 * differ, which are Iceberg's here and Spark's there. test: src/components/connect/contract.test.ts runs both over the same records.
 */
final class Contract {
  private static final int MAX_DEPTH = 100;
  private static final JsonFactory JSON = new JsonFactory();

  private final List<Field> fields;
  private final Map<String, Field> byName = new HashMap<>();

  Contract(List<Field> fields) {
    this.fields = fields;
    for (Field field : fields) byName.put(field.name(), field);
  }

  /**
   * @param row gets the value of every field at its index; useless when there is an error
   * @return null or "class: text"
   */
  String read(byte[] record, Object[] row) {
    if (record == null) return "malformed: no value";
    try (JsonParser parser = JSON.createParser(record)) {
      return readObject(parser, record, row);
    } catch (IOException e) {
      String message = e instanceof JsonParseException parse ? parse.getOriginalMessage() : String.valueOf(e.getMessage());
      int where = message.indexOf(" (start marker at");
      return "malformed: " + (where < 0 ? message : message.substring(0, where));
    } catch (RuntimeException e) {
      return "malformed: " + e;
    }
  }

  /** Reads to the end even after a violation: a record that is not JSON at all is malformed, whatever else is wrong with it. */
  private String readObject(JsonParser parser, byte[] record, Object[] row) throws IOException {
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
        row[field.index()] = null;
        if (!field.nullable() && error == null) error = "wrong_type: " + name + " must not be null";
        continue;
      }
      String violation = readValue(field, token, parser, record, row);
      if (violation != null && error == null) error = violation;
    }
    if (parser.nextToken() != null) return "malformed: something follows the JSON object";
    if (error != null) return error;
    for (Field field : fields) {
      if (field.required() && !field.nullable() && row[field.index()] == null) return "missing_field: " + field.name();
    }
    return null;
  }

  private static String readValue(Field field, JsonToken token, JsonParser parser, byte[] record, Object[] row) throws IOException {
    switch (field.kind()) {
      case JSON: {
        if (!token.isStructStart()) return wrongType(field, "an object", token);
        int from = (int) parser.currentTokenLocation().getByteOffset();
        String violation = walk(field, parser);
        int to = (int) parser.currentLocation().getByteOffset();
        row[field.index()] = new String(record, from, to - from, StandardCharsets.UTF_8);
        if (violation == null && !surrogatesPaired(record, from, to)) return "bad_format: " + field.name() + " has half of a surrogate pair";
        return violation;
      }
      case BOOLEAN:
        if (!token.isBoolean()) return wrongType(parser, field, "a boolean", token);
        row[field.index()] = token == JsonToken.VALUE_TRUE;
        return null;
      case INTEGER: case DECIMAL: case NUMBER:
        if (!token.isNumeric()) return wrongType(parser, field, "a number", token);
        return readNumber(field, parser, row);
      default:
        if (token != JsonToken.VALUE_STRING) return wrongType(parser, field, "a string", token);
        return readText(field, parser, row);
    }
  }

  /** To the end of an object or array, looking for what the speed layer's JSON column would refuse. */
  private static String walk(Field field, JsonParser parser) throws IOException {
    String violation = null;
    for (int depth = 1; depth > 0; ) {
      JsonToken token = parser.nextToken();
      if (token == null) throw new IOException("unexpected end");
      if (token.isStructStart()) depth++;
      else if (token.isStructEnd()) depth--;
      else if (token.isNumeric() && !storable(token, parser)) violation = "out_of_range: " + field.name() + " has a number beyond 64 bits";
      if (depth > MAX_DEPTH) violation = "out_of_range: " + field.name() + " is nested more than " + MAX_DEPTH + " deep";
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
    if (field.kind() == Field.Kind.NUMBER) {
      double value = parser.getDoubleValue();
      row[field.index()] = value;
      return field.minimum() != null && value < field.minimum().doubleValue() ? belowMinimum(field) : null;
    }
    if (parser.getTextLength() > 40) return "out_of_range: " + field.name() + " has too many digits";
    BigDecimal value = parser.getDecimalValue();
    if (field.minimum() != null && value.compareTo(field.minimum()) < 0) return belowMinimum(field);
    if (Math.abs((long) value.scale()) > 40) return "out_of_range: " + field.name();
    try {
      if (field.kind() == Field.Kind.INTEGER) {
        row[field.index()] = value.longValueExact();
        return null;
      }
      BigDecimal scaled = value.setScale(field.scale(), RoundingMode.UNNECESSARY);
      if (scaled.precision() > field.precision()) return "out_of_range: " + field.name();
      row[field.index()] = scaled;
      return null;
    } catch (ArithmeticException e) {
      return field.kind() == Field.Kind.INTEGER ? "wrong_type: " + field.name() + " must be a whole number"
          : "out_of_range: " + field.name() + " has more than " + field.scale() + " decimals";
    }
  }

  private static String readText(Field field, JsonParser parser, Object[] row) throws IOException {
    String text = parser.getText();
    switch (field.kind()) {
      case UUID:
        if (!isUuid(text)) return "bad_format: " + field.name() + " is not a uuid";
        break;
      case IPV4:
        if (!isIpv4(text)) return "bad_format: " + field.name() + " is not an IPv4 address";
        break;
      case TIME: {
        OffsetDateTime time = Times.parse(text);
        if (time == null) return "bad_format: " + field.name() + " is not a date-time";
        row[field.index()] = time;
        return null;
      }
      default:
        if (text.length() < field.minLength()) return "out_of_range: " + field.name() + " is too short";
    }
    if (field.allowed() != null && !field.allowed().contains(text)) return "unknown_value: " + field.name() + " '" + brief(text) + "'";
    row[field.index()] = text;
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
    return "wrong_type: " + field.name() + " must be " + wanted + ", is " + given;
  }

  private static String belowMinimum(Field field) {
    return "out_of_range: " + field.name() + " is below " + field.minimum();
  }

  private static String brief(String text) {
    return text.length() > 60 ? text.substring(0, 60) + "…" : text;
  }

  private static boolean isUuid(String text) {
    if (text.length() != 36) return false;
    for (int i = 0; i < 36; i++) {
      char c = text.charAt(i);
      boolean good = i == 8 || i == 13 || i == 18 || i == 23 ? c == '-' : c < 128 && Character.digit(c, 16) >= 0;
      if (!good) return false;
    }
    return true;
  }

  private static boolean isIpv4(String text) {
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
}
