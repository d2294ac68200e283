package lambdactl.connect;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.UpdateProperties;
import org.apache.iceberg.UpdateSchema;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.SupportsNamespaces;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.types.Types;
import org.apache.kafka.connect.errors.ConnectException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the lake's tables, and adds the columns that a schema got since; never removes or retypes one. */
final class Tables {
  private static final Logger LOG = LoggerFactory.getLogger(Tables.class);
  private static final Pattern DAY = Pattern.compile("day\\((\\w+)\\)");

  private final Catalog catalog;
  private final Namespace namespace;
  private final Map<String, String> properties;

  /** @param properties of every table, set where they differ */
  Tables(Catalog catalog, String namespace, Map<String, String> properties) {
    this.catalog = catalog;
    this.namespace = Namespace.of(namespace);
    this.properties = properties;
  }

  void ensure(List<? extends Table> tables) {
    if (catalog instanceof SupportsNamespaces namespaces && !namespaces.namespaceExists(namespace)) {
      try {
        namespaces.createNamespace(namespace);
      } catch (AlreadyExistsException e) {
        LOG.debug("made by another worker at the same moment", e);
      }
    }
    for (Table table : tables) ensure(table);
  }

  private void ensure(Table declared) {
    TableIdentifier id = TableIdentifier.of(namespace, declared.name());
    if (!catalog.tableExists(id)) {
      Schema schema = schema(declared);
      try {
        catalog.createTable(id, schema, partitions(declared, schema), wanted(declared));
        LOG.info("table {} made", id);
        return;
      } catch (AlreadyExistsException e) {
        LOG.debug("made by another worker at the same moment", e);
      }
    }
    adjust(declared, catalog.loadTable(id));
  }

  private static Schema schema(Table declared) {
    List<Types.NestedField> fields = new ArrayList<>();
    // All optional: a deleted row has its key alone, and a field that is required today may not be tomorrow.
    for (Table.Column column : declared.columns()) fields.add(Types.NestedField.optional(fields.size() + 1, column.name(), column.type()));
    return new Schema(fields);
  }

  private static PartitionSpec partitions(Table declared, Schema schema) {
    PartitionSpec.Builder spec = PartitionSpec.builderFor(schema);
    for (String transform : declared.partitionedBy()) {
      Matcher day = DAY.matcher(transform);
      if (day.matches()) spec.day(day.group(1));
      else spec.identity(transform);
    }
    return spec.build();
  }

  private void adjust(Table declared, org.apache.iceberg.Table table) {
    UpdateSchema update = table.updateSchema();
    boolean changed = false;
    for (Table.Column column : declared.columns()) {
      Types.NestedField present = table.schema().findField(column.name());
      if (present == null) {
        update.addColumn(column.name(), column.type()).moveBefore(column.name(), firstOwn(table));
        LOG.info("column {} added to {}", column.name(), table.name());
        changed = true;
      } else if (!present.type().equals(column.type())) {
        throw new ConnectException("column " + column.name() + " of " + table.name() + " holds " + present.type()
            + ", its schema now says " + column.type() + ": a column keeps its type; give the field a new name");
      }
    }
    if (changed) update.commit();
    Map<String, String> wanted = wanted(declared);
    if (table.properties().entrySet().containsAll(wanted.entrySet())) return;
    UpdateProperties set = table.updateProperties();
    wanted.forEach(set::set);
    set.commit();
  }

  private Map<String, String> wanted(Table declared) {
    Map<String, String> wanted = new HashMap<>(properties);
    for (String column : declared.plain()) wanted.put(TableProperties.PARQUET_DICT_ENCODING_ENABLED_COLUMN_PREFIX + column, "false");
    return wanted;
  }

  /** The columns that are no fields of the schema stay last. */
  private static String firstOwn(org.apache.iceberg.Table table) {
    return table.schema().columns().stream().map(Types.NestedField::name).filter(name -> name.startsWith("_")).findFirst().orElseThrow();
  }
}
