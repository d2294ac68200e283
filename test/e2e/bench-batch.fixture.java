package lambdactl.lake;

import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.parquet.Parquet;

/** Replaces one file of lake.user_events by one without `dropped` rows, with `doubled` twice, `altered` changed and `planted` of ids of its own. */
final class TamperFixture {
  /** Arguments: conf file of the lake tool, dropped, doubled, altered, planted. */
  public static void main(String[] args) throws Exception {
    int dropped = Integer.parseInt(args[1]);
    int doubled = Integer.parseInt(args[2]);
    int altered = Integer.parseInt(args[3]);
    int planted = Integer.parseInt(args[4]);
    try (Lake lake = Lake.open(new LakeConfig(LakeConfig.read(Path.of(args[0])).path("lake")))) {
      Table table = lake.load("user_events");
      DataFile file = largest(table);
      List<Record> rows = read(table, file);
      List<Record> kept = new ArrayList<>(rows.subList(dropped, rows.size()));
      for (int i = 0; i < doubled; i++) kept.add(kept.get(i).copy());
      for (int i = doubled; i < doubled + altered; i++) kept.get(i).setField("browser", "Netscape");
      for (int i = 0; i < planted; i++) {
        Record alien = kept.get(doubled + altered + i).copy();
        alien.setField("event_id", UUID.randomUUID().toString());
        kept.add(alien);
      }
      table.newOverwrite().deleteFile(file).addFile(write(table, file, kept)).commit();
      System.out.println(rows.size() + " -> " + kept.size());
    }
  }

  /** Of those whose rows' times keep the rules: what breaks them is counted by place alone. */
  private static DataFile largest(Table table) throws Exception {
    DataFile largest = null;
    try (CloseableIterable<FileScanTask> tasks = table.newScan().planFiles()) {
      for (FileScanTask task : tasks) {
        if ((largest == null || task.file().recordCount() > largest.recordCount()) && inTime(read(table, task.file()))) largest = task.file();
      }
    }
    return largest;
  }

  private static boolean inTime(List<Record> rows) {
    return rows.stream().allMatch(row -> Duration.between((OffsetDateTime) row.getField("timestamp"), (OffsetDateTime) row.getField("_time")).abs()
        .compareTo(Duration.ofMinutes(1)) < 0);
  }

  private static List<Record> read(Table table, DataFile file) throws Exception {
    List<Record> rows = new ArrayList<>();
    try (CloseableIterable<Record> records = Parquet.read(table.io().newInputFile(file)).project(table.schema())
        .createReaderFunc(type -> GenericParquetReaders.buildReader(table.schema(), type)).build()) {
      for (Record record : records) rows.add(record);
    }
    return rows;
  }

  private static DataFile write(Table table, DataFile old, List<Record> rows) throws Exception {
    String location = table.locationProvider().newDataLocation("tampered-" + UUID.randomUUID() + ".parquet");
    DataWriter<Record> writer = Parquet.writeData(table.io().newOutputFile(location)).forTable(table)
        .createWriterFunc(type -> GenericParquetWriter.create(table.schema(), type)).overwrite()
        .withSpec(table.specs().get(old.specId())).withPartition(old.partition()).build();
    try (writer) {
      for (Record row : rows) writer.write(row);
    }
    return writer.toDataFile();
  }
}
