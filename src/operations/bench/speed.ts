import { drained } from '../../bench/drain.ts';
import { startOffsets } from '../../bench/ledger/kafka.ts';
import { type Load, type LoadResult, startLoad } from '../../bench/load.ts';
import { latencyThresholds, ledgerThresholds, rateThreshold } from '../../bench/thresholds.ts';
import { throughputOf } from '../../bench/throughput.ts';
import { liveProgress, type RunWindow, visibleLatencies, visibleRows } from '../../bench/visible.ts';
import type { LatencyReport, LedgerReport, Percentiles } from '../../core/bench-report.ts';
import type { Bootstrap } from '../../core/bootstrap.ts';
import { LambdaError } from '../../core/errors.ts';
import { step } from '../../core/events.ts';
import type { RunOptions } from '../../generator/options.ts';
import { clickhouse as layout } from '../../platform/pipeline.ts';
import { type ClickHouseClient, openClickHouse } from '../../probes/clickhouse.ts';
import type { TopicOffsets } from '../../probes/kafka-reader.ts';
import { brokersOf } from '../brokers.ts';
import { type CountedLedger, countRun } from './ledger.ts';
import type { Scenario, ScenarioContext, ScenarioFindings } from './scenario.ts';

const defaultRate = 20_000;
const drainEveryMs = 1000;

/** Generator → Kafka → Spark → ClickHouse at a steady rate, with everything else of the stack at work beside it. */
export const speedScenario: Scenario = async (context) => {
  const bootstrap = await brokersOf(context.stack.runtime);
  const clickhouse = openClickHouse(await context.stack.runtime.endpoint('clickhouse', 'http'), layout.database);
  try {
    return await new SpeedRun(context, bootstrap, clickhouse).complete();
  } finally {
    await clickhouse.close();
  }
};

class SpeedRun {
  private readonly context: ScenarioContext;
  private readonly bootstrap: Bootstrap;
  private readonly clickhouse: ClickHouseClient;
  private readonly rate: number;
  private readonly durationMs: number;
  private readonly startedAt = Date.now();
  private readonly notes: string[] = [];

  constructor(context: ScenarioContext, bootstrap: Bootstrap, clickhouse: ClickHouseClient) {
    this.context = context;
    this.bootstrap = bootstrap;
    this.clickhouse = clickhouse;
    this.rate = context.request.rate ?? defaultRate;
    this.durationMs = context.request.durationMs;
  }

  async complete(): Promise<ScenarioFindings> {
    const { context, bootstrap } = this;
    const offsets = await startOffsets(bootstrap);
    const { result, window, visible } = await this.load();
    const partial = context.signal.aborted;
    // What was interrupted is not counted: half of it is still on its way.
    const counted = partial ? null : await this.count(result, offsets);
    const ledger = counted?.ledger ?? null;
    const latencyMs = visible === 0 ? null : await this.latency(window, result, counted);
    return {
      request: {
        rate: this.rate,
        durationMs: this.durationMs,
        warmupMs: context.request.warmupMs,
        seed: result.seed,
        events: null,
        concurrency: null,
      },
      throughput: throughputOf(result, this.rate),
      ledger,
      latencyMs,
      thresholds: this.thresholds(result, latencyMs, ledger, partial),
      steps: [],
      queries: [],
      reference: [],
      notes: [...notesOf(result, this.rate), ...this.notes],
      records: result.sent,
      work: 'generator',
      partial,
    };
  }

  private thresholds(
    result: LoadResult,
    latency: Percentiles | null,
    ledger: LedgerReport | null,
    partial: boolean,
  ): ScenarioFindings['thresholds'] {
    const { p95Ms: p95, p99Ms: p99 } = this.context.profile.bench.speed;
    const latencies = latencyThresholds(latency, { p95, p99 });
    if (partial) return latency === null ? [] : latencies;
    return [...latencies, rateThreshold(result.achievedRate, this.rate), ...ledgerThresholds(ledger)];
  }

  private options(): RunOptions {
    const { warmupMs, seed } = this.context.request;
    const sink = { type: 'kafka' as const, bootstrap: this.bootstrap };
    return { rate: this.rate, duration: warmupMs + this.durationMs, seed, sink };
  }

  /** The measured part: until every event is visible, or nothing new becomes so. */
  private async load(): Promise<{ result: LoadResult; window: RunWindow; visible: number }> {
    const { context, clickhouse } = this;
    const { warmupMs } = context.request;
    let load: Load | null = null;
    const live = async () => ({
      sent: load?.sent() ?? 0,
      ...(await liveProgress(clickhouse, this.startedAt).catch(() => ({ visible: null, latencyMs: null }))),
    });
    return context.measure(live, async () => {
      load = startLoad({ options: this.options(), warmupMs }, context.signal);
      const result = await load.done;
      const window = { from: Date.parse(result.startTime), to: Date.parse(result.endTime), startedAt: this.startedAt };
      const { signal } = context;
      // A look that fails is made again.
      const arrived = () => visibleRows(clickhouse, window).catch(() => -1);
      const visible = signal.aborted
        ? await visibleRows(clickhouse, window)
        : await drained({ arrived, sent: result.valid, everyMs: drainEveryMs, signal });
      return { result, window, visible };
    });
  }

  private async latency(
    window: RunWindow,
    result: LoadResult,
    counted: CountedLedger | null,
  ): Promise<LatencyReport | null> {
    const countFrom = window.from + this.context.request.warmupMs;
    const visible = (await visibleLatencies(this.clickhouse, window, countFrom)).percentiles();
    if (visible === null) return null;
    const kafka = result.acknowledged;
    return {
      ...visible,
      hops: {
        ...(kafka === null ? {} : { kafka: { ...kafka, meaning: 'event due until acknowledged by Kafka' } }),
        clickhouse: {
          ...visible,
          meaning: 'event due until the last insert of its micro-batch was answered (upper bound)',
        },
        ...(counted?.lake == null
          ? {}
          : { lake: { ...counted.lake, meaning: 'event due until its commit to Iceberg; warm-up included' } }),
      },
    };
  }

  private count(result: LoadResult, offsets: TopicOffsets): Promise<CountedLedger | null> {
    return step(this.context, { id: 'ledger', title: 'Count every id at every hop' }, async () => {
      const run = { options: this.options(), result, offsets, since: this.startedAt };
      const value = await countRun(this.context, run);
      const { lost, doubled, alien, altered } = value.ledger;
      return { value, detail: `${lost} lost, ${doubled} doubled, ${alien} alien, ${altered} altered` };
    }).catch((error: unknown) => {
      if (!(error instanceof LambdaError) || error.category === 'interrupted') throw error;
      // The other figures are still true; without its ledger the run has failed all the same.
      this.notes.push(`The ledger could not be made: ${error.message}`);
      return null;
    });
  }
}

function notesOf({ achievedRate, lateMsMax }: LoadResult, rate: number): string[] {
  if (achievedRate >= rate * 0.99 && lateMsMax < 1000) return [];
  const behind = `up to ${(lateMsMax / 1000).toFixed(1)} s behind its schedule`;
  return [
    `The generator brought ${Math.round(achievedRate)} of ${rate} records/s into Kafka and was ${behind}: this machine does not carry the rate that was asked for.`,
  ];
}
