package lambdactl.speed;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * ClickHouse over HTTP: inserts that are repeated until they are in, and the circuit breaker between attempts.
 *
 * <p>An insert has no time limit of its own. A server that stands still keeps the connection, and giving up on it would leave an
 * insert behind that could still run after its repetition; a server that died breaks the connection.
 */
final class ClickHouse {
  private static final Logger log = LoggerFactory.getLogger(ClickHouse.class);
  private static final int QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING = 216;
  private static final int ATTEMPTS_BEFORE_OPEN = 3;
  private static final Pattern CODE = Pattern.compile("Code: (\\d+)");
  private static final Pattern WRITTEN = Pattern.compile("\"written_rows\":\"(\\d+)\"");
  private static final Map<String, String> SETTINGS = Map.of(
      "async_insert", "0", // an acknowledged row must be in a part
      "insert_deduplicate", "0", // the server's own deduplication can lose a block that was cut
      "max_insert_threads", "1", // one block, one part
      "input_format_binary_read_json_as_string", "1",
      "type_json_skip_duplicated_paths", "1",
      // A text in a JSON column stays the text it was.
      "input_format_try_infer_dates", "0",
      "input_format_try_infer_datetimes", "0");

  private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
      .connectTimeout(Duration.ofSeconds(5)).build();
  private final String url;
  private final String user;
  private final String password;

  // The circuit: closed, or open since a moment because of an error.
  private volatile long openSince;
  private volatile String lastError;
  private volatile long failures;
  /** Attempts that failed since the last success: 1 and 2 are retries, from 3 the circuit is open. */
  private volatile int failedInARow;
  private volatile long lastFailureAt;

  ClickHouse(String url, String user, String password) {
    this.url = url;
    this.user = user;
    this.password = password;
  }

  static final class ClickHouseException extends IOException {
    final int code;

    ClickHouseException(int code, String message) {
      super(message);
      this.code = code;
    }
  }

  /** One thing to do at ClickHouse; `attempt` counts from 1. */
  interface Attempt<T> {
    T run(int attempt) throws IOException, InterruptedException;
  }

  /**
   * Repeats until it succeeds or the thread is interrupted: three times with exponential pauses, then the circuit opens and the
   * caller waits for the server to answer again, as long as that takes.
   */
  <T> T persist(String what, Attempt<T> action) throws InterruptedException {
    for (int attempt = 1; ; attempt++) {
      try {
        T result = action.run(attempt);
        openSince = 0;
        failedInARow = 0;
        return result;
      } catch (IOException e) {
        failures++;
        failedInARow = attempt;
        lastFailureAt = System.currentTimeMillis();
        lastError = what + ": " + (e.getMessage() == null ? e.toString() : e.getMessage());
        log.warn("attempt {} failed, {}", attempt, lastError);
        if (attempt < ATTEMPTS_BEFORE_OPEN) {
          Thread.sleep(250L << attempt - 1);
        } else {
          if (openSince == 0) openSince = System.currentTimeMillis();
          Thread.sleep(Math.min(5000, 500L * (attempt - ATTEMPTS_BEFORE_OPEN + 1)));
          while (!answers()) Thread.sleep(500);
        }
      }
    }
  }

