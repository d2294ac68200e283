package lambdactl.speed;

import java.time.LocalDate;

/** The one form of a time that producers write, read without the library's parser, which costs four times as much. */
final class PlainTime {
  private static final int[] MICROS = {1, 100_000, 10_000, 1_000, 100, 10, 1};

  private PlainTime() {}

  /** Microseconds since 1970 of 2026-01-31T09:30:00.123Z with up to six decimals; Long.MIN_VALUE for every other form. */
  static long microsOf(String text) {
    int end = text.length() - 1;
    if (end < 19 || end > 26 || end == 20 || text.charAt(end) != 'Z') return Long.MIN_VALUE;
    if (text.charAt(4) != '-' || text.charAt(7) != '-' || text.charAt(10) != 'T' || text.charAt(13) != ':' || text.charAt(16) != ':') return Long.MIN_VALUE;
    if (end > 19 && text.charAt(19) != '.') return Long.MIN_VALUE;
    int year = number(text, 0, 4);
    int month = number(text, 5, 7);
    int day = number(text, 8, 10);
    int hour = number(text, 11, 13);
    int minute = number(text, 14, 16);
    int second = number(text, 17, 19);
    int fraction = end == 19 ? 0 : number(text, 20, end);
    if ((year | month | day | hour | minute | second | fraction) < 0) return Long.MIN_VALUE;
    // The last days of a month need the calendar.
    if (month == 0 || month > 12 || day == 0 || day > 28 || hour > 23 || minute > 59 || second > 59) return Long.MIN_VALUE;
    long seconds = LocalDate.of(year, month, day).toEpochDay() * 86_400 + hour * 3600 + minute * 60 + second;
    return seconds * 1_000_000 + fraction * (long) MICROS[end == 19 ? 0 : end - 20];
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
