package lambdactl.connect;

import java.util.ArrayList;
import java.util.List;
import org.apache.iceberg.types.Types;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.sink.SinkRecord;

/** The table of one topic: its fields, for captured database tables what was done to the row and when, and the record's origin. */
final class TopicTable implements Table {
  private static final List<Column> CHANGE = List.of(new Column("_op", Types.StringType.get()), new Column("_lsn", Types.LongType.get()),
      new Column("_source_time", Types.TimestampType.withZone()));

  private final String name;
  private final String topic;
  private final List<String> plain = new ArrayList<>(Table.super.plain());
  private final List<String> partitionedBy;
  private final List<Column> columns = new ArrayList<>();
  private final String[] names;
  private final Contract contract;
  private final int fields;
  /** Index of the key's field where the topic holds changes, else -1. */
  private final int key;

  /** @param keyField the field that is the record's key where the topic holds changes of a database table, else null */
  TopicTable(String name, String topic, String keyField, List<String> partitionedBy, List<Field> properties) {
    this.name = name;
    this.topic = topic;
    this.partitionedBy = partitionedBy;
    this.contract = new Contract(properties);
    this.fields = properties.size();
    int index = -1;
    for (Field field : properties) {
      columns.add(new Column(field.name(), field.column()));
      if (field.name().equals(keyField)) index = field.index();
      if (field.hardlyRepeats()) plain.add(field.name());
    }
    this.key = index;
    if (keyField != null) {
      if (index < 0) throw new IllegalArgumentException(name + ": the schema has no field '" + keyField + "'");
      columns.addAll(CHANGE);
    }
    columns.addAll(ORIGIN);
    this.names = Table.names(columns);
  }

  @Override
  public String name() {
    return name;
  }

  String topic() {
    return topic;
  }

  @Override
  public List<Column> columns() {
    return columns;
  }

  @Override
  public List<String> partitionedBy() {
    return partitionedBy;
  }

  @Override
  public List<String> plain() {
    return plain;
  }

  Row row(SinkRecord record, RejectedTable rejected) {
    Object[] row = new Object[names.length];
    String error = null;
    boolean deleted = key >= 0 && record.value() == null && record.key() != null;
    if (deleted) row[key] = Table.text(record.key());
    else error = contract.read((byte[]) record.value(), row);
    if (error == null && key >= 0) error = readChange(record, deleted, row);
    if (error != null) return rejected.row(record, error);
    Table.putOrigin(record, row, names.length - ORIGIN.size());
    return new Row(name, names, row);
  }

  /** From the headers that the capturing connector adds. @return null or "class: text" */
  private String readChange(SinkRecord record, boolean deleted, Object[] row) {
    try {
      String operation = header(record, "__op");
      String lsn = header(record, "__source_lsn");
      String time = header(record, "__source_ts_ms");
      row[fields] = deleted ? "d" : operation;
      row[fields + 1] = lsn == null ? null : Long.valueOf(lsn);
      row[fields + 2] = time == null ? null : Times.ofMillis(Long.parseLong(time));
      return null;
    } catch (NumberFormatException e) {
      return "malformed: header " + e.getMessage();
    }
  }

  private static String header(SinkRecord record, String name) {
    Header header = record.headers().lastWithName(name);
    return header == null ? null : Table.text(header.value());
  }
}
