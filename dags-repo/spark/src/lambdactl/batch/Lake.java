package lambdactl.batch;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import lambdactl.lake.LakeConfig;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.StaticTableOperations;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.spark.source.SparkTable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import scala.Option;

/** The lake's tables, each as it was when the job first looked: the archive goes on committing. */
final class Lake {
  private static final Map<String, String> READ = Map.of(
      // Small, so that one day's files feed every task.
      "split-size", "16777216",
      // Files count as this large at least: many small files of an archive make few splits.
      "file-open-cost", "262144");
  private final SparkSession spark;
  private final Catalog catalog;
  private final Map<String, Dataset<Row>> read = new HashMap<>();
  private final TreeMap<String, Long> snapshots = new TreeMap<>();

  Lake(SparkSession spark, Map<String, String> properties) {
    this.spark = spark;
    catalog = CatalogUtil.buildIcebergCatalog(LakeConfig.CATALOG, properties, new Configuration());
  }

  /** Null when nothing was archived into it yet. */
  Dataset<Row> table(String name) {
    if (!read.containsKey(name)) read.put(name, load(name));
    return read.get(name);
  }

  private Dataset<Row> load(String name) {
    BaseTable table;
    try {
      table = (BaseTable) catalog.loadTable(TableIdentifier.of(Namespace.of(LakeConfig.NAMESPACE), name));
    } catch (NoSuchTableException e) {
      return null;
    }
    TableMetadata metadata = table.operations().current();
    if (metadata.currentSnapshot() == null) return null;
    snapshots.put(name, metadata.currentSnapshot().snapshotId());
    // Of this moment: every pass over the table reads the same snapshot, whatever is committed meanwhile.
    BaseTable fixed = new BaseTable(new StaticTableOperations(metadata, table.io()), table.name());
    DataSourceV2Relation relation = DataSourceV2Relation.create(new SparkTable(fixed), Option.empty(), Option.empty(),
        new CaseInsensitiveStringMap(READ), Option.empty());
    return org.apache.spark.sql.classic.Dataset.ofRows((org.apache.spark.sql.classic.SparkSession) spark, relation);
  }

  /** Snapshot that was read, by table. */
  Map<String, Long> snapshots() {
    return snapshots;
  }
}
