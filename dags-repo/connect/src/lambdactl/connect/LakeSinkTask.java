package lambdactl.connect;

import java.util.AbstractCollection;
import java.util.Collection;
import java.util.Iterator;
import java.util.Map;
import org.apache.iceberg.connect.IcebergSinkTask;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * The sink's task, with records turned into rows on their way in. Here and not in a transform: a transform would hold every batch
 * twice, and one declaration serves the connector, which makes the tables, and the tasks.
 */
public final class LakeSinkTask extends IcebergSinkTask {
  private Lake lake;

  @Override
  public void start(Map<String, String> props) {
    lake = Lake.of(props);
    super.start(props);
  }

  @Override
  public void put(Collection<SinkRecord> records) {
    super.put(new Rows(records));
  }

  private SinkRecord row(SinkRecord record) {
    TopicTable table = lake.byTopic().get(record.originalTopic());
    // Subscribed to, but not declared: better to stop here than to pass over records.
    if (table == null) throw new ConnectException("no table is declared for the topic " + record.originalTopic());
    Row row = table.row(record, lake.rejected());
    return record.newRecord(record.topic(), record.kafkaPartition(), null, null, null, row, record.timestamp());
  }

  /** Made while the sink walks through them, so that a row lives no longer than it takes to write it. */
  private final class Rows extends AbstractCollection<SinkRecord> {
    private final Collection<SinkRecord> records;

    Rows(Collection<SinkRecord> records) {
      this.records = records;
    }

    @Override
    public Iterator<SinkRecord> iterator() {
      Iterator<SinkRecord> each = records.iterator();
      return new Iterator<>() {
        @Override
        public boolean hasNext() {
          return each.hasNext();
        }

        @Override
        public SinkRecord next() {
          return row(each.next());
        }
      };
    }

    @Override
    public int size() {
      return records.size();
    }
  }
}
