package lambdactl.lake;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lambdactl.lake.LakeConfig.TableConfig;
import lambdactl.speed.Contract;
import lambdactl.speed.Functions;
import org.apache.spark.sql.SparkSession;

/** The tables of docs/batch-layer.md as views over lake.records, read by the same contract as the speed layer's. */
public final class RawViews {
  private RawViews() {}

  /** One temporary view a topic and one of what was rejected, under the names of the tables. */
  public static void create(SparkSession spark, LakeConfig config, Path schemas) throws IOException {
    List<String> rejected = new ArrayList<>();
    for (TableConfig table : config.tables) {
      Contract contract = Contract.read(schemas, table.schema());
      int number = Contract.register(contract);
      String parse = "contract_" + table.name();
      Functions.register(spark, parse, Contract.class, contract.type, "parse");
      String parsed = "SELECT *, " + parse + "(CAST(_value AS BINARY), " + number + ") AS e FROM " + records(config)
          + " WHERE _topic = '" + table.topic() + "'";
      spark.sql(table.changes() ? changes(table, contract, parsed) : events(contract, parsed)).createOrReplaceTempView(table.name());
      rejected.add("SELECT _topic, _key, _value, e." + Contract.ERROR + " AS _error, _kafka_partition, _offset, _time FROM (" + parsed
          + ") WHERE e." + Contract.ERROR + " IS NOT NULL" + (table.changes() ? " AND _value IS NOT NULL" : ""));
    }
    spark.sql(String.join(" UNION ALL ", rejected)).createOrReplaceTempView(config.rejected);
  }

  private static String records(LakeConfig config) {
    return LakeConfig.CATALOG + "." + LakeConfig.NAMESPACE + "." + config.records;
  }

  private static List<String> fields(Contract contract) {
    return List.of(contract.type.fieldNames()).stream().filter(name -> !name.equals(Contract.ERROR)).toList();
  }

  private static String events(Contract contract, String parsed) {
    String fields = fields(contract).stream().map(name -> "e." + name).collect(Collectors.joining(", "));
    return "SELECT " + fields + ", _kafka_partition, _offset, _time FROM (" + parsed + ") WHERE e." + Contract.ERROR + " IS NULL";
  }

  /** A tombstone is a delete, of which only the key is known. */
  private static String changes(TableConfig table, Contract contract, String parsed) {
    String fields = fields(contract).stream()
        .map(name -> name.equals(table.key()) ? "if(_value IS NULL, _key, e." + name + ") AS " + name : "e." + name)
        .collect(Collectors.joining(", "));
    return "SELECT " + fields + ", if(_value IS NULL, 'd', get_json_object(_headers, '$.__op')) AS _op, "
        + "CAST(get_json_object(_headers, '$.__source_lsn') AS BIGINT) AS _lsn, "
        + "timestamp_millis(CAST(get_json_object(_headers, '$.__source_ts_ms') AS BIGINT)) AS _source_time, "
        + "_kafka_partition, _offset, _time FROM (" + parsed + ") WHERE _value IS NULL OR e." + Contract.ERROR + " IS NULL";
  }

  /** lake.user_events → user_events: a view has no namespace. Text and comments are left as they are. */
  static String unqualified(String sql, LakeConfig config) {
    String names = config.tables.stream().map(TableConfig::name).collect(Collectors.joining("|")) + "|" + config.rejected;
    Pattern pattern = Pattern.compile("'(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\"|--[^\\n]*|/\\*.*?\\*/"
        + "|(?<![\\w.`])(?:`?lake`?\\s*\\.\\s*){1,2}`?(" + names + ")`?(?![\\w.`])", Pattern.DOTALL | Pattern.CASE_INSENSITIVE);
    return pattern.matcher(sql).replaceAll(match ->
        Matcher.quoteReplacement(match.group(1) == null ? match.group() : match.group(1)));
  }
}
