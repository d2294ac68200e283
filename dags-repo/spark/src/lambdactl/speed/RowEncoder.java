package lambdactl.speed;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/** Writes a Spark row as ClickHouse RowBinary, by the table's column types; a column the row lacks is left to its default. */
final class RowEncoder {
  private enum Kind { UUID, TEXT, MILLIS, IPV4, INT32, INT64, DECIMAL32, DECIMAL64, FLOAT64, BOOLEAN }

  private record Column(String name, String type, int ordinal, Kind kind, boolean nullable, DataType sparkType) {}

  private final List<Column> columns = new ArrayList<>();
  /** Fields of the row that the table has no column for. */
  final List<String> unmapped = new ArrayList<>();
  private final int id;
  private final int time;

  /** @param table column name → ClickHouse type, in table order. */
  RowEncoder(StructType row, Map<String, String> table, String idColumn, String timeColumn) {
    Map<String, Integer> ordinals = new HashMap<>();
    for (int i = 0; i < row.size(); i++) ordinals.put(row.apply(i).name(), i);
    for (Map.Entry<String, String> column : table.entrySet()) {
      Integer ordinal = ordinals.remove(column.getKey());
      if (ordinal != null) columns.add(column(column.getKey(), column.getValue(), ordinal, row.apply(ordinal).dataType()));
    }
    unmapped.addAll(ordinals.keySet());
    id = row.fieldIndex(idColumn);
    time = row.fieldIndex(timeColumn);
    for (String needed : List.of(idColumn, timeColumn)) {
      if (columns.stream().noneMatch(c -> c.name.equals(needed))) throw new IllegalStateException("the table has no column " + needed);
    }
  }

  private static Column column(String name, String type, int ordinal, DataType sparkType) {
    String inner = type;
    if (inner.startsWith("LowCardinality(")) inner = inner.substring(15, inner.length() - 1);
    boolean nullable = inner.startsWith("Nullable(");
    if (nullable) inner = inner.substring(9, inner.length() - 1);
    return new Column(name, type, ordinal, kind(inner, name, sparkType), nullable, sparkType);
  }

  private static Kind kind(String type, String name, DataType sparkType) {
    boolean text = sparkType.equals(DataTypes.StringType);
    boolean whole = sparkType.equals(DataTypes.LongType);
    if (type.equals("UUID") && text) return Kind.UUID;
    if ((type.equals("String") || type.startsWith("JSON")) && text) return Kind.TEXT;
    if (type.equals("IPv4") && text) return Kind.IPV4;
    if (type.startsWith("DateTime64(3") && sparkType.equals(DataTypes.TimestampType)) return Kind.MILLIS;
    if ((type.equals("Int64") || type.equals("UInt64")) && whole) return Kind.INT64;
    if ((type.equals("Int32") || type.equals("UInt32")) && whole) return Kind.INT32;
    if (type.equals("Bool") && sparkType.equals(DataTypes.BooleanType)) return Kind.BOOLEAN;
    if (type.equals("Float64") && sparkType.equals(DataTypes.DoubleType)) return Kind.FLOAT64;
    if (sparkType instanceof DecimalType d && type.equals("Decimal(" + d.precision() + ", " + d.scale() + ")")) {
      return d.precision() <= 9 ? Kind.DECIMAL32 : Kind.DECIMAL64;
    }
    throw new IllegalStateException("column " + name + ": no way from " + sparkType.simpleString() + " to " + type);
  }

  /** "event_id, user_id, …": the columns written, in their order. */
  String columnList() {
    return String.join(", ", columns.stream().map(Column::name).toList());
  }

  /** "event_id UUID, …": the structure of the rows for an external table. JSON travels as text. */
  String structure() {
    return String.join(", ", columns.stream().map(c -> c.name + " " + (c.type.startsWith("JSON") ? "String" : c.type)).toList());
  }

  UTF8String id(InternalRow row) {
    return row.getUTF8String(id);
  }

