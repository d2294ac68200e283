package lambdactl.lake;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** One JSON object a line on stdout: {"event":"progress"|"rows"|"result"|"error", …}. Whatever else prints goes to stderr. */
final class Out {
  private static final PrintStream stdout = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
  private static final ObjectMapper json = new ObjectMapper();

  private Out() {}

  static void own() {
    System.setOut(System.err);
  }

  static void emit(String event, Map<String, ?> fields) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("event", event);
    line.putAll(fields);
    try {
      synchronized (stdout) {
        stdout.println(json.writeValueAsString(line));
        stdout.flush();
      }
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  static void progress(String detail) {
    emit("progress", Map.of("detail", detail));
  }

  static void error(String code, String message) {
    emit("error", Map.of("code", code, "message", message));
  }
}
