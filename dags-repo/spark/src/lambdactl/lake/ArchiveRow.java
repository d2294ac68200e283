package lambdactl.lake;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import lambdactl.lake.LakeConfig.TableConfig;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.unsafe.types.UTF8String;

/** Columns of lake.records that Spark's own functions do not give; called by its generated code. */
public final class ArchiveRow {
  private static final long DAY_MICROS = 86_400_000_000L;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static volatile Map<UTF8String, TopicKind> kinds = Map.of();

  /** @param time name of the event time's field, null where there is none */
  private record TopicKind(byte[] time, boolean changes) {}

  private ArchiveRow() {}

  static void configure(LakeConfig config) {
    Map<UTF8String, TopicKind> map = new HashMap<>();
    for (TableConfig table : config.tables) {
      byte[] time = table.time() == null ? null : table.time().getBytes(StandardCharsets.UTF_8);
      map.put(UTF8String.fromString(table.topic()), new TopicKind(time, table.changes()));
    }
    kinds = map;
  }

  /** Days since 1970 of the event time, or of the record's time where it has none that can be read. */
  public static int eventDate(UTF8String topic, byte[] value, long recordMicros) {
    TopicKind kind = kinds.get(topic);
    int day = kind == null || kind.time == null || value == null ? EventDate.NONE : EventDate.of(value, kind.time);
    return day == EventDate.NONE ? (int) Math.floorDiv(recordMicros, DAY_MICROS) : day;
  }

  /** A CDC record's headers as a JSON object of texts; null for every other topic. */
  public static UTF8String headers(UTF8String topic, ArrayData headers) throws IOException {
    TopicKind kind = kinds.get(topic);
    if (kind == null || !kind.changes || headers == null) return null;
    Map<String, String> object = new LinkedHashMap<>();
    for (int i = 0; i < headers.numElements(); i++) {
      InternalRow header = headers.getStruct(i, 2);
      String value = header.isNullAt(1) ? null : new String(header.getBinary(1), StandardCharsets.UTF_8);
      object.put(header.getUTF8String(0).toString(), value);
    }
    return UTF8String.fromBytes(JSON.writeValueAsBytes(object));
  }
}
