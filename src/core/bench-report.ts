/** What `bench` found, as `.data` of its JSON envelope, as a kept file, and as the only source of its text and HTML. Times in ms (ISO 8601 UTC
 * where named At), sizes in bytes, rates in records/s, CPU in seconds of one core. */

export const benchScenarios = ['ingest', 'speed', 'batch', 'cdc', 'query'] as const;
export type BenchScenario = (typeof benchScenarios)[number];

export interface BenchReport {
  version: 1;
  /** Start in UTC and scenario, e.g. "20261121-184012-speed"; names the kept file. */
  id: string;
  scenario: BenchScenario | 'all';
  stack: string;
  profile: string;
  startedAt: string;
  elapsedMs: number;
  /** Interrupted: every figure is of what had happened until then. */
  partial: boolean;
  request: BenchRequestReport;
  environment: BenchEnvironment;
  /** "fail": a threshold is missed or the ledger is not clean. "none": interrupted before there was anything to judge. */
  verdict: 'pass' | 'fail' | 'none';
  thresholds: readonly ThresholdReport[];
  throughput: ThroughputReport | null;
  /** The top level is the worst of all hops; ids of two hops are not added up. */
  ledger: LedgerReport | null;
  /** The top level is from event time until visible in the scenario's last hop. */
  latencyMs: LatencyReport | null;
  resources: ResourceReport | null;
  series: readonly SeriesPoint[];
  /** Steps of a batch run, in their order; empty elsewhere. */
  steps: readonly { name: string; elapsedMs: number; detail: string }[];
  /** Scenario query: one entry a dashboard query; empty elsewhere. */
  queries: readonly QueryLatency[];
  /** Scenario ingest: what the client of Kafka's own tools reached on the same broker in the same run. */
  reference: readonly { name: string; rate: number; latencyMs: Percentiles | null; detail: string }[];
  findMax: FindMaxReport | null;
  /** Of scenario "all": a report a scenario; empty elsewhere. */
  parts: readonly BenchReport[];
  /** What a reader must know to trust the figures, a sentence each. */
  notes: readonly string[];
}

export interface BenchRequestReport {
  rate: number | null;
  durationMs: number | null;
  warmupMs: number;
  /** Of the generator: with it and the start every id can be told again. */
  seed: number | null;
  events: number | null;
  concurrency: number | null;
}

export interface BenchEnvironment {
  cpu: string;
  cores: number;
  memoryBytes: number;
  os: string;
  node: string;
  lambdactl: string;
  /** SHA-256 of the artifact locks and the npm lock: the same hash, the same software. */
  lockHash: string;
  /** SHA-256 of the resolved profile. */
  profileHash: string;
  /** One-minute load average before the run. */
  loadBefore: number;
  /** CPU that processes outside the stack and the bench took during the run, percent of all cores; null where it cannot be told. */
  outsideCpuPercent: number | null;
}

export interface ThresholdReport {
  /** e.g. "latency p99". */
  name: string;
  limit: number;
  value: number | null;
  unit: 'ms' | 'records/s' | 'cpu-s/M' | 'records' | 'percent';
  /** The value must not be above ("max") or below ("min") the limit. */
  bound: 'max' | 'min';
  ok: boolean;
}

export interface ThroughputReport {
  /** Records offered by the schedule, and acknowledged by Kafka (or applied by PostgreSQL), a second. */
  offered: number;
  achieved: number;
  /** Records visible in the last hop a second, between the first and the last of them. */
  visible: number | null;
  records: number;
  bytes: number;
  /** Most that the generator was behind its schedule. */
  lateMsMax: number;
}

export interface Counts {
  /** Distinct records that must be there. */
  expected: number;
  /** Records found that belong to the run, copies included. */
  found: number;
  lost: number;
  /** Copies beyond the first. */
  doubled: number;
  /** Records with an id that the run never made. */
  alien: number;
  /** Records whose id is right and whose content is not what was sent; null where the hop holds no whole records. */
  altered: number | null;
}

