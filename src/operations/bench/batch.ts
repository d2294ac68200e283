import { type FreeTime, freeTime } from '../../bench/free-time.ts';
import { startOffsets } from '../../bench/ledger/kafka.ts';
import { atMost, ledgerThresholds } from '../../bench/thresholds.ts';
import { throughputOf } from '../../bench/throughput.ts';
import type { BenchReport, LedgerReport, ThresholdReport } from '../../core/bench-report.ts';
import { messageOf } from '../../core/errors.ts';
import { step } from '../../core/events.ts';
import { hasProcess } from '../../core/service-spec.ts';
import { streamNames } from '../../generator/generator.ts';
import type { RunOptions } from '../../generator/options.ts';
import { runGenerator } from '../../generator/run.ts';
import { endOffsets } from '../../probes/kafka.ts';
import { type BatchReport, runBatch } from '../batch/run.ts';
import { brokersOf } from '../brokers.ts';
import { lakeSpans } from '../lake/ids.ts';
import { reconcile } from '../reconcile.ts';
import { batchLedger, type SentDay } from './batch-ledger.ts';
import type { Scenario, ScenarioContext, ScenarioFindings } from './scenario.ts';

const defaultEvents = 1_000_000;
/** Events a second of event time: how long a stretch of the day they fill. */
const defaultRate = 20_000;
/** Kafka forgets records by their own time; two days before it would. */
const daysBack = 5;

/** A day's events through lake, Spark, RAW and dbt to the marts, and a count of every id on the way. */
export const batchScenario: Scenario = async (context) => new BatchRun(context).complete();

class BatchRun {
  private readonly context: ScenarioContext;
  private readonly events: number;
  private readonly rate: number;
  private readonly notes: string[] = [];

  constructor(context: ScenarioContext) {
    this.context = context;
    this.events = context.request.events ?? defaultEvents;
    this.rate = context.request.rate ?? defaultRate;
  }

  async complete(): Promise<ScenarioFindings> {
    const { context } = this;
    const sent = await this.send();
    const batch = await this.untilAborted(() =>
      context.measure(
        async () => ({ sent: sent.result.sent, visible: null, latencyMs: null }),
        () => runBatch(context.stack, sent.date, context),
      ),
    );
    if (batch?.ok === false)
      this.notes.push(`Tests of dbt or rules of quality do not hold: lambdactl batch run --date ${sent.date}`);
    const reconciled = batch === null ? null : await this.untilAborted(() => this.reconciled(sent.date));
    const ledger = batch === null ? null : await this.untilAborted(() => batchLedger(context, sent));
    return this.findings(sent, batch, reconciled, ledger);
  }

  /** The load, told as history: event time passes at the rate, and nothing waits for the clock. */
  private async send(): Promise<SentDay> {
    const { context, events, rate } = this;
    const bootstrap = await brokersOf(context.stack.runtime);
    const { from: startTime, date } = await this.place((events / rate) * 1000);
    const from = await startOffsets(bootstrap);
    const since = Date.now();
    const { seed } = context.request;
    const sink = { type: 'kafka' as const, bootstrap };
    const options: RunOptions = { seed, rate, count: events, startTime, paced: false, sink };
    const result = await step(context, { id: 'generate', title: `Generate ${events} events of ${date}` }, async () => {
      const value = await runGenerator(options, {
        signal: context.signal,
        onProgress: ({ sent: done }) =>
          context.emit({ type: 'progress', id: 'generate', done, total: events, unit: 'events' }),
      });
      return { value, detail: `${value.sent} sent, ${Math.round(value.achievedRate)}/s` };
    });
    const to = await endOffsets(bootstrap, streamNames);
    return { options, result, from, to, since, date };
  }

