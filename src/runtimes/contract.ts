import type { ComponentDefinition, Endpoint, JobDefinition } from '../components/contract.ts';
import type { OperationContext } from '../core/events.ts';
import type { ServiceStatus } from '../core/service-spec.ts';
import type { ComponentName } from '../platform/pipeline.ts';
import type { Profile } from '../platform/profile.ts';

/** Makes components run and tells where they are. Knows nothing of commands (docs/adr/0002). */
export interface Runtime {
  readonly kind: 'embedded' | 'kubernetes';
  /** Compares desired with observed; changes nothing. */
  plan(desired: DesiredStack): Promise<PlanItem[]>;
  /** Starts (or replaces) every instance of one component and returns when all are healthy. Idempotent. */
  start(component: ComponentName, context: OperationContext): Promise<void>;
  /** Stops components in reverse dependency order, keeping data; all of them when none is named. */
  stop(components: readonly ComponentName[] | undefined, context: OperationContext): Promise<void>;
  observe(): Promise<ObservedStack>;
  /** @throws LambdaError NOT_UP when the stack was never up or does not have the component. */
  endpoint(component: ComponentName, protocol: string): Promise<ConnectInfo>;
  endpoints(): Promise<readonly Endpoint[]>;
  /** Like `endpoint`, as the other components reach it: what goes into their settings. */
  inside(component: ComponentName, protocol: string): Promise<ConnectInfo>;
  /** Credentials of a cloud account that the user brought (`secrets set`); null without them. @throws LambdaError BAD_SECRETS_KEY */
  account(name: 's3' | 'snowflake'): Promise<{ user: string; secret: string } | null>;
  /** Runs a job to its end and returns what it printed, whatever its exit code. Aborting ends it. @throws LambdaError NOT_UP */
  run(job: JobDefinition, request: JobRequest, context: OperationContext): Promise<JobResult>;
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Deletes the data of a stopped stack. */
  destroy(context: OperationContext): Promise<void>;
}

export interface JobRequest {
  args: readonly string[];
  /** Every line of stdout as it comes; a job prints one JSON object a line there and its log on stderr. */
  onLine?(line: string): void;
}

export interface JobResult {
  exitCode: number;
  /** Lines of stdout, the last 10,000. */
  lines: readonly string[];
  /** End of stderr, for messages. */
  errorTail: string;
  /** Of the process and its children. */
  elapsedMs: number;
}

export interface DesiredStack {
  stack: string;
  profile: Profile;
  components: readonly ComponentDefinition[];
}

export interface PlanItem {
  component: ComponentName;
  instance: string;
  action: 'start' | 'restart' | 'keep' | 'stop';
  reason: string;
}

export interface ObservedStack {
  stack: string;
  profile: string | null;
  /** pid of the embedded supervisor, null when none runs. */
  supervisorPid: number | null;
  supervisorPssBytes: number | null;
  services: readonly ServiceStatus[];
}

export interface ConnectInfo {
  url: string;
  host: string;
  port: number;
  user: string | null;
  password: string | null;
  /** Certificate by which the server is verified, as PEM; without one it speaks no TLS. */
  authority?: string;
}

export interface LogQuery {
  components?: readonly string[];
  follow: boolean;
  /** Epoch milliseconds. */
  since?: number;
  /** Only lines matching this. */
  grep?: RegExp;
  /** Last N lines of each component first; default 100. */
  tail?: number;
}

export interface LogLine {
  /** Epoch milliseconds of when the supervisor read the line. */
  time: number;
  component: string;
  stream: 'stdout' | 'stderr';
  text: string;
}
