package lambdactl.lake;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.types.Types;

/** lake.records: every record of every topic as it came. Written by the archive query, read through the contract of its topic. */
final class RecordsTable {
  private RecordsTable() {}

  static final Schema SCHEMA = new Schema(
      Types.NestedField.optional(1, "_topic", Types.StringType.get()),
      Types.NestedField.optional(2, "_key", Types.StringType.get()),
      Types.NestedField.optional(3, "_value", Types.StringType.get()),
      Types.NestedField.optional(4, "_headers", Types.StringType.get(), "JSON object; of CDC topics only"),
      Types.NestedField.optional(5, "_event_date", Types.DateType.get(), "UTC date of the event time, else of _time"),
      Types.NestedField.optional(6, "_kafka_partition", Types.IntegerType.get()),
      Types.NestedField.optional(7, "_offset", Types.LongType.get()),
      Types.NestedField.optional(8, "_time", Types.TimestampType.withZone()));

  /** Made unless it is there, with the properties below. */
  static Table ensure(Lake lake) {
    TableIdentifier identifier = Lake.identifier(lake.config.records);
    if (lake.catalog.tableExists(identifier)) return withProperties(lake.catalog.loadTable(identifier));
    lake.ensureNamespace();
    PartitionSpec spec = PartitionSpec.builderFor(SCHEMA).identity("_topic").identity("_event_date").build();
    try {
      return lake.catalog.createTable(identifier, SCHEMA, spec, properties());
    } catch (AlreadyExistsException e) {
      return lake.catalog.loadTable(identifier);
    }
  }

  /** A table that an earlier version made gets the properties of this one. */
  private static Table withProperties(Table table) {
    Map<String, String> wanted = new LinkedHashMap<>(properties());
    wanted.remove("format-version");
    wanted.entrySet().removeIf(property -> property.getValue().equals(table.properties().get(property.getKey())));
    if (wanted.isEmpty()) return table;
    var update = table.updateProperties();
    wanted.forEach(update::set);
    update.commit();
    return table;
  }

  private static Map<String, String> properties() {
    Map<String, String> properties = new LinkedHashMap<>();
    properties.put("format-version", "2");
    properties.put("write.parquet.compression-codec", "zstd");
    // Bounds what a writer holds: every open file keeps its row group in memory, and the speed layer's heap is small.
    properties.put("write.parquet.row-group-size-bytes", Integer.toString(8 << 20));
    properties.put("write.target-file-size-bytes", Integer.toString(128 << 20));
    properties.put("write.distribution-mode", "none");
    properties.put("write.spark.fanout.enabled", "true");
    properties.put("write.metadata.delete-after-commit.enabled", "true");
    properties.put("write.metadata.previous-versions-max", "20");
    properties.put("commit.retry.num-retries", "20");
    // Bounds of _kafka_partition and _offset say what a file holds; those of the texts would only make manifests bigger.
    for (String text : new String[] {"_key", "_value", "_headers"}) properties.put("write.metadata.metrics.column." + text, "none");
    return properties;
  }
}