  /** A stretch of time that no other event is in: only then can every row in it be asked for its id. */
  private async place(lengthMs: number): Promise<FreeTime> {
    const { stack } = this.context;
    const now = Date.now();
    const found = freeTime(await lakeSpans(stack, streamNames, this.context), { lengthMs, now, days: daysBack });
    if (found !== null) return found;
    this.notes.push(
      `No stretch of ${Math.ceil(lengthMs / 1000)} s was free of other events within ${daysBack} days: in RAW and STAGING theirs count as alien.`,
    );
    return { from: now - lengthMs, date: new Date(now - lengthMs).toISOString().slice(0, 10) };
  }

  /** Only where the speed layer works: else there is nothing to compare with. */
  private async reconciled(date: string): Promise<BenchReport['steps'][number] | null> {
    const { context } = this;
    const { services } = await context.stack.runtime.observe();
    if (!services.some((each) => each.component === 'spark' && hasProcess(each))) {
      this.notes.push('The speed layer does not run: the layers were not reconciled.');
      return null;
    }
    const ref = { home: context.stack.home, stack: context.stack.name };
    const report = await reconcile(
      { ...ref, date, to: undefined, entity: 'all', repair: false, maxRows: 10, threshold: 'profile' },
      context,
    );
    return { name: 'reconcile', elapsedMs: report.elapsedMs, detail: report.verdict };
  }

  /** null once Ctrl-C came, whatever that broke off. */
  private async untilAborted<T>(work: () => Promise<T>): Promise<T | null> {
    const { signal } = this.context;
    if (signal.aborted) return null;
    try {
      return await work();
    } catch (error) {
      if (!signal.aborted) throw error;
      this.notes.push(`Interrupted: ${messageOf(error)}`);
      return null;
    }
  }

  private findings(
    { result, options }: SentDay,
    batch: BatchReport | null,
    reconciled: BenchReport['steps'][number] | null,
    ledger: LedgerReport | null,
  ): ScenarioFindings {
    const { context, events, rate, notes } = this;
    const partial = context.signal.aborted;
    const steps = [...(batch === null ? [] : stepsOf(batch)), ...(reconciled === null ? [] : [reconciled])];
    return {
      request: {
        rate,
        durationMs: null,
        warmupMs: 0,
        seed: result.seed,
        events,
        concurrency: null,
      },
      throughput: {
        ...throughputOf(result, rate),
        visible: batch === null ? null : (result.valid * 1000) / batch.elapsedMs,
        records: result.sent + result.transactions,
      },
      thresholds: partial ? [] : thresholdsOf(batch, ledger, context.profile.bench.batch.totalMs),
      ledger,
      // Events that were told as history have no latency of their own.
      latencyMs: null,
      steps,
      queries: [],
      reference: [],
      notes: [
        `The events were told as history from ${String(options.startTime === undefined ? '' : new Date(options.startTime).toISOString())} on, as fast as Kafka took them; "visible" is valid events by the whole time of the batch.`,
        ...notes,
      ],
      records: result.sent,
      work: 'jobs',
      partial,
    };
  }
}

const thresholdsOf = (
  batch: BatchReport | null,
  ledger: LedgerReport | null,
  totalMs: number,
): readonly ThresholdReport[] => [
  atMost('batch in all', batch?.elapsedMs ?? null, totalMs, 'ms'),
  ...ledgerThresholds(ledger),
];

function stepsOf({ stepMs, check, spark, load, dbt, quality }: BatchReport): BenchReport['steps'] {
  const details: Readonly<Record<string, string>> = {
    check: check === undefined ? '' : `waited ${(check.waitedMs / 1000).toFixed(1)} s for the lake`,
    spark: spark === undefined ? '' : `${spark.rows} rows, ${spark.duplicates} re-sends left out`,
    load: load === undefined ? '' : `${load.reduce((sum, { rows }) => sum + rows, 0)} rows`,
    dbt: dbt === undefined ? '' : `${dbt.counts.success} done${dbt.ok ? '' : ', not everything holds'}`,
    quality: quality === undefined ? '' : quality.ok ? 'all rules hold' : 'below the threshold',
  };
  return Object.entries(stepMs).map(([name, elapsedMs]) => ({ name, elapsedMs, detail: details[name] ?? '' }));
}
