package lambdactl.connect;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.connect.health.AbstractState;
import org.apache.kafka.connect.health.ConnectClusterState;
import org.apache.kafka.connect.health.ConnectorHealth;
import org.apache.kafka.connect.rest.ConnectRestExtension;
import org.apache.kafka.connect.rest.ConnectRestExtensionContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Restarts what failed, for as long as it takes. Connect itself leaves a failed task failed: ten seconds without object store would
 * end the archive for ever. It lives and dies with the worker, and minds only what its own worker runs. GET /restarts tells of it.
 */
public final class Healer implements ConnectRestExtension {
  private static final Logger LOG = LoggerFactory.getLogger(Healer.class);
  private static final long LOOK_MS = 1000;
  private static final long LONGEST_PAUSE_MS = 30_000;
  /** Running for so long, a task counts as well again: the next failure is answered at once. */
  private static final long WELL_MS = 60_000;
  private static final String FAILED = "FAILED";
  /** Jersey says of every resource that comes as an object that it will be ignored, and then serves it. Kept: levels are not. */
  private static final java.util.logging.Logger JERSEY = java.util.logging.Logger.getLogger("org.glassfish.jersey.internal.inject.Providers");

  /** Of one connector or task since the worker started. */
  private static final class Patient {
    volatile long restarts;
    volatile String lastAt;
    volatile String lastError;
    int inARow;
    long notBefore;
    long runningSince;
  }

  private final Map<String, Patient> patients = new ConcurrentHashMap<>();
  private String address;
  private String worker;
  private ConnectClusterState cluster;
  private volatile Thread watch;

  @Override
  public void configure(Map<String, ?> worker) {
    String host = String.valueOf(worker.get("rest.advertised.host.name"));
    String port = String.valueOf(worker.get("rest.advertised.port"));
    this.worker = host + ":" + port;
    this.address = "http://" + this.worker;
  }

  @Override
  public void register(ConnectRestExtensionContext context) {
    cluster = context.clusterState();
    JERSEY.setLevel(java.util.logging.Level.SEVERE);
    context.configurable().register(new Restarts(this));
    watch = Thread.ofPlatform().name("healer").daemon().start(this::watch);
  }

  /** By connector or task: how often, when last and why. */
  Map<String, Object> restarts() {
    Map<String, Object> answer = new TreeMap<>();
    patients.forEach((name, patient) -> {
      Map<String, Object> each = new LinkedHashMap<>();
      each.put("restarts", patient.restarts);
      each.put("lastAt", patient.lastAt);
      each.put("lastError", patient.lastError);
      answer.put(name, each);
    });
    return answer;
  }

  @Override
  public void close() {
    Thread running = watch;
    watch = null;
    if (running != null) running.interrupt();
  }

  @Override
  public String version() {
    return "1";
  }

  private void watch() {
    while (watch != null) {
      try {
        Thread.sleep(LOOK_MS);
        for (String connector : cluster.connectors()) look(connector);
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        // The group rebalances, or the herder is busy: there is another look.
        LOG.debug("no look at the connectors", e);
      }
    }
  }

  private void look(String connector) {
    ConnectorHealth health = cluster.connectorHealth(connector);
    look(connector, "/connectors/" + connector + "/restart", health.connectorState());
    health.tasksState().forEach((id, task) -> look(connector + "-" + id, "/connectors/" + connector + "/tasks/" + id + "/restart", task));
  }

  private void look(String name, String restart, AbstractState state) {
    long now = System.currentTimeMillis();
    Patient patient = patients.get(name);
    if (!FAILED.equals(state.state())) {
      if (patient == null) return;
      if (patient.runningSince == 0) patient.runningSince = now;
      else if (now - patient.runningSince >= WELL_MS) patient.inARow = 0;
      return;
    }
    if (!worker.equals(state.workerId())) return;
    if (patient == null) patients.put(name, patient = new Patient());
    patient.runningSince = 0;
    if (now < patient.notBefore) return;
    long pause = Math.min(LONGEST_PAUSE_MS, 1000L << Math.min(patient.inARow, 10));
    patient.inARow++;
    patient.restarts++;
    patient.notBefore = now + pause;
    patient.lastAt = Instant.ofEpochMilli(now).toString();
    patient.lastError = cause(state.traceMessage());
    LOG.warn("{} failed ({}); restart {}, next one not before {} ms", name, patient.lastError, patient.restarts, pause);
    ask(restart);
  }

  /** The last cause in a stack trace, which is the first. */
  private static String cause(String trace) {
    if (trace == null) return "no trace";
    String found = trace.lines().findFirst().orElse("");
    for (String line : trace.split("\n")) if (line.startsWith("Caused by: ")) found = line.substring("Caused by: ".length());
    return found.length() > 300 ? found.substring(0, 300) + "…" : found;
  }

  private void ask(String path) {
    try {
      HttpURLConnection connection = (HttpURLConnection) URI.create(address + path).toURL().openConnection();
      connection.setRequestMethod("POST");
      connection.setConnectTimeout(2000);
      connection.setReadTimeout(10_000);
      int status = connection.getResponseCode();
      connection.disconnect();
      if (status >= 300) LOG.warn("{} answered {}", path, status);
    } catch (IOException e) {
      LOG.warn("{}: {}", path, e.toString());
    }
  }
}
