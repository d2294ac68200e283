/** Shapes of `.data` in the JSON envelope that more than one room speaks of. Sizes in bytes, times in ISO 8601 UTC. */

export interface EndpointReport {
  protocol: string;
  url: string;
}

export interface ComponentReport {
  /** Instance, e.g. "kafka" or "kafka-2". */
  name: string;
  component: string;
  state: string;
  detail: string;
  pid: number | null;
  pssBytes: number | null;
  memoryBudgetBytes: number | null;
  /** 100 = one core. */
  cpuPercent: number | null;
  cpuSeconds: number | null;
  startedAt: string | null;
  restarts: number;
  endpoints: readonly EndpointReport[];
}

/** One hop that writes into another component, with its retries and its circuit breaker (docs/dlq.md). */
export interface WriteReport {
  /** Who writes, e.g. "spark" or "lake-sink". */
  from: string;
  /** Where to, e.g. "clickhouse" or "kafka". */
  to: string;
  /** retrying: the last attempt failed · open: retries are used up, the writer waits · unknown: the writer did not tell in time */
  state: 'closed' | 'retrying' | 'open' | 'unknown';
  /** Failed attempts (of a connector: restarts) since the writer started; null when not told. */
  failures: number | null;
  /** Waiting since. */
  since: string | null;
  lastFailureAt: string | null;
  /** Stays after the circuit has closed again. */
  lastError: string | null;
}

export interface StatusReport {
  stack: string;
  home: string;
  runtime: string;
  /** Of the kubeconfig; null with the embedded runtime. */
  context: string | null;
  profile: string | null;
  up: boolean;
  supervisor: { pid: number; pssBytes: number | null } | null;
  components: readonly ComponentReport[];
  totals: { pssBytes: number; cpuPercent: number };
  /** Of the components that run. */
  writes: readonly WriteReport[];
}

export interface HealthReport {
  stack: string;
  healthy: boolean;
  checks: readonly { name: string; healthy: boolean; detail: string; latencyMs: number | null }[];
}

export interface PlanReport {
  component: string;
  instance: string;
  action: 'start' | 'restart' | 'keep' | 'stop';
  reason: string;
}

export interface UpReport {
  stack: string;
  profile: string;
  runtime: string;
  /** Why this runtime was taken. */
  runtimeReason: string;
  dryRun: boolean;
  plan: readonly PlanReport[];
  install: readonly { name: string; downloadBytes: number; installedBytes: number }[];
  ports: Readonly<Record<string, number>>;
  elapsedMs: number;
  /** From the start of `up` until the speed layer was ready; null when it was not part of this run. */
  speedLayerMs: number | null;
  components: readonly { name: string; readyMs: number; pssBytes: number | null; detail: string }[];
  totalPssBytes: number;
  endpoints: readonly { component: string; protocol: string; url: string; user: string | null; description: string }[];
  secretsFile: string;
}

/** What `render` wrote. */
export interface RenderReport {
  stack: string;
  profile: string;
  values: string | null;
  imageTag: string;
  /** null: it is one stream, in `yaml`. */
  directory: string | null;
  /** Below the directory, in the order in which they are applied. */
  files: readonly { path: string; objects: number }[];
  /** Files of an earlier rendering that this one has not. */
  removed: readonly string[];
  /** By kind. */
  objects: Readonly<Record<string, number>>;
  /** Memory that the pods ask for together; what operators and charts make is not counted. */
  requestedMiB: number;
  releases: readonly { name: string; namespace: string; chart: string; version: string }[];
  /** "Secret namespace/name" */
  secretsLeftOut: readonly string[];
  yaml: string | null;
}
