import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryLatency } from '../core/bench-report.ts';
import { Latencies } from './percentiles.ts';
import type { DashboardQuery } from './queries.ts';

/**
 * A lane is a dashboard on somebody's screen: one statement after the other, one every so often. With eleven tiles, each is as new
 * as five and a half seconds.
 */
export const laneIntervalMs = 500;

/** Asks one statement. @returns rows that the server read */
export type Ask = (query: DashboardQuery) => Promise<number>;

export interface LaneOptions {
  queries: readonly DashboardQuery[];
  lanes: number;
  warmupMs: number;
  /** Behind the warm-up. */
  durationMs: number;
}

/** When statement `turn` of a lane is due, ms after the start: lanes are spread over the interval. */
export function dueOf(lane: number, turn: number, lanes: number): number {
  return (turn + lane / lanes) * laneIntervalMs;
}

/** Which statement a lane asks at a turn: each lane begins with another one, so that not all ask the same at the same time. */
export function queryAt(lane: number, turn: number, lanes: number, queries: number): number {
  return (turn + Math.floor((lane * queries) / lanes)) % queries;
}

/** Percentiles of what was asked so far. */
export class QueryTally {
  readonly all = new Latencies();
  readonly errors = new Map<string, unknown>();
  asked = 0;
  unasked = 0;
  /** Of the last statement, ms. */
  newestMs: number | null = null;
  private readonly each = new Map<string, { latencies: Latencies; errors: number; read: number; answered: number }>();

  /** @param counts false within the warm-up: only errors count */
  answered({ name }: DashboardQuery, latencyMs: number, rowsRead: number, counts: boolean): void {
    this.asked += 1;
    this.newestMs = latencyMs;
    if (!counts) return;
    const entry = this.entry(name);
    entry.latencies.add(latencyMs);
    entry.read += rowsRead;
    entry.answered += 1;
    this.all.add(latencyMs);
  }

  failed({ name }: DashboardQuery, error: unknown): void {
    this.asked += 1;
    this.entry(name).errors += 1;
    if (!this.errors.has(name)) this.errors.set(name, error);
  }

  /** In the order of `queries`; one that was never answered has no latency and is told by its errors. */
  report(queries: readonly DashboardQuery[]): QueryLatency[] {
    const none = { p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0, count: 0 };
    return queries.map(({ name, sql }) => {
      const { latencies, errors, read, answered } = this.entry(name);
      const rowsRead = answered === 0 ? null : Math.round(read / answered);
      return { name, sql, errors, rowsRead, ...(latencies.percentiles() ?? none) };
    });
  }

  private entry(name: string) {
    const present = this.each.get(name);
    if (present !== undefined) return present;
    const made = { latencies: new Latencies(), errors: 0, read: 0, answered: 0 };
    this.each.set(name, made);
    return made;
  }
}

/**
 * Asks every lane's statements when they are due. Latency is from then until the whole answer is here: a lane that waits for a slow
 * answer is late with its next statements, and their waiting counts (no coordinated omission). What is due and still not asked when
 * the time is over is asked all the same, up to a tenth of the duration; what is left then is counted as unasked.
 */
export async function runLanes(options: LaneOptions, ask: Ask, tally: QueryTally, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const lanes = Array.from({ length: options.lanes }, (_, lane) =>
    runLane(lane, { ...options, started }, ask, tally, signal),
  );
  await Promise.all(lanes);
}

async function runLane(
  lane: number,
  { queries, lanes, warmupMs, durationMs, started }: LaneOptions & { started: number },
  ask: Ask,
  tally: QueryTally,
  signal: AbortSignal,
): Promise<void> {
  const end = warmupMs + durationMs;
  const giveUp = end + durationMs / 10;
  for (let turn = 0; !signal.aborted; turn += 1) {
    const due = dueOf(lane, turn, lanes);
    const now = performance.now() - started;
    if (due >= end) return;
    if (now > giveUp) {
      tally.unasked += 1;
      continue;
    }
    if (due > now) await sleep(due - now, undefined, { signal }).catch(() => undefined);
    const query = queries[queryAt(lane, turn, lanes, queries.length)];
    if (query === undefined || signal.aborted) return;
    try {
      const rowsRead = await ask(query);
      tally.answered(query, performance.now() - started - due, rowsRead, due >= warmupMs);
    } catch (error) {
      tally.failed(query, error);
    }
  }
}
