package lambdactl.speed;

/** UUIDs as two longs, read from their 36 ASCII characters without a String in between. */
final class Uuids {
  private static final byte[] DIGITS = new byte[128];

  static {
    java.util.Arrays.fill(DIGITS, (byte) -1);
    for (int i = 0; i < 16; i++) {
      DIGITS[Character.forDigit(i, 16)] = (byte) i;
      DIGITS[Character.toUpperCase(Character.forDigit(i, 16))] = (byte) i;
    }
  }

  private Uuids() {}

  static long high(byte[] text, int at) {
    return hex(text, at, 8) << 32 | hex(text, at + 9, 4) << 16 | hex(text, at + 14, 4);
  }

  static long low(byte[] text, int at) {
    return hex(text, at + 19, 4) << 48 | hex(text, at + 24, 12);
  }

  private static long hex(byte[] text, int at, int length) {
    long value = 0;
    for (int i = at; i < at + length; i++) {
      int digit = text[i] < 0 ? -1 : DIGITS[text[i]];
      if (digit < 0) throw new IllegalArgumentException("not a uuid");
      value = value << 4 | digit;
    }
    return value;
  }

  /** A hash of both halves (the finalizer of splitmix64). */
  static long mix(long high, long low) {
    long z = high * 0x9E3779B97F4A7C15L ^ low;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }
}
