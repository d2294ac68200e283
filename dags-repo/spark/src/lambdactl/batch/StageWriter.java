package lambdactl.batch;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.Schema;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.spark.SparkSchemaUtil;
import org.apache.iceberg.spark.data.SparkParquetWriters;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/** Writes the rows of one table: a Parquet file a task, and one for its rejected records where it has any. */
final class StageWriter implements Serializable {
  private static final long serialVersionUID = 1;
  /** A task holds one row group in memory while it writes. */
  private static final String ROW_GROUP_BYTES = Integer.toString(16 << 20);

  private final Map<String, String> storage;
  private final String topic;
  private final boolean changes;
  private final String directory;
  /** Of the rejected records' files, up to the task's number. */
  private final String rejectedPrefix;
  private final Shape shape;
  private final Broadcast<Verdicts> verdicts;

  StageWriter(Settings settings, TableSpec table, Shape shape, Broadcast<Verdicts> verdicts) {
    storage = settings.catalog;
    topic = table.topic();
    changes = table.changes();
    directory = Stage.directory(settings, table.name());
    rejectedPrefix = Stage.directory(settings, Stage.REJECTED) + table.name() + "-";
    this.shape = shape;
    this.verdicts = verdicts;
  }

  Iterator<Written> write(int task, Iterator<InternalRow> rows) throws IOException {
    String name = String.format("%05d.parquet", task);
    Written written = new Written();
    try (Appender good = new Appender(directory + "part-" + name, shape.file()); Appender bad = new Appender(rejectedPrefix + name,
        Shape.REJECTED)) {
      Verdicts known = verdicts.value();
      while (rows.hasNext()) {
        InternalRow row = rows.next();
        int partition = row.getInt(shape.partition());
        long offset = row.getLong(shape.offset());
        written.read(partition, offset);
        if (!row.isNullAt(shape.error())) {
          String error = row.getUTF8String(shape.error()).toString();
          written.rejected.merge(Stage.errorClass(error), 1L, Long::sum);
          bad.add(rejected(row, error));
        } else if (known.loses(partition, offset)) {
          written.superseded++;
        } else {
          Long deletedAt = changes ? known.deletedAt(partition, offset) : null;
          good.add(deletedAt == null ? row : deleted(row, deletedAt));
        }
      }
      written.rows = good.rows;
      good.close();
      bad.close();
      if (good.rows > 0) written.file(good.path, good.rows, good.bytes);
    }
    return List.of(written).iterator();
  }

  private InternalRow rejected(InternalRow row, String error) {
    return new GenericInternalRow(new Object[] {UTF8String.fromString(topic), row.getInt(shape.partition()), row.getLong(shape.offset()),
        row.getLong(shape.time()), row.isNullAt(shape.id()) ? null : row.getUTF8String(shape.id()),
        UTF8String.fromString(Stage.errorClass(error)), UTF8String.fromString(error),
        row.isNullAt(shape.value()) ? null : row.getUTF8String(shape.value())});
  }

  private InternalRow deleted(InternalRow row, long at) {
    StructType type = shape.file();
    Object[] values = new Object[type.size()];
    for (int i = 0; i < values.length; i++) {
      DataType field = type.fields()[i].dataType();
      values[i] = row.isNullAt(i) ? null : row.get(i, field);
    }
    values[type.fieldIndex("is_deleted")] = true;
    values[type.fieldIndex("source_time")] = at;
    return new GenericInternalRow(values);
  }

  /** A file that is begun with its first row. */
  private final class Appender implements AutoCloseable {
    final String path;
    final StructType type;
    FileAppender<InternalRow> file;
    long rows;
    long bytes;

    Appender(String path, StructType type) {
      this.path = path;
      this.type = type;
    }

    void add(InternalRow row) {
      if (file == null) open();
      file.add(row);
      rows++;
    }

    private void open() {
      Schema schema = SparkSchemaUtil.convert(type);
      try {
        file = Parquet.write(Stage.storage(storage).newOutputFile(path)).schema(schema).overwrite()
            .set(TableProperties.PARQUET_COMPRESSION, "snappy").set(TableProperties.PARQUET_ROW_GROUP_SIZE_BYTES, ROW_GROUP_BYTES)
            .createWriterFunc(parquet -> SparkParquetWriters.buildWriter(type, parquet)).build();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void close() throws IOException {
      if (file == null) return;
      FileAppender<InternalRow> open = file;
      file = null;
      open.close();
      bytes = open.length();
    }
  }
}