export interface HopLedger extends Counts {
  /** kafka, clickhouse, lake, warehouse, staging, marts, dlq … */
  hop: string;
  /** Topic, table or view. */
  store: string;
  /** Up to ten ids of each kind of defect. */
  examples: readonly { kind: 'lost' | 'doubled' | 'alien' | 'altered'; id: string }[];
  /** How it was counted, e.g. "every id", "sums against the base table". */
  method: string;
}

export interface LedgerReport {
  /** Distinct valid records that Kafka acknowledged. */
  sent: number;
  /** Worst of all hops. */
  lost: number;
  doubled: number;
  alien: number;
  altered: number;
  /** Bad records sent, and found in the dead letter topics. */
  bad: { sent: number; deadLetters: number } | null;
  hops: readonly HopLedger[];
  elapsedMs: number;
}

export interface Percentiles {
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  p999: number;
  max: number;
  count: number;
}

export interface LatencyReport extends Percentiles {
  /** From the time the event was due, so that a generator or a store that stalls is not excused (no coordinated omission). */
  hops: Readonly<Record<string, Percentiles & { meaning: string }>>;
}

export interface ResourceReport {
  components: readonly {
    name: string;
    cpuSeconds: number;
    cpuSecondsPerMillion: number | null;
    peakPssBytes: number | null;
  }[];
  /** Sum over the chain: generator and components, without the bench itself. */
  cpuSecondsPerMillion: number | null;
  /** Peak of the sum, not sum of the peaks. */
  peakPssBytes: number | null;
  /** CPU of the bench itself, percent of all cores. */
  benchCpuPercent: number;
}

export interface SeriesPoint {
  /** Seconds since the start. */
  t: number;
  /** Records/s over the last five points. */
  sentRate: number | null;
  visibleRate: number | null;
  /** Records sent and not yet visible. */
  lag: number | null;
  /** Longest event-to-visible latency of the newest micro-batch, ms. */
  latencyMs: number | null;
  /** Percent of one core by component. */
  cpuPercent: Readonly<Record<string, number>>;
  pssBytes: number | null;
}

export interface QueryLatency extends Percentiles {
  name: string;
  sql: string;
  errors: number;
  rowsRead: number | null;
}

export interface FindMaxReport {
  /** Highest rate that held every threshold; null when none did. */
  rate: number | null;
  /** Lowest rate that did not. */
  failedRate: number | null;
  steps: readonly {
    rate: number;
    ok: boolean;
    achieved: number;
    p95: number | null;
    p99: number | null;
    reason: string;
  }[];
}

export interface BenchList {
  runs: readonly {
    id: string;
    scenario: BenchReport['scenario'];
    stack: string;
    profile: string;
    startedAt: string;
    partial: boolean;
    verdict: BenchReport['verdict'];
    rate: number | null;
    p99Ms: number | null;
    lost: number | null;
    file: string;
  }[];
  /** Kept files that are not whole; `bench show` says why. */
  unreadable: readonly string[];
}

export interface BenchComparison {
  a: string;
  b: string;
  /** Machine, profile or lock differ, or one is partial: a sentence each. */
  warnings: readonly string[];
  scenario: BenchReport['scenario'];
  /** Kept runs alike in scenario, rate, duration, machine, profile and lock that the spread is taken from. */
  spreadRuns: number;
  metrics: readonly {
    name: string;
    unit: string;
    a: number | null;
    b: number | null;
    /** (b - a) / a in percent. */
    changePercent: number | null;
    /** Largest minus smallest of this metric over runs alike, percent of their mean: what two runs of the same may differ by. Null with fewer than two. */
    spreadPercent: number | null;
    /** "better" and "worse" only beyond the spread, and beyond 2 %; "unknown" beyond 2 % without a spread. Counts of lost, doubled, alien and altered are exact: any change is judged. */
    judgement: 'better' | 'worse' | 'same' | 'unknown';
  }[];
}
