package lambdactl.lake;

import java.util.Arrays;
import org.apache.iceberg.Table;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.spark.SparkCatalog;
import org.apache.iceberg.util.SnapshotUtil;
import org.apache.spark.sql.connector.catalog.Identifier;

/**
 * Spark's catalog `lake`, whose one namespace is called `lake` too: lake.user_events is the same table as lake.lake.user_events.
 * While a query runs as of a time, every table is as it was then.
 */
public final class LakeCatalog extends SparkCatalog {
  /** Epoch milliseconds; null is now. One query runs in a JVM. */
  private static volatile Long asOf;

  static void asOf(Long epochMs) {
    asOf = epochMs;
  }

  @Override
  public org.apache.spark.sql.connector.catalog.Table loadTable(Identifier given) throws org.apache.spark.sql.catalyst.analysis.NoSuchTableException {
    Identifier identifier = within(given);
    Long time = asOf;
    if (time == null || identifier.namespace().length != 1) return super.loadTable(identifier);
    return super.loadTable(identifier, Long.toString(snapshotAt(identifier.name(), time)));
  }

  @Override
  public org.apache.spark.sql.connector.catalog.Table loadTable(Identifier given, String version)
      throws org.apache.spark.sql.catalyst.analysis.NoSuchTableException {
    return super.loadTable(within(given), version);
  }

  @Override
  public org.apache.spark.sql.connector.catalog.Table loadTable(Identifier given, long timestampMicros)
      throws org.apache.spark.sql.catalyst.analysis.NoSuchTableException {
    return super.loadTable(within(given), timestampMicros);
  }

  private long snapshotAt(String name, long time) throws org.apache.spark.sql.catalyst.analysis.NoSuchTableException {
    try {
      Table table = icebergCatalog().loadTable(Lake.identifier(name));
      return SnapshotUtil.snapshotIdAsOfTime(table, time);
    } catch (NoSuchTableException e) {
      throw new org.apache.spark.sql.catalyst.analysis.NoSuchTableException(Identifier.of(new String[] {LakeConfig.NAMESPACE}, name));
    } catch (IllegalArgumentException e) {
      throw new LakeException("BAD_DATE", "lake." + name + " has no snapshot of "
          + java.time.Instant.ofEpochMilli(time) + " or before: it was made later, or the snapshot has expired.");
    }
  }

  private static Identifier within(Identifier identifier) {
    String[] namespace = identifier.namespace();
    if (namespace.length > 0 && namespace[0].equals(LakeConfig.NAMESPACE)) return identifier;
    String[] longer = new String[namespace.length + 1];
    longer[0] = LakeConfig.NAMESPACE;
    System.arraycopy(namespace, 0, longer, 1, namespace.length);
    return Identifier.of(Arrays.copyOf(longer, longer.length), identifier.name());
  }
}
