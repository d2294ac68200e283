package lambdactl.connect;

import java.util.AbstractMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * A row of one table as the sink takes it: a map, but two arrays underneath, so that a record costs no hash table. A Connect Struct
 * would not do: its timestamps are milliseconds.
 */
final class Row extends AbstractMap<String, Object> {
  /** The key under which the sink looks for the table; no column. */
  static final String ROUTE = "_route";

  private final String table;
  private final String[] names;
  private final Object[] values;

  Row(String table, String[] names, Object[] values) {
    this.table = table;
    this.names = names;
    this.values = values;
  }

  @Override
  public Object get(Object key) {
    if (ROUTE.equals(key)) return table;
    for (int i = 0; i < names.length; i++) if (names[i].equals(key)) return values[i];
    return null;
  }

  @Override
  public void forEach(BiConsumer<? super String, ? super Object> action) {
    for (int i = 0; i < names.length; i++) if (values[i] != null) action.accept(names[i], values[i]);
  }

  @Override
  public Set<Map.Entry<String, Object>> entrySet() {
    Map<String, Object> entries = new LinkedHashMap<>();
    forEach(entries::put);
    return entries.entrySet();
  }
}
