/** What `reconcile` found, as `.data` of its JSON envelope, as a file of its history, and as the only source of the HTML and JUnit
 * reports. Percentages 0–100, times in ISO 8601 UTC, durations in ms, sums and values as text so that no digit is lost. */
export interface ReconcileReport {
  version: 1;
  stack: string;
  startedAt: string;
  elapsedMs: number;
  /** Consistency from which a date counts as agreeing. */
  thresholdPercent: number;
  /** Differing rows are named up to this many an entity and date. */
  maxRows: number;
  verdict: Verdict;
  dates: readonly DateReport[];
  /** Null when no repair was asked for or needed. */
  repair: RepairReport | null;
}

export type Verdict = 'agree' | 'differ' | 'not-ready';

export interface DateReport {
  date: string;
  verdict: Verdict;
  /** The batch saw the whole day, or only the part until its lake check. */
  day: 'finished' | 'unfinished';
  /** Why there is nothing to compare; empty otherwise. */
  notReady: readonly NotReady[];
  watermarks: Watermarks;
  entities: readonly EntityReport[];
  sla: SlaReport;
}

export interface NotReady {
  layer: 'speed' | 'batch';
  reason: string;
  /** Commands that make it ready. */
  actions: readonly string[];
}

export interface Watermarks {
  /** `behind`: records of Kafka that the speed layer had not written when it was asked last; null when nobody can tell. */
  speed: { passed: boolean | null; behind: number | null; detail: string };
  batch: { passed: boolean; batchId: string | null; lakeTime: string | null; detail: string };
}

export interface EntityReport {
  entity: string;
  speedTable: string;
  batchTable: string;
  verdict: 'agree' | 'differ';
  consistencyPercent: number;
  rows: RowCounts;
  sums: readonly SumReport[];
  columns: { compared: readonly string[]; excluded: readonly { column: string; reason: string }[] };
  segments: { compared: number; differing: number; rounds: number };
  /** The first `maxRows`, by id; `rows` counts them all. */
  differences: readonly RowDifference[];
  /** Rows that differ but are not named. */
  notNamed: number;
  elapsedMs: { verdict: number; rows: number };
}

/** matching + missing + extra + different is the union that the consistency is taken of; late rows are in none of them. */
export interface RowCounts {
  speed: number;
  batch: number;
  matching: number;
  /** In the speed layer, not in the batch layer. */
  missing: number;
  /** In the batch layer, not in the speed layer. */
  extra: number;
  /** In both, with other values. */
  different: number;
  /** Ids among them that a side holds more than once. */
  duplicate: number;
  /** Written by the speed layer after the batch had looked: the next batch run brings them. */
  late: number;
}

export interface SumReport {
  column: string;
  speed: string;
  batch: string;
}

export interface RowDifference {
  id: string;
  kind: 'missing' | 'extra' | 'different' | 'duplicate';
  /** Copies on each side. */
  copies: { speed: number; batch: number };
  /** Columns that differ; for a row of one side only, all of them. */
  columns: readonly { column: string; speed: string | null; batch: string | null }[];
}

export interface SlaReport {
  /** From then on a differing date is an alert. */
  dueAt: string;
  breached: boolean;
  /** Null where there is nothing to alert or no webhook. */
  alert: { sent: boolean; detail: string } | null;
}

export interface RepairReport {
  dates: readonly { date: string; before: number; after: number; detail: string }[];
  /** What a run of the batch cannot mend, and what does. */
  advice: readonly string[];
}

export interface ReconcileHistory {
  stack: string;
  runs: readonly {
    date: string;
    startedAt: string;
    verdict: Verdict;
    /** Lowest of the entities; null when nothing was compared. */
    consistencyPercent: number | null;
    differing: number;
    late: number;
    slaBreached: boolean;
    file: string;
  }[];
}
