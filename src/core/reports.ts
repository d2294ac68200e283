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

export interface StatusReport {
  stack: string;
  home: string;
  runtime: string;
  profile: string | null;
  up: boolean;
  supervisor: { pid: number; pssBytes: number | null } | null;
  components: readonly ComponentReport[];
  totals: { pssBytes: number; cpuPercent: number };
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
