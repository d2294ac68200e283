package lambdactl.connect;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;

/** RFC 3339 times as Iceberg's writer wants them. */
final class Times {
  private static final int[] NANOS = {1, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000};

  private Times() {}

  static OffsetDateTime ofMillis(long millis) {
    return Instant.ofEpochMilli(millis).atOffset(ZoneOffset.UTC);
  }

  /** The time in UTC, or null if the text is none that a table can hold; takes and refuses what the speed layer's Contract does. */
  static OffsetDateTime parse(String text) {
    OffsetDateTime plain = parsePlain(text);
    if (plain != null) return plain;
    try {
      Instant instant = text.endsWith("Z") ? Instant.parse(text) : OffsetDateTime.parse(text).toInstant();
      long micros = ChronoUnit.MICROS.between(Instant.EPOCH, instant); // throws beyond 64 bits
      return Instant.EPOCH.plus(micros, ChronoUnit.MICROS).atOffset(ZoneOffset.UTC);
    } catch (DateTimeException | ArithmeticException e) {
      return null;
    }
  }

  /** 2026-01-31T09:30:00.123Z with up to six decimals, four times as fast as the library's parser; null for every other form. */
  private static OffsetDateTime parsePlain(String text) {
    int end = text.length() - 1;
    if (end < 19 || end > 26 || end == 20 || text.charAt(end) != 'Z') return null;
    if (text.charAt(4) != '-' || text.charAt(7) != '-' || text.charAt(10) != 'T' || text.charAt(13) != ':' || text.charAt(16) != ':') return null;
    int decimals = end == 19 ? 0 : end - 20;
    if (end > 19 && text.charAt(19) != '.') return null;
    int year = number(text, 0, 4);
    int month = number(text, 5, 7);
    int day = number(text, 8, 10);
    int hour = number(text, 11, 13);
    int minute = number(text, 14, 16);
    int second = number(text, 17, 19);
    int fraction = decimals == 0 ? 0 : number(text, 20, end);
    if ((year | month | day | hour | minute | second | fraction) < 0) return null;
    if (month == 0 || month > 12 || day == 0 || day > 28 || hour > 23 || minute > 59 || second > 59) return null;
    LocalTime time = LocalTime.of(hour, minute, second, fraction * NANOS[decimals]);
    return OffsetDateTime.of(LocalDateTime.of(LocalDate.of(year, month, day), time), ZoneOffset.UTC);
  }

  /** Digits of text in [from, to), or -1. */
  private static int number(String text, int from, int to) {
    int value = 0;
    for (int i = from; i < to; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    return value;
  }
}
