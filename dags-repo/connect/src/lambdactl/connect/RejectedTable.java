package lambdactl.connect;

import java.util.ArrayList;
import java.util.List;
import org.apache.iceberg.types.Types;
import org.apache.kafka.connect.sink.SinkRecord;

/** Records of any topic that do not fit their schema, as they came, with the reason. Bytes that are no UTF-8 become U+FFFD. */
final class RejectedTable implements Table {
  private final String name;
  private final List<Column> columns = new ArrayList<>();
  private final String[] names;

  RejectedTable(String name) {
    this.name = name;
    for (String text : List.of("_topic", "_key", "_value", "_error")) columns.add(new Column(text, Types.StringType.get()));
    columns.addAll(ORIGIN);
    names = Table.names(columns);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public List<Column> columns() {
    return columns;
  }

  @Override
  public List<String> partitionedBy() {
    return List.of("day(_time)");
  }

  Row row(SinkRecord record, String error) {
    Object[] row = new Object[names.length];
    row[0] = record.originalTopic();
    row[1] = Table.text(record.key());
    row[2] = Table.text(record.value());
    row[3] = error;
    Table.putOrigin(record, row, 4);
    return new Row(name, names, row);
  }
}
