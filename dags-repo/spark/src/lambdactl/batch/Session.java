package lambdactl.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.sql.SparkSession;

/** Spark for one short job on one machine. */
final class Session {
  private Session() {}

  static SparkSession open(Settings settings) throws IOException {
    Files.createDirectories(settings.localDir.resolve("upload"));
    SparkSession.Builder builder = SparkSession.builder().appName("lambda-batch").master(settings.master);
    Map<String, String> conf = new LinkedHashMap<>();
    conf.put("spark.driver.host", "127.0.0.1");
    conf.put("spark.driver.bindAddress", "127.0.0.1");
    conf.put("spark.ui.enabled", "false");
    conf.put("spark.serializer", "org.apache.spark.serializer.KryoSerializer");
    conf.put("spark.sql.adaptive.enabled", "true");
    conf.put("spark.sql.shuffle.partitions", Integer.toString(settings.tasks));
    conf.put("spark.sql.session.timeZone", "UTC");
    // A value that a rule cannot compute is NULL, as in the speed layer.
    conf.put("spark.sql.ansi.enabled", "false");
    conf.put("spark.sql.catalogImplementation", "in-memory");
    conf.put("spark.sql.warehouse.dir", settings.localDir.resolve("warehouse").toUri().toString());
    conf.put("spark.local.dir", settings.localDir.toString());
    conf.put("spark.memory.fraction", "0.5");
    conf.put("spark.locality.wait", "0");
    conf.forEach(builder::config);
    SparkSession spark = builder.getOrCreate();
    Functions.register(spark);
    return spark;
  }
}
