import type { ProbeResult, ProbeSpec, ServiceSpec, ServiceStatus } from '../core/service-spec.ts';
import type { ProcessIdentity } from '../system/process.ts';
import type { ServiceAccount } from './accounts.ts';

export type Probe = (spec: ProbeSpec, signal: AbortSignal) => Promise<ProbeResult>;

/** One service to run, as it travels from the runtime to the supervisor. */
export interface ServiceOrder {
  spec: ServiceSpec;
  /** Changes whenever the service has to be restarted to be as wanted: spec and config files. */
  specHash: string;
  account: ServiceAccount;
}

/** Milliseconds unless said otherwise. */
export interface Timings {
  /** Between probes while a service starts. */
  fastProbeMs: number;
  /** After which a probe counts as failed. */
  probeTimeoutMs: number;
  /** Failed probes in a row that make a healthy service unhealthy. */
  failuresToUnhealthy: number;
  /** An unhealthy service is restarted after this. */
  unhealthyRestartMs: number;
  backoffBaseMs: number;
  backoffMaxMs: number;
  /** Healthy for this long: earlier crashes are forgotten. */
  stableMs: number;
  prepareTimeoutMs: number;
  /** What an earlier supervisor left has this long to end before it is killed. */
  reapGraceMs: number;
  sampleMs: number;
  /** Without service and client for this long, the supervisor ends. */
  idleMs: number;
}

export const defaultTimings: Timings = {
  fastProbeMs: 150,
  probeTimeoutMs: 5_000,
  failuresToUnhealthy: 3,
  unhealthyRestartMs: 60_000,
  backoffBaseMs: 1_000,
  backoffMaxMs: 30_000,
  stableMs: 60_000,
  prepareTimeoutMs: 300_000,
  reapGraceMs: 10_000,
  sampleMs: 5_000,
  idleMs: 30_000,
};

/** What has to survive the supervisor: enough to find and end, without doubt, everything it started. */
export interface SupervisorRecord {
  /** null: ended properly, nothing is left. */
  supervisor: (ProcessIdentity & { socket: string; startedAt: string; version: string }) | null;
  guard: ProcessIdentity | null;
  /** Unique text in the environment of everything started, e.g. "LAMBDACTL_RUN=1f…". */
  marker: string;
  services: readonly RecordedService[];
}

export interface RecordedService {
  status: ServiceStatus;
  /** The last known process tree, its leader first. */
  processes: readonly ProcessIdentity[];
}

export interface RecordStore {
  load(): Promise<SupervisorRecord | null>;
  save(record: SupervisorRecord): Promise<void>;
}

export interface SupervisorOptions {
  /** Version of lambdactl, told in hello. */
  version: string;
  socketPath: string;
  logDir: string;
  store: RecordStore;
  probe: Probe;
  timings?: Partial<Timings>;
  /** Bytes after which a log file is rotated, and how many files are kept in all. */
  logLimit?: { bytes: number; files: number };
}
