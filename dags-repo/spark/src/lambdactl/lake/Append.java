package lambdactl.lake;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import lambdactl.lake.LakeConfig.TableConfig;
import lambdactl.speed.Contract;
import lambdactl.speed.Functions;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Rows that came by no topic, straight into a table, in one commit: all of them or none. A file of lines "NUMBER TAB JSON", numbered from
 * 0, each checked beforehand. Their partition is -1, their time that of the event, so that the batch job takes them for punctual.
 */
final class Append {
  static final int PARTITION = -1;

  private Append() {}

  static Map<String, Object> run(Lake lake, JsonNode settings, String name, String file) throws Exception {
    String bare = name.startsWith("lake.") ? name.substring(5) : name;
    TableConfig table = lake.config.tables.stream().filter(t -> t.name().equals(bare) && !t.changes()).findFirst().orElseThrow(() ->
        new LakeException("UNKNOWN_TABLE", "Rows can be put into " + lake.config.tables.stream().filter(t -> !t.changes())
            .map(t -> "lake." + t.name()).collect(Collectors.joining(", ")) + ", not into " + name + "."));
    if (lake.config.raw) RecordsTable.ensure(lake);
    long first = lake.config.raw || lake.names().contains(bare) ? nextOffset(lake, table.topic()) : 0;
    SparkSession spark = LakeSession.open(settings, lake.config);
    Contract contract = Contract.read(Path.of(settings.path("schemasDir").asText()), table.schema());
    Functions.register(spark, "contract_append", Contract.class, contract.type, "parse");
    spark.read().text(file).createOrReplaceTempView("appended_lines");
    spark.sql("SELECT CAST(substring_index(value, '\t', 1) AS BIGINT) AS n, substr(value, instr(value, '\t') + 1) AS json FROM appended_lines")
        .createOrReplaceTempView("appended_json");
    spark.sql("SELECT n, json, contract_append(CAST(json AS BINARY), " + Contract.register(contract) + ") AS e FROM appended_json")
        .createOrReplaceTempView("appended");
    List<Row> wrong = spark.sql("SELECT n, e." + Contract.ERROR + " FROM appended WHERE e." + Contract.ERROR + " IS NOT NULL ORDER BY n LIMIT 1")
        .collectAsList();
    if (!wrong.isEmpty()) throw new LakeException("ROWS_INVALID", "Row " + (wrong.get(0).getLong(0) + 1) + ": " + wrong.get(0).getString(1));
    Dataset<Row> rows = spark.sql(lake.config.raw ? raw(table, first) : typed(table, contract, first));
    String target = LakeConfig.CATALOG + "." + LakeConfig.NAMESPACE + "." + (lake.config.raw ? lake.config.records : bare);
    rows.writeTo(target).option("fanout-enabled", "true").append();
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("table", bare);
    report.put("rows", spark.table("appended_json").count());
    report.put("firstOffset", first);
    return report;
  }

  private static long nextOffset(Lake lake, String topic) {
    return new LakeOffsets(lake, false).refresh().next().getOrDefault(topic, new TreeMap<>()).getOrDefault(PARTITION, 0L);
  }

  private static String typed(TableConfig table, Contract contract, long first) {
    String fields = List.of(contract.type.fieldNames()).stream().filter(field -> !field.equals(Contract.ERROR))
        .map(field -> "e." + field).collect(Collectors.joining(", "));
    return "SELECT " + fields + ", " + PARTITION + " AS _kafka_partition, " + first + " + n AS _offset, e." + table.time() + " AS _time FROM appended";
  }

  private static String raw(TableConfig table, long first) {
    return "SELECT '" + table.topic() + "' AS _topic, e." + table.key() + " AS _key, json AS _value, CAST(NULL AS STRING) AS _headers, "
        + "CAST(e." + table.time() + " AS DATE) AS _event_date, " + PARTITION + " AS _kafka_partition, " + first + " + n AS _offset, e."
        + table.time() + " AS _time FROM appended";
  }
}
