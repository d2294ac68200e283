import { setTimeout as sleep } from 'node:timers/promises';
import { type Load, type LoadResult, startLoad } from '../../bench/load.ts';
import { dashboardQueries } from '../../bench/queries.ts';
import { type WrongAnswer, wrongAnswers } from '../../bench/query-exactness.ts';
import { QueryTally, runLanes } from '../../bench/query-lanes.ts';
import { atMost, latencyThresholds, rateThreshold } from '../../bench/thresholds.ts';
import { throughputOf } from '../../bench/throughput.ts';
import { liveProgress } from '../../bench/visible.ts';
import type { LatencyReport, ThresholdReport } from '../../core/bench-report.ts';
import { messageOf } from '../../core/errors.ts';
import { step } from '../../core/events.ts';
import type { RunOptions } from '../../generator/options.ts';
import { userAt } from '../../generator/users.ts';
import { clickhouse as layout } from '../../platform/pipeline.ts';
import {
  type ClickHouseClient,
  type DashboardClient,
  openClickHouse,
  openDashboards,
} from '../../probes/clickhouse.ts';
import { brokersOf } from '../brokers.ts';
import type { Scenario, ScenarioContext, ScenarioFindings } from './scenario.ts';

const defaultRate = 20_000;
const defaultConcurrency = 4;
/** As many as the generator has by default: users who are there. */
const users = 10_000;
/** Without a new row for so long, nobody writes any more. */
const quietAfterMs = 6000;
const longestWaitMs = 120_000;

/** Dashboards on the speed layer while events stream into it: what their users wait. */
export const queryScenario: Scenario = async (context) => {
  const server = await context.stack.runtime.endpoint('clickhouse', 'http');
  const concurrency = context.request.concurrency ?? defaultConcurrency;
  const dashboards = openDashboards(server, layout.database, concurrency);
  const clickhouse = openClickHouse(server, layout.database);
  try {
    return await new QueryRun(context, { dashboards, clickhouse, concurrency }).complete();
  } finally {
    await Promise.all([dashboards.close(), clickhouse.close()]);
  }
};

interface Connections {
  dashboards: DashboardClient;
  clickhouse: ClickHouseClient;
  concurrency: number;
}

class QueryRun {
  private readonly context: ScenarioContext;
  private readonly connections: Connections;
  private readonly rate: number;
  private readonly durationMs: number;
  private readonly tally = new QueryTally();
  private readonly startedAt = Date.now();
  private nextUser = 0;

  constructor(context: ScenarioContext, connections: Connections) {
    this.context = context;
    this.connections = connections;
    this.rate = context.request.rate ?? defaultRate;
    this.durationMs = context.request.durationMs;
  }

  async complete(): Promise<ScenarioFindings> {
    const { context, rate, durationMs, tally } = this;
    const result = await this.measured();
    const partial = context.signal.aborted;
    const wrong = partial ? null : await this.exactness();
    const { warmupMs } = context.request;
    return {
      request: {
        rate,
        durationMs,
        warmupMs,
        seed: result.seed,
        events: null,
        concurrency: this.connections.concurrency,
      },
      throughput: throughputOf(result, rate),
      ledger: null,
      latencyMs: this.latency(),
      thresholds: this.thresholds(result, wrong),
      steps: [],
      queries: tally.report(dashboardQueries),
      reference: [],
      notes: this.notes(wrong),
      records: result.sent,
      work: 'generator',
      partial,
    };
  }

  /** Load and dashboards side by side. */
  private async measured(): Promise<LoadResult> {
    const { context, rate, durationMs, tally } = this;
    const { clickhouse, concurrency } = this.connections;
    const { warmupMs, seed } = context.request;
    const bootstrap = await brokersOf(context.stack.runtime);
    const sink: RunOptions['sink'] = { type: 'kafka', bootstrap };
    let load: Load | null = null;
    const live = async () => {
      const { visible } = await liveProgress(clickhouse, this.startedAt).catch(() => ({ visible: null }));
      return { sent: load?.sent() ?? 0, visible, latencyMs: tally.newestMs };
    };
    return context.measure(live, async () => {
      load = startLoad({ options: { rate, duration: warmupMs + durationMs, seed, sink }, warmupMs }, context.signal);
      const lanes = { queries: dashboardQueries, lanes: concurrency, warmupMs, durationMs };
      const ask = async (query: { sql: string }) => (await this.ask(query, this.parameters(this.user()))).rowsRead;
      // A generator that fails ends the questions too: without its load they would measure something else.
      const failed = new AbortController();
      load.done.catch(() => failed.abort());
      await runLanes(lanes, ask, tally, AbortSignal.any([context.signal, failed.signal]));
      return load.done;
    });
  }

