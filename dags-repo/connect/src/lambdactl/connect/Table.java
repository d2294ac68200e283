package lambdactl.connect;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.apache.kafka.connect.sink.SinkRecord;

/** A table of the lake: its columns, and how a record becomes a row of it. */
interface Table {
  record Column(String name, Type type) {}

  /** Where a row came from; the last columns of every table. */
  List<Column> ORIGIN = List.of(new Column("_kafka_partition", Types.IntegerType.get()), new Column("_offset", Types.LongType.get()),
      new Column("_time", Types.TimestampType.withZone()));

  String name();

  List<Column> columns();

  /** Iceberg transforms: "day(column)" or the column itself. */
  List<String> partitionedBy();

  /** Columns that are written without a dictionary: of values that hardly repeat it costs more than the values, a fifth of all work. */
  default List<String> plain() {
    return List.of("_offset", "_time");
  }

  static void putOrigin(SinkRecord record, Object[] row, int at) {
    row[at] = record.originalKafkaPartition();
    row[at + 1] = record.originalKafkaOffset();
    row[at + 2] = record.timestamp() == null ? null : Times.ofMillis(record.timestamp());
  }

  static String text(Object bytes) {
    return bytes == null ? null : new String((byte[]) bytes, StandardCharsets.UTF_8);
  }

  static String[] names(List<Column> columns) {
    return columns.stream().map(Column::name).toArray(String[]::new);
  }

}
