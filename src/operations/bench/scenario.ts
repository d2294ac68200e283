import type { BenchReport, ThresholdReport } from '../../core/bench-report.ts';
import type { OperationContext } from '../../core/events.ts';
import type { Profile } from '../../platform/profile.ts';
import type { OpenStack } from '../stack.ts';

/** What was asked of a scenario; null: the scenario's own default. */
export interface ScenarioRequest {
  /** Records/s. */
  rate: number | null;
  durationMs: number | null;
  /** Left out of latencies; ledger and CPU are of the whole run. */
  warmupMs: number;
  /** Of the generator. */
  seed: number;
  /** Scenario batch: how many events the day gets. */
  events: number | null;
  /** Scenario query: statements at a time. */
  concurrency: number | null;
}

/** Read once a second while something is measured, for the live view and the series; cheap. */
export type LiveSource = () => Promise<{ sent: number | null; visible: number | null; latencyMs: number | null }>;

export interface ScenarioContext extends OperationContext {
  stack: OpenStack;
  profile: Profile;
  request: ScenarioRequest;
  /** Runs the measured part; CPU, memory and the series are those of this time. Called once. What counts or compares comes after it. */
  measure<T>(live: LiveSource, work: () => Promise<T>): Promise<T>;
}

/** What a scenario found; the runner adds environment, resources, series and verdict. */
export interface ScenarioFindings
  extends Pick<BenchReport, 'throughput' | 'ledger' | 'latencyMs' | 'steps' | 'queries' | 'reference' | 'notes'> {
  /** As carried out, defaults filled in. */
  request: BenchReport['request'];
  thresholds: readonly ThresholdReport[];
  /** Records that CPU is divided by; 0 where that means nothing. */
  records: number;
  /** CPU seconds of what this process did in the place of a component, e.g. { generator: 8.2 }; not the bench's own cost. */
  workCpuSeconds: Readonly<Record<string, number>>;
  /** Ctrl-C came: the findings are of what had happened until then. */
  partial: boolean;
}

/** One scenario. On an aborted signal it stops the load, counts what was sent as far as that is quick, and returns with `partial`. */
export type Scenario = (context: ScenarioContext) => Promise<ScenarioFindings>;
