package lambdactl.lake;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.Snapshot;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ParsedStatement;
import org.apache.spark.sql.types.StructField;

/** One reading statement on the lake. Rows are emitted in pieces: {"event":"rows","rows":[[…], …]}. */
final class LakeQuery {
  private static final int PIECE = 500;

  private LakeQuery() {}

  static Map<String, Object> run(Lake lake, JsonNode settings, String sql, String asOf, int maxRows) throws Exception {
    Long time = asOf == null ? null : timeOf(lake, asOf);
    SparkSession spark = LakeSession.open(settings, lake.config);
    long started = System.currentTimeMillis();
    LakeCatalog.asOf(time);
    try {
      String statement = sql;
      if (lake.config.raw) {
        RawViews.create(spark, lake.config, Path.of(settings.path("schemasDir").asText()));
        statement = RawViews.unqualified(sql, lake.config);
      }
      requireReading(spark, statement);
      return answer(spark.sql(statement), maxRows, started, time);
    } catch (ParseException e) {
      throw new LakeException("BAD_SQL", LakeException.oneLine(e));
    } catch (Exception e) {
      // Spark's Scala methods throw it without declaring it.
      if (e instanceof AnalysisException analysis) throw new LakeException("BAD_SQL", firstLine(analysis.getSimpleMessage()));
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        if (cause instanceof LakeException known) throw known;
        if (cause instanceof ArithmeticException || cause instanceof org.apache.spark.SparkRuntimeException
            || cause instanceof org.apache.spark.SparkDateTimeException || cause instanceof org.apache.spark.SparkNumberFormatException) {
          throw new LakeException("BAD_SQL", firstLine(cause.getMessage()));
        }
      }
      throw e;
    }
  }

  private static String firstLine(String text) {
    String line = text.strip().lines().findFirst().orElse("").strip();
    return line.replaceFirst(" SQLSTATE: \\w+(; line.*)?$", "$1");
  }

  /** Reading, that is SELECT and the like, SHOW, DESCRIBE and EXPLAIN. */
  private static void requireReading(SparkSession spark, String sql) throws ParseException {
    LogicalPlan plan = ((org.apache.spark.sql.classic.SparkSession) spark).sessionState().sqlParser().parsePlan(sql);
    String name = plan.getClass().getSimpleName();
    if (name.startsWith("Show") || name.startsWith("Describe") || name.startsWith("Explain")) return;
    scala.Option<LogicalPlan> writing = plan.find(node -> node instanceof Command || node instanceof ParsedStatement);
    if (writing.isDefined()) {
      throw new LakeException("BAD_SQL", "Only reading is possible here, not " + writing.get().getClass().getSimpleName() + ".");
    }
  }

  /** Epoch milliseconds of an instant, a date (its end) or a snapshot's commit. */
  private static long timeOf(Lake lake, String asOf) {
    if (asOf.matches("\\d{15,}")) {
      long id = parse(asOf);
      for (String name : lake.names()) {
        Snapshot snapshot = lake.load(name).snapshot(id);
        if (snapshot != null) return snapshot.timestampMillis();
      }
      throw new LakeException("BAD_DATE", "No table of the lake has a snapshot " + asOf + "; `lambdactl lake snapshots TABLE` lists them.");
    }
    try {
      if (asOf.matches("\\d{4}-\\d{2}-\\d{2}")) return LocalDate.parse(asOf).plusDays(1).atStartOfDay().toInstant(ZoneOffset.UTC).toEpochMilli() - 1;
      String text = asOf.replace(' ', 'T');
      return text.matches(".*(Z|[+-]\\d{2}:\\d{2})$") ? OffsetDateTime.parse(text).toInstant().toEpochMilli() : Instant.parse(text + "Z").toEpochMilli();
    } catch (DateTimeParseException e) {
      throw new LakeException("BAD_DATE", asOf + " is no time; expected e.g. 2026-11-21T10:00:00Z, 2026-11-21 (its end, UTC) or a snapshot's id.");
    }
  }

  private static long parse(String id) {
    try {
      return Long.parseLong(id);
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  private static Map<String, Object> answer(Dataset<Row> rows, int maxRows, long started, Long time) {
    List<Map<String, String>> columns = new ArrayList<>();
    for (StructField field : rows.schema().fields()) columns.add(Map.of("name", field.name(), "type", field.dataType().sql()));
    List<Row> found = rows.limit(maxRows + 1).collectAsList();
    List<List<Object>> piece = new ArrayList<>();
    int count = Math.min(found.size(), maxRows);
    for (int i = 0; i < count; i++) {
      List<Object> row = new ArrayList<>();
      for (int c = 0; c < columns.size(); c++) row.add(value(found.get(i).get(c)));
      piece.add(row);
      if (piece.size() == PIECE || i == count - 1) {
        Out.emit("rows", Map.of("rows", piece));
        piece.clear();
      }
    }
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("columns", columns);
    result.put("rowCount", count);
    result.put("truncated", found.size() > maxRows);
    result.put("asOf", time == null ? null : Instant.ofEpochMilli(time).toString());
    result.put("queryMs", System.currentTimeMillis() - started);
    return result;
  }

  /** As JSON holds it without loss: decimals and great integers as text, times as ISO 8601. */
  private static Object value(Object value) {
    if (value == null || value instanceof Boolean || value instanceof String) return value;
    if (value instanceof BigDecimal decimal) return decimal.toPlainString();
    if (value instanceof Long number) return Math.abs(number) <= 1L << 53 ? number : number.toString();
    if (value instanceof Double || value instanceof Float) {
      double number = ((Number) value).doubleValue();
      return Double.isFinite(number) ? value : value.toString();
    }
    if (value instanceof Number) return value;
    if (value instanceof java.sql.Timestamp time) return time.toInstant().toString();
    if (value instanceof byte[] bytes) return new String(bytes, StandardCharsets.UTF_8);
    if (value instanceof Row row) {
      Map<String, Object> fields = new LinkedHashMap<>();
      for (int i = 0; i < row.length(); i++) fields.put(row.schema().fieldNames()[i], value(row.get(i)));
      return fields;
    }
    if (value instanceof scala.collection.Map<?, ?> map) {
      Map<String, Object> entries = new LinkedHashMap<>();
      scala.jdk.javaapi.CollectionConverters.asJava(map).forEach((k, v) -> entries.put(String.valueOf(k), value(v)));
      return entries;
    }
    if (value instanceof scala.collection.Iterable<?> items) {
      List<Object> list = new ArrayList<>();
      scala.jdk.javaapi.CollectionConverters.asJava(items).forEach(item -> list.add(value(item)));
      return list;
    }
    return value.toString();
  }
}
