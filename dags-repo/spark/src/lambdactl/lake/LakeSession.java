package lambdactl.lake;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.sql.SparkSession;

/** A small Spark session on the lake. */
public final class LakeSession {
  private LakeSession() {}

  /** @param settings the job's file: master, localDir */
  static SparkSession open(JsonNode settings, LakeConfig config) throws IOException {
    Path local = Path.of(settings.path("localDir").asText());
    Files.createDirectories(local);
    Map<String, String> conf = new LinkedHashMap<>();
    conf.put("spark.driver.host", "127.0.0.1");
    conf.put("spark.driver.bindAddress", "127.0.0.1");
    conf.put("spark.ui.enabled", "false");
    conf.put("spark.sql.session.timeZone", "UTC");
    conf.put("spark.sql.shuffle.partitions", "4");
    conf.put("spark.sql.adaptive.coalescePartitions.parallelismFirst", "false");
    conf.put("spark.sql.catalogImplementation", "in-memory");
    conf.put("spark.sql.warehouse.dir", local.resolve("warehouse").toUri().toString());
    conf.put("spark.local.dir", local.toString());
    conf.put("spark.serializer", "org.apache.spark.serializer.KryoSerializer");
    conf.put("spark.locality.wait", "0");
    conf.putAll(catalogSettings(config));
    conf.put("spark.sql.defaultCatalog", LakeConfig.CATALOG);
    SparkSession.Builder builder = SparkSession.builder().appName("lambda-lake").master(settings.path("master").asText("local[2]"));
    conf.forEach(builder::config);
    SparkSession spark = builder.getOrCreate();
    spark.catalog().setCurrentDatabase(LakeConfig.NAMESPACE);
    return spark;
  }

  /** Spark's settings of the catalog `lake`. */
  public static Map<String, String> catalogSettings(LakeConfig config) {
    String prefix = "spark.sql.catalog." + LakeConfig.CATALOG;
    Map<String, String> conf = new LinkedHashMap<>();
    conf.put(prefix, LakeCatalog.class.getName());
    // A table is looked up anew by whoever asks: others write it.
    conf.put(prefix + ".cache-enabled", "false");
    config.catalogProperties().forEach((key, value) -> conf.put(prefix + "." + key, value));
    // Set last and everywhere the same: secrets must not appear in Spark's own log of its settings.
    conf.put("spark.redaction.regex", "(?i)secret|password|token|access[.-]?key");
    return conf;
  }
}