  private ask({ sql }: { sql: string }, params: Readonly<Record<string, unknown>>, projections = true) {
    return this.connections.dashboards.ask(sql, params, projections ? {} : { optimize_use_projections: 0 });
  }

  private parameters(user: string) {
    return { now: Math.floor(Date.now() / 1000), user };
  }

  /** Another one each time, so that nobody's rows stay in a cache. */
  private user(): string {
    this.nextUser = (this.nextUser + 7919) % users;
    return userAt(this.nextUser).user_id;
  }

  /** Whether projections answer what the rows say, once nothing is written any more. */
  private async exactness(): Promise<readonly WrongAnswer[] | null> {
    return step(this.context, { id: 'exactness', title: 'Ask again without projections' }, async () => {
      if (!(await this.quiet())) return { value: null, detail: 'left out: rows are still being written' };
      const params = this.parameters(this.user());
      const value = await wrongAnswers(dashboardQueries, async (query, projections) => {
        return (await this.ask(query, params, projections)).rows;
      });
      return { value, detail: `${dashboardQueries.length} queries, ${value.length} wrong answers` };
    });
  }

  /** @returns false when rows keep coming */
  private async quiet(): Promise<boolean> {
    const started = performance.now();
    let [rows, since] = [-1, started];
    while (performance.now() - started < longestWaitMs && !this.context.signal.aborted) {
      const [found] = await this.connections.clickhouse.rows<{ n: string }>(
        'SELECT (SELECT count() FROM user_events_realtime) + (SELECT count() FROM transactions_realtime) AS n',
      );
      if (Number(found?.n) !== rows) [rows, since] = [Number(found?.n), performance.now()];
      if (performance.now() - since >= quietAfterMs) return true;
      await sleep(1000, undefined, { signal: this.context.signal }).catch(() => undefined);
    }
    return false;
  }

  private latency(): LatencyReport | null {
    const all = this.tally.all.percentiles();
    if (all === null) return null;
    return { ...all, hops: { dashboard: { ...all, meaning: 'query due until its whole answer is here' } } };
  }

  private thresholds(result: LoadResult, wrong: readonly WrongAnswer[] | null): ThresholdReport[] {
    const { tally, context, rate } = this;
    const all = tally.all.percentiles();
    const latencies = latencyThresholds(all, { p95: context.profile.bench.query.p95Ms });
    if (context.signal.aborted) return all === null ? [] : latencies;
    const errors = tally.report(dashboardQueries).reduce((sum, query) => sum + query.errors, 0);
    return [
      ...latencies,
      atMost('failed queries', errors + tally.unasked, 0, 'records'),
      atMost('wrong answers', wrong?.length ?? null, 0, 'records'),
      rateThreshold(result.achievedRate, rate),
    ];
  }

  private notes(wrong: readonly WrongAnswer[] | null): string[] {
    const { tally } = this;
    const failures = [...tally.errors].map(([name, error]) => `Query ${name} failed: ${messageOf(error)}`);
    const unasked =
      tally.unasked === 0
        ? []
        : [`${tally.unasked} queries were due and never asked: the server was too slow for them.`];
    const differing = (wrong ?? []).map(
      ({ name, fromProjections, fromRows }) =>
        `Query ${name} answers ${fromProjections ?? 'no row'} from projections and ${fromRows ?? 'no row'} from the rows.`,
    );
    return [
      'Counts of users and sessions over everybody are estimates (docs/dashboards.md); the rest is exact.',
      ...failures,
      ...unasked,
      ...differing,
    ];
  }
}