  private boolean answers() throws InterruptedException {
    try {
      HttpRequest ping = HttpRequest.newBuilder(URI.create(url + "/ping")).timeout(Duration.ofSeconds(5)).GET().build();
      return client.send(ping, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  /** The rows' table and the two ways into it; the statements are insert.sql and insert_missing.sql. */
  record Target(String insert, String insertMissing, String structure) {
    static Target of(java.nio.file.Path sqlDir, String table, RowEncoder encoder, String id, String time) throws IOException {
      String insert = java.nio.file.Files.readString(sqlDir.resolve("insert.sql"));
      String insertMissing = java.nio.file.Files.readString(sqlDir.resolve("insert_missing.sql"));
      Map<String, String> names = Map.of("{table}", table, "{columns}", encoder.columnList(), "{id}", id, "{time}", time);
      for (Map.Entry<String, String> name : names.entrySet()) {
        insert = insert.replace(name.getKey(), name.getValue());
        insertMissing = insertMissing.replace(name.getKey(), name.getValue());
      }
      return new Target(insert.strip(), insertMissing.strip(), encoder.structure());
    }
  }

  /** Inserts rows as they are. */
  void insert(Target target, List<RowEncoder.Buffer> rows, String queryId) throws IOException, InterruptedException {
    BodyPublisher body = BodyPublishers.concat(
        rows.stream().map(b -> BodyPublishers.ofByteArray(b.bytes, 0, b.size)).toArray(BodyPublisher[]::new));
    exclusively(Map.of("query", target.insert, "query_id", queryId), body, null);
  }

  /**
   * Inserts those rows that are not in the table yet, each id once; returns how many that were. The rows travel as the external
   * table `candidates`; the table is searched by its primary key (minute, user_id) alone.
   */
  long insertMissing(Target target, RowEncoder.Buffer rows, String queryId) throws IOException, InterruptedException {
    String boundary = "----candidates" + Long.toHexString(System.nanoTime());
    String head = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"candidates\"; filename=\"rows\"\r\n"
        + "Content-Type: application/octet-stream\r\n\r\n";
    BodyPublisher body = BodyPublishers.concat(BodyPublishers.ofString(head), BodyPublishers.ofByteArray(rows.bytes, 0, rows.size),
        BodyPublishers.ofString("\r\n--" + boundary + "--\r\n"));
    Map<String, String> parameters = Map.of("query", target.insertMissing, "query_id", queryId, "candidates_format", "RowBinary",
        "candidates_structure", target.structure);
    HttpResponse<String> response = exclusively(parameters, body, "multipart/form-data; boundary=" + boundary);
    Matcher written = WRITTEN.matcher(response.headers().firstValue("X-ClickHouse-Summary").orElse(""));
    return written.find() ? Long.parseLong(written.group(1)) : 0;
  }

  /** The query id is a mutex: while a cut insert of this id still runs, the server refuses its repetition. */
  private HttpResponse<String> exclusively(Map<String, String> parameters, BodyPublisher body, String contentType)
      throws IOException, InterruptedException {
    while (true) {
      try {
        return post(parameters, body, contentType);
      } catch (ClickHouseException e) {
        if (e.code != QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING) throw e;
        Thread.sleep(100);
      }
    }
  }

  /** Result of a query, as text. */
  String query(String sql) throws IOException, InterruptedException {
    return post(Map.of(), BodyPublishers.ofString(sql), null).body();
  }

  /** Result of a query, as a stream of bytes. */
  java.io.InputStream stream(String sql) throws IOException, InterruptedException {
    HttpResponse<java.io.InputStream> response =
        client.send(request(Map.of(), BodyPublishers.ofString(sql), null), HttpResponse.BodyHandlers.ofInputStream());
    if (response.statusCode() != 200) throw failure(response.statusCode(), new String(response.body().readAllBytes(), StandardCharsets.UTF_8));
    return response.body();
  }

  private HttpResponse<String> post(Map<String, String> parameters, BodyPublisher body, String contentType)
      throws IOException, InterruptedException {
    HttpResponse<String> response = client.send(request(parameters, body, contentType), HttpResponse.BodyHandlers.ofString());
    boolean excepted = response.headers().firstValue("X-ClickHouse-Exception-Code").isPresent();
    if (response.statusCode() != 200 || excepted) throw failure(response.statusCode(), response.body());
    return response;
  }

  private HttpRequest request(Map<String, String> parameters, BodyPublisher body, String contentType) {
    Map<String, String> all = new LinkedHashMap<>(SETTINGS);
    all.putAll(parameters);
    StringBuilder query = new StringBuilder();
    all.forEach((name, value) -> query.append(query.isEmpty() ? "?" : "&").append(name).append('=')
        .append(URLEncoder.encode(value, StandardCharsets.UTF_8)));
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + "/" + query)).POST(body)
        .header("X-ClickHouse-User", user).header("X-ClickHouse-Key", password);
    if (contentType != null) request.header("Content-Type", contentType);
    return request.build();
  }

  private static ClickHouseException failure(int status, String body) {
    Matcher code = CODE.matcher(body);
    String text = body.strip();
    return new ClickHouseException(code.find() ? Integer.parseInt(code.group(1)) : status,
        text.length() > 500 ? text.substring(0, 500) + "…" : text);
  }

  Map<String, Object> status() {
    Map<String, Object> status = new LinkedHashMap<>();
    long since = openSince;
    status.put("circuit", since != 0 ? "open" : failedInARow > 0 ? "retrying" : "closed");
    status.put("openSince", since == 0 ? null : java.time.Instant.ofEpochMilli(since).toString());
    status.put("failures", failures);
    status.put("failedInARow", failedInARow);
    status.put("lastError", lastError);
    status.put("lastFailureAt", lastFailureAt == 0 ? null : java.time.Instant.ofEpochMilli(lastFailureAt).toString());
    return status;
  }
}