  /** Event time in ms since 1970. */
  long time(InternalRow row) {
    return Math.floorDiv(row.getLong(time), 1000L);
  }

  /** @throws IllegalArgumentException when a value does not fit its column; nothing is written then. */
  void write(InternalRow row, Buffer out) {
    int start = out.size;
    try {
      for (int i = 0; i < columns.size(); i++) write(columns.get(i), row, out);
    } catch (RuntimeException e) {
      out.size = start;
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  private static void write(Column column, InternalRow row, Buffer out) {
    int at = column.ordinal;
    boolean absent = row.isNullAt(at);
    if (column.nullable) {
      out.int8(absent ? 1 : 0);
      if (absent) return;
    } else if (absent) {
      throw new IllegalArgumentException(column.name + " is null");
    }
    switch (column.kind) {
      case UUID: {
        byte[] text = row.getUTF8String(at).getBytes();
        if (text.length != 36) throw new IllegalArgumentException(column.name + " is not a uuid");
        out.int64(Uuids.high(text, 0));
        out.int64(Uuids.low(text, 0));
        break;
      }
      case TEXT: out.text(row.getUTF8String(at)); break;
      case MILLIS: out.int64(Math.floorDiv(row.getLong(at), 1000L)); break;
      case IPV4: out.int32(ipv4(row.getUTF8String(at).getBytes())); break;
      case INT64: out.int64(row.getLong(at)); break;
      case INT32: {
        long value = row.getLong(at);
        boolean fits = column.type.contains("UInt32") ? value >= 0 && value < 1L << 32 : value == (int) value;
        if (!fits) throw new IllegalArgumentException(column.name + " is out of range");
        out.int32((int) value);
        break;
      }
      case DECIMAL32: out.int32((int) unscaled(column, row)); break;
      case DECIMAL64: out.int64(unscaled(column, row)); break;
      case FLOAT64: out.int64(Double.doubleToRawLongBits(row.getDouble(at))); break;
      case BOOLEAN: out.int8(row.getBoolean(at) ? 1 : 0); break;
      default: throw new IllegalStateException(column.kind.name());
    }
  }

  private static long unscaled(Column column, InternalRow row) {
    DecimalType type = (DecimalType) column.sparkType;
    return row.getDecimal(column.ordinal, type.precision(), type.scale()).toUnscaledLong();
  }

  private static int ipv4(byte[] text) {
    int address = 0;
    int part = 0;
    for (byte c : text) {
      if (c == '.') {
        address = address << 8 | part;
        part = 0;
      } else {
        part = part * 10 + c - '0';
      }
    }
    return address << 8 | part;
  }

  /** A growing array of bytes, little-endian. */
  static final class Buffer {
    byte[] bytes;
    int size;

    Buffer(int capacity) {
      bytes = new byte[capacity];
    }

    private void need(int more) {
      if (size + more > bytes.length) bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + more));
    }

    void int8(int value) {
      need(1);
      bytes[size++] = (byte) value;
    }

    void int32(int value) {
      need(4);
      for (int shift = 0; shift < 32; shift += 8) bytes[size++] = (byte) (value >>> shift);
    }

    void int64(long value) {
      need(8);
      for (int shift = 0; shift < 64; shift += 8) bytes[size++] = (byte) (value >>> shift);
    }

    /** Appends another buffer's bytes from a position on. */
    void bytes(Buffer other, int from) {
      int length = other.size - from;
      need(length);
      System.arraycopy(other.bytes, from, bytes, size, length);
      size += length;
    }

    void text(UTF8String text) {
      int length = text.numBytes();
      need(length + 5);
      int rest = length;
      for (; rest >= 128; rest >>>= 7) bytes[size++] = (byte) (rest & 127 | 128);
      bytes[size++] = (byte) rest;
      text.writeToMemory(bytes, org.apache.spark.unsafe.Platform.BYTE_ARRAY_OFFSET + size);
      size += length;
    }
  }
}
