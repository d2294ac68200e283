package lambdactl.lake;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * The text of a row that no other row has, and its digest: the same text as reconcile makes in ClickHouse and in the warehouse
 * (src/reconcile/dialect.ts, statements.ts), so that one expected digest holds for every store.
 */
final class CanonicalRow {
  private static final String NULL_MARK = "~";

  private enum Kind { UUID, TEXT, TIME, INTEGER, DECIMAL, BOOLEAN }

  private record Column(String name, Kind kind, int scale) {}

  private final List<Column> columns = new ArrayList<>();
  private final MessageDigest md5;
  private final StringBuilder text = new StringBuilder(512);

  /** @param columns [{name, kind, scale}], in the order of the text */
  CanonicalRow(JsonNode columns) {
    for (JsonNode column : columns) {
      Kind kind;
      try {
        kind = Kind.valueOf(column.path("kind").asText().toUpperCase(Locale.ROOT));
      } catch (IllegalArgumentException e) {
        throw new LakeException("BAD_USAGE", "Column " + column + " is of no kind that can be compared.");
      }
      this.columns.add(new Column(column.path("name").asText(), kind, column.path("scale").asInt()));
    }
    try {
      md5 = MessageDigest.getInstance("MD5");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  List<String> names() {
    return columns.stream().map(Column::name).toList();
  }

  /** The last 64 bits of the text's MD5 are bytes 8 … 15 of what is returned. */
  byte[] md5(Function<String, Object> row) {
    return md5.digest(text(row).getBytes(StandardCharsets.UTF_8));
  }

  /** @param row value by column: String, Long, Integer, BigDecimal, Boolean, OffsetDateTime or null */
  String text(Function<String, Object> row) {
    text.setLength(0);
    for (int i = 0; i < columns.size(); i++) {
      if (i > 0) text.append('|');
      append(columns.get(i), row.apply(columns.get(i).name));
    }
    return text.toString();
  }

  private void append(Column column, Object value) {
    if (value == null) {
      text.append(NULL_MARK);
      return;
    }
    switch (column.kind) {
      case UUID -> {
        String id = value.toString().toLowerCase(Locale.ROOT);
        if (characters(id) == 36) text.append(id);
        else measured(text.append('!'), id);
      }
      case TEXT -> measured(text, value.toString());
      case TIME -> text.append(((OffsetDateTime) value).toInstant().toEpochMilli());
      // Unnecessary rounding throws: a column of another scale would not have the other stores' digits.
      case DECIMAL -> text.append(((BigDecimal) value).setScale(column.scale, RoundingMode.UNNECESSARY).toPlainString());
      default -> text.append(value);
    }
  }

  private static void measured(StringBuilder text, String value) {
    text.append(characters(value)).append(':').append(value);
  }

  /** As both engines count them: code points, not UTF-16 units. */
  private static int characters(String value) {
    return value.codePointCount(0, value.length());
  }
}
