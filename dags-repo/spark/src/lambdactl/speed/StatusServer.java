package lambdactl.speed;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/** GET /status: what the job is doing, as JSON. GET /healthz: 200 while the query is active, else 503. GET /metrics: Prometheus. */
final class StatusServer {
  private StatusServer() {}

  static void start(String host, int port, Supplier<Map<String, Object>> status, Supplier<String> metrics) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress(host, port), 16);
    server.setExecutor(Executors.newSingleThreadExecutor(task -> {
      Thread thread = new Thread(task, "status");
      thread.setDaemon(true);
      return thread;
    }));
    ObjectMapper json = new ObjectMapper();
    server.createContext("/status", exchange -> answer(exchange, 200, "application/json", json.writeValueAsString(status.get())));
    server.createContext("/healthz", exchange -> {
      boolean active = "running".equals(status.get().get("state"));
      answer(exchange, active ? 200 : 503, "text/plain", String.valueOf(status.get().get("state")));
    });
    server.createContext("/metrics", exchange -> answer(exchange, 200, "text/plain; version=0.0.4", metrics.get()));
    server.start();
  }

  private static void answer(HttpExchange exchange, int status, String type, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }
}
