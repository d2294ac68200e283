package lambdactl.speed;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * processing_time: when Spark planned the micro-batch, from its offset log, so that a repeated batch judges "too late" as the first
 * run did. Spark's own current_timestamp() says the same, but as a literal in the generated code, which makes the JVM compile that
 * code anew for every batch: a fifth of the job's CPU.
 */
public final class BatchClock {
  private static volatile long micros;

  private BatchClock() {}

  /** The function that generated code calls. */
  public static long micros() {
    return micros;
  }

  /** Call before the batch's rows are computed. */
  static void enter(Path checkpoint, long batch) throws IOException {
    List<String> log = Files.readAllLines(checkpoint.resolve("offsets").resolve(Long.toString(batch)));
    micros = new ObjectMapper().readTree(log.get(1)).required("batchTimestampMs").asLong() * 1000;
  }
}
