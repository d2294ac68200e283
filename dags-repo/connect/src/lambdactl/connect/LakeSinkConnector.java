package lambdactl.connect;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.connect.IcebergSinkConnector;
import org.apache.iceberg.util.PropertyUtil;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.ConnectException;

/** The Iceberg sink for a declared lake: makes the tables before any task writes, then is the sink it extends. */
public final class LakeSinkConnector extends IcebergSinkConnector {
  private static final String CATALOG = "iceberg.catalog";
  private static final String TABLE_PROPERTIES = "lake.table-props.";
  private static final AtomicBoolean cleaned = new AtomicBoolean();

  @Override
  public void start(Map<String, String> props) {
    Lake lake = Lake.of(props);
    if (cleaned.compareAndSet(false, true)) removeStaged();
    List<Table> tables = new ArrayList<>(lake.tables());
    tables.add(lake.rejected());
    Map<String, String> settings = PropertyUtil.propertiesWithPrefix(props, CATALOG + ".");
    Catalog catalog = CatalogUtil.buildIcebergCatalog(props.getOrDefault(CATALOG, "iceberg"), settings, null);
    try {
      new Tables(catalog, lake.namespace(), PropertyUtil.propertiesWithPrefix(props, TABLE_PROPERTIES)).ensure(tables);
    } finally {
      close(catalog);
    }
    super.start(props);
  }

  @Override
  public Class<? extends Task> taskClass() {
    return LakeSinkTask.class;
  }

  private static void close(Catalog catalog) {
    if (!(catalog instanceof AutoCloseable closeable)) return;
    try {
      closeable.close();
    } catch (Exception e) {
      throw new ConnectException("the catalog does not close", e);
    }
  }

  /** What a killed worker had staged on its way to the object store; this one, at its start, has staged nothing yet. */
  private static void removeStaged() {
    Path directory = Path.of(System.getProperty("java.io.tmpdir"));
    try (DirectoryStream<Path> staged = Files.newDirectoryStream(directory, "s3fileio-*.tmp")) {
      for (Path file : staged) Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
