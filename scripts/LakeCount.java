import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.SupportsNamespaces;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;

/**
 * Reads every row of the lake and prints, as one JSON object, how many rows and how many different offsets each topic's partition has,
 * in its table and in the rejected one together. For scripts/lake-kill-sweep.ts.
 *
 * <p>Arguments: NAMESPACE REJECTED TABLE=TOPIC… ; the catalog's properties by environment, LAKE_CATALOG_x_y for x.y ("-" is "__").
 */
public final class LakeCount {
  private static final class Seen {
    final BitSet offsets = new BitSet();
    long rows;
  }

  public static void main(String[] args) throws Exception {
    Map<String, String> properties = new HashMap<>();
    String prefix = "LAKE_CATALOG_";
    System.getenv().forEach((name, value) -> {
      if (name.startsWith(prefix)) properties.put(name.substring(prefix.length()).replace("__", "-").replace('_', '.'), value);
    });
    Catalog catalog = CatalogUtil.buildIcebergCatalog("lake", properties, null);
    Namespace namespace = Namespace.of(args[0]);
    Map<String, Seen> seen = new TreeMap<>();
    if (((SupportsNamespaces) catalog).namespaceExists(namespace)) {
      count(catalog.loadTable(TableIdentifier.of(namespace, args[1])), null, seen);
      for (int i = 2; i < args.length; i++) {
        String[] pair = args[i].split("=");
        count(catalog.loadTable(TableIdentifier.of(namespace, pair[0])), pair[1], seen);
      }
    }
    StringBuilder json = new StringBuilder("{");
    seen.forEach((name, each) -> json.append(json.length() > 1 ? "," : "").append('"').append(name).append("\":{\"rows\":")
        .append(each.rows).append(",\"offsets\":").append(each.offsets.cardinality()).append('}'));
    System.out.println(json.append('}'));
  }

  private static void count(Table table, String topic, Map<String, Seen> seen) throws Exception {
    IcebergGenerics.ScanBuilder scan = IcebergGenerics.read(table);
    scan = topic == null ? scan.select("_topic", "_kafka_partition", "_offset") : scan.select("_kafka_partition", "_offset");
    try (CloseableIterable<Record> records = scan.build()) {
      for (Record record : records) {
        String of = topic == null ? (String) record.getField("_topic") : topic;
        Seen partition = seen.computeIfAbsent(of + "/" + record.getField("_kafka_partition"), name -> new Seen());
        partition.rows++;
        partition.offsets.set(Math.toIntExact((Long) record.getField("_offset")));
      }
    }
  }
}
