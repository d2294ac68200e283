package lambdactl.batch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Standard output: one JSON object a line, nothing else. */
final class Out {
  static final ObjectMapper JSON = new ObjectMapper();
  private static final PrintStream LINES = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);

  private Out() {}

  /** What a library prints by itself goes to standard error. */
  static void claim() {
    System.setOut(System.err);
  }

  static void progress(String step, String detail) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("step", step);
    fields.put("detail", detail);
    write("progress", fields);
  }

  static void result(Map<String, Object> manifest) {
    write("result", Map.of("manifest", manifest));
  }

  static void error(String message) {
    write("error", Map.of("message", message.replaceAll("\\s*\\R\\s*", " ")));
  }

  private static synchronized void write(String event, Map<String, Object> fields) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("event", event);
    line.putAll(fields);
    try {
      LINES.println(JSON.writeValueAsString(line));
      LINES.flush();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
