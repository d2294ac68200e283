/** What a component wants to have running, as plain data: made by src/components, carried out by a runtime. */

export interface ServiceSpec {
  /** Instance name, unique in the stack, e.g. "kafka" or "kafka-2". */
  name: string;
  /** Component the instance belongs to, e.g. "kafka". */
  component: string;
  command: CommandSpec;
  /** One-shot commands that must have succeeded once before the first start; each is skipped when its marker exists. */
  prepare: readonly PrepareSpec[];
  /** Sent to the process group on stop; SIGKILL follows after graceMs. */
  stopSignal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT';
  stopGraceMs: number;
  probe: ProbeSpec;
  /** From spawn until the probe must have answered once. */
  startTimeoutMs: number;
  probeIntervalMs: number;
  /** The profile's budget for this instance, bytes. */
  memoryBytes: number;
  /** What short-lived programs that it starts may take beside it, bytes: a container counts them to its limit. */
  childMemoryBytes?: number;
  /** The program opens files of its conf directory for writing, even where it does not change them. */
  opensConfForWriting?: boolean;
  /** Scheduling niceness; what is off the speed layer's path starts at a lower priority. */
  nice?: number;
  /** One-shot commands for later benefit (a class-data archive); each is run once, some time after the service got healthy. */
  afterHealthy?: readonly AfterHealthySpec[];
}

export interface CommandSpec {
  executable: string;
  args: readonly string[];
  /** Added to a minimal environment (PATH, HOME, LANG, TZ=UTC); secrets go here, never into args. */
  env: Readonly<Record<string, string>>;
  cwd: string;
  /** The program refuses to run as root: the runtime starts it under another uid when it is root itself. */
  refusesRoot?: boolean;
}

export interface PrepareSpec {
  title: string;
  command: CommandSpec;
  /** Written by the supervisor after success; while it exists the step is not run again. */
  marker: string;
}

/** Like a preparation, but the service does not wait for it, and its failure is only logged. "{pid}" in args is the service's pid. */
export interface AfterHealthySpec extends PrepareSpec {
  delayMs: number;
}

/** How to ask a running product whether it works, by its own protocol. Carried out by src/probes. */
export type ProbeSpec =
  | ({ kind: 'postgres'; host: string; port: number; user: string; password: string; database: string } & Verified)
  | ({ kind: 'kafka'; bootstrap: string } & Verified)
  | { kind: 'clickhouse'; url: string; user: string; password: string }
  | { kind: 's3'; endpoint: string; accessKey: string; secretKey: string; bucket?: string }
  | { kind: 'http'; url: string; expectStatus: number; expectBody?: string }
  | { kind: 'spark'; url: string; queries: readonly string[] }
  /** A process of Airflow that listens nowhere: it writes its heartbeat into Airflow's database. */
  | ({
      kind: 'airflow-job';
      host: string;
      port: number;
      user: string;
      password: string;
      database: string;
      job: string;
    } & Verified);

interface Verified {
  /** Certificate by which the server is verified, as PEM; without one it speaks no TLS. */
  authority?: string;
}

export interface ProbeResult {
  healthy: boolean;
  /** One line: version or what answered, or why not. */
  detail: string;
  latencyMs: number;
}

export interface RenderedFile {
  path: string;
  content: string;
  /** 0o600 where it holds a secret. */
  mode: number;
}

/** pending → preparing → starting → healthy ⇄ unhealthy; crashed → backoff → starting; stopping → stopped; failed = gave up. */
export type ServiceState =
  | 'pending'
  | 'preparing'
  | 'starting'
  | 'healthy'
  | 'unhealthy'
  | 'backoff'
  | 'stopping'
  | 'stopped'
  | 'failed';

export interface ServiceStatus {
  name: string;
  component: string;
  state: ServiceState;
  /** Reason of the state, e.g. the last probe's line or the exit code and the last log lines. */
  detail: string;
  pid: number | null;
  /** ISO time of the present process's start. */
  startedAt: string | null;
  restarts: number;
  /** Sum over the process tree. */
  pssBytes: number | null;
  /** Over the last sampling interval, 100 = one core. */
  cpuPercent: number | null;
  /** CPU seconds of the process tree since it started. */
  cpuSeconds: number | null;
  lastProbe: ProbeResult | null;
  /** Hash of the spec that runs, to be compared with the desired one. */
  specHash: string;
}

/** Whether there is a process: one of this machine has a pid, one of a cluster only the time of its start. */
export const hasProcess = ({ startedAt, pid }: Pick<ServiceStatus, 'startedAt' | 'pid'>): boolean =>
  pid !== null || startedAt !== null;
