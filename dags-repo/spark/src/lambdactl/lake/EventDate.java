package lambdactl.lake;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import lambdactl.speed.Contract;

/**
 * The UTC day of a record's event time, by one pass over its bytes: the same day that the contract's reader would find, at a tenth
 * of the price. Days since 1970.
 */
final class EventDate {
  static final int NONE = Integer.MIN_VALUE;
  private static final long DAY_MICROS = 86_400_000_000L;
  private static final JsonFactory JSON = new JsonFactory();

  private EventDate() {}

  /** @return NONE when the object has no such field, or no time in it. As in the reader, the last of several fields counts. */
  static int of(byte[] json, byte[] field) {
    int depth = 0;
    boolean key = false;
    boolean wanted = false;
    int found = NONE;
    for (int i = 0; i < json.length; i++) {
      switch (json[i]) {
        case '"': {
          int from = i + 1;
          boolean escaped = false;
          for (i = from; i < json.length && json[i] != '"'; i++) {
            if (json[i] == '\\') {
              escaped = true;
              i++;
            }
          }
          if (i >= json.length) return NONE;
          if (depth != 1) break;
          if (key) {
            if (escaped) return parsed(json, field);
            key = false;
            wanted = Arrays.equals(json, from, i, field, 0, field.length);
          } else if (wanted) {
            wanted = false;
            if (escaped) return parsed(json, field);
            found = day(json, from, i);
          }
          break;
        }
        case '{': case '[':
          depth++;
          key = depth == 1;
          break;
        case '}': case ']':
          depth--;
          break;
        case ',':
          if (depth != 1) break;
          // What stood there was no text.
          if (wanted) found = NONE;
          wanted = false;
          key = true;
          break;
        default:
      }
    }
    return wanted ? NONE : found;
  }

  /** 2026-01-31T09:30:00.123Z is read off; any other form is left to the reader of the contract. */
  private static int day(byte[] text, int from, int to) {
    int length = to - from;
    boolean plain = length >= 20 && length <= 30 && length != 21 && text[to - 1] == 'Z' && text[from + 4] == '-' && text[from + 7] == '-'
        && text[from + 10] == 'T' && text[from + 13] == ':' && text[from + 16] == ':' && (length == 20 || text[from + 19] == '.');
    for (int i = 0; plain && i < length - 1; i++) {
      boolean separator = i == 4 || i == 7 || i == 10 || i == 13 || i == 16 || i == 19;
      if (!separator) plain = text[from + i] >= '0' && text[from + i] <= '9';
    }
    if (plain) {
      int month = two(text, from + 5);
      int day = two(text, from + 8);
      // Days that only some months have, midnight as 24 o'clock and leap seconds are for the reader.
      if (month >= 1 && month <= 12 && day >= 1 && day <= 28 && two(text, from + 11) < 24 && two(text, from + 14) < 60
          && two(text, from + 17) < 60) {
        return daysFromCivil(two(text, from) * 100 + two(text, from + 2), month, day);
      }
    }
    return day(Contract.microsOf(new String(text, from, length, StandardCharsets.UTF_8)));
  }

  private static int day(long micros) {
    return micros == Long.MIN_VALUE ? NONE : (int) Math.floorDiv(micros, DAY_MICROS);
  }

  private static int two(byte[] text, int at) {
    return (text[at] - '0') * 10 + text[at + 1] - '0';
  }

  /** Days since 1970-01-01 of a date of the Gregorian calendar; Howard Hinnant's days_from_civil. */
  private static int daysFromCivil(int year, int month, int day) {
    int y = month <= 2 ? year - 1 : year;
    int era = Math.floorDiv(y, 400);
    int yearOfEra = y - era * 400;
    int dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468;
  }

  private static int parsed(byte[] json, byte[] field) {
    String name = new String(field, StandardCharsets.UTF_8);
    int found = NONE;
    try (JsonParser parser = JSON.createParser(json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) return NONE;
      for (String key; (key = parser.nextFieldName()) != null; ) {
        JsonToken token = parser.nextToken();
        if (key.equals(name)) found = token == JsonToken.VALUE_STRING ? day(Contract.microsOf(parser.getText())) : NONE;
        parser.skipChildren();
      }
      return found;
    } catch (IOException e) {
      return NONE;
    }
  }
}
