import type { ComponentDefinition, Endpoint } from '../components/contract.ts';
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
  /** @throws LambdaError NOT_UP when the stack was never up. */
  endpoint(component: ComponentName, protocol: string): Promise<ConnectInfo>;
  endpoints(): Promise<readonly Endpoint[]>;
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Deletes the data of a stopped stack. */
  destroy(context: OperationContext): Promise<void>;
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
