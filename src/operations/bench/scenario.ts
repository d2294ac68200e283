import type { BenchReport, ThresholdReport } from '../../core/bench-report.ts';
import type { OperationContext } from '../../core/events.ts';
import type { Profile } from '../../platform/profile.ts';
import type { OpenStack } from '../stack.ts';

/** What was asked of a scenario; null: the scenario's own default. */
export interface ScenarioRequest {
  /** Records/s. */
  rate: number | null;
  /** 0 for a scenario that takes as long as its work does. */
  durationMs: number;
  /** Load before the duration begins: left out of latencies and CPU; the ledger is of the whole run. */
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
  /** Records of the whole run, by which (less those of the warm-up) CPU is divided; 0 where that means nothing. */
  records: number;
  /** What this process did besides measuring: its other threads and the programs it started. Its CPU is part of the chain. */
  work: 'generator' | 'jobs' | null;
  /** Ctrl-C came: the findings are of what had happened until then. */
  partial: boolean;
}

/** One scenario. On an aborted signal it stops the load, counts what was sent as far as that is quick, and returns with `partial`. */
export type Scenario = (context: ScenarioContext) => Promise<ScenarioFindings>;
