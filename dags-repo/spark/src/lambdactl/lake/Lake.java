package lambdactl.lake;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.SupportsNamespaces;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.NoSuchNamespaceException;
import org.apache.iceberg.exceptions.NoSuchTableException;

/** The lake without Spark: Iceberg's catalog and its tables. */
public final class Lake implements Closeable {
  private static final Namespace NAMESPACE = Namespace.of(LakeConfig.NAMESPACE);
  final LakeConfig config;
  final Catalog catalog;

  private Lake(LakeConfig config, Catalog catalog) {
    this.config = config;
    this.catalog = catalog;
  }

  public static Lake open(LakeConfig config) {
    return new Lake(config, CatalogUtil.buildIcebergCatalog(LakeConfig.CATALOG, config.catalogProperties(), new Configuration(false)));
  }

  /** Names without the namespace, sorted. */
  List<String> names() {
    try {
      return catalog.listTables(NAMESPACE).stream().map(TableIdentifier::name).sorted().toList();
    } catch (NoSuchNamespaceException e) {
      return List.of();
    }
  }

  static TableIdentifier identifier(String name) {
    return TableIdentifier.of(NAMESPACE, name);
  }

  /** The namespace is made where it is missing. */
  void ensureNamespace() {
    SupportsNamespaces namespaces = (SupportsNamespaces) catalog;
    if (!namespaces.namespaceExists(NAMESPACE)) {
      try {
        namespaces.createNamespace(NAMESPACE);
      } catch (org.apache.iceberg.exceptions.AlreadyExistsException e) {
        // Another writer was first.
      }
    }
  }

  /** @param name with or without the namespace. @throws LakeException UNKNOWN_TABLE naming those there are */
  Table load(String name) {
    String plain = name.startsWith(LakeConfig.NAMESPACE + ".") ? name.substring(LakeConfig.NAMESPACE.length() + 1) : name;
    try {
      return catalog.loadTable(identifier(plain));
    } catch (NoSuchTableException | IllegalArgumentException e) {
      List<String> known = names();
      throw new LakeException("UNKNOWN_TABLE", "The lake has no table " + plain + (known.isEmpty() ? "; it has none yet."
          : "; it has " + String.join(", ", known) + "."));
    }
  }

  @Override
  public void close() throws IOException {
    if (catalog instanceof Closeable closeable) closeable.close();
  }
}
