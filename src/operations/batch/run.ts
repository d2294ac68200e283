import { randomBytes } from 'node:crypto';
import { LambdaError } from '../../core/errors.ts';
import { type OperationContext, step } from '../../core/events.ts';
import type { Profile } from '../../platform/profile.ts';
import { persistently } from '../../probes/resilience.ts';
import { withLock } from '../../state/lock.ts';
import { buildDate, type DbtReport } from '../dbt.ts';
import { checkQuality } from '../quality/check.ts';
import type { QualityReport } from '../quality/evaluate.ts';
import { type OpenStack, openStack, type StackRef } from '../stack.ts';
import { withWarehouse } from '../warehouse.ts';
import { checkLake, type LakeCheck } from './check.ts';
import { parseDate } from './date.ts';
import { type LoadedTable, type LoadManifest, loadDate } from './load.ts';
import { type PublishReport, publishMetrics } from './publish.ts';
import { readRecord, updateRecord } from './record.ts';
import { runSparkBatch, type SparkManifest } from './spark.ts';

export const batchSteps = ['check', 'spark', 'load', 'dbt', 'quality', 'publish'] as const;
export type BatchStep = (typeof batchSteps)[number];

export interface BatchRequest extends StackRef {
  /** YYYY-MM-DD (UTC), today, yesterday. */
  date: string;
  /** In the order of batchSteps, whatever the order here. */
  steps: readonly BatchStep[];
}

export interface BatchReport {
  date: string;
  batchId: string | null;
  /** Every check that was made holds: dbt's tests, the quality rules. */
  ok: boolean;
  check?: LakeCheck;
  spark?: SparkManifest;
  load?: readonly LoadedTable[];
  dbt?: DbtReport;
  quality?: QualityReport;
  publish?: PublishReport;
  /** Milliseconds by step. */
  stepMs: Readonly<Record<string, number>>;
  elapsedMs: number;
}

/**
 * Steps of a date's batch. Each can be run alone and again: a rerun replaces the date.
 * @throws LambdaError BAD_DATE, BATCH_NOT_PREPARED, LAKE_BEHIND, BATCH_FAILED, BATCH_INCOMPLETE, DBT_FAILED, STACK_BUSY
 */
export async function runBatchSteps(request: BatchRequest, context: OperationContext): Promise<BatchReport> {
  const date = parseDate(request.date);
  const stack = await openStack(request);
  await stack.requireUp();
  return onDate(stack, date, request.steps, context);
}

/** The whole batch of a date on an open stack; what reconcile's repair runs. @throws as runBatchSteps */
export const runBatch = (stack: OpenStack, date: string, context: OperationContext): Promise<BatchReport> =>
  onDate(stack, date, ['check', 'spark', 'load', 'dbt', 'quality', 'publish'], context);

async function onDate(
  stack: OpenStack,
  date: string,
  steps: readonly BatchStep[],
  context: OperationContext,
): Promise<BatchReport> {
  const profile = stack.profile;
  if (profile === null) throw new Error('a stack that is up has a profile');
  const lock = `${stack.paths.stackDir}/run/batch.lock`;
  const options = { command: `lambdactl batch --date ${date}`, waitMs: 5 * 60_000, signal: context.signal };
  // One at a time: Spark's memory is budgeted once, and two loads of a date would undo each other.
  return withLock(lock, options, () => new DateBatch(stack, profile, date, context).run(steps));
}

class DateBatch {
  private readonly stack: OpenStack;
  private readonly profile: Profile;
  private readonly date: string;
  private readonly context: OperationContext;
  private readonly stepMs: Record<string, number> = {};

  constructor(stack: OpenStack, profile: Profile, date: string, context: OperationContext) {
    this.stack = stack;
    this.profile = profile;
    this.date = date;
    this.context = context;
  }

  async run(steps: readonly BatchStep[]): Promise<BatchReport> {
    const started = performance.now();
    const { stack, profile, date, context } = this;
    const asked = (name: BatchStep) => steps.includes(name);
    const check = asked('check') ? await this.timed('check', () => this.check()) : undefined;
    const spark = asked('spark') ? await this.timed('spark', () => this.spark()) : undefined;
    const load = asked('load') ? await this.timed('load', () => this.load()) : undefined;
    const dbt = asked('dbt') ? await this.timed('dbt', () => buildDate(stack, date, context)) : undefined;
    // Rules are about data; what dbt could not build has none.
    const quality =
      asked('quality') && dbt?.ok !== false
        ? await this.timed('quality', () => checkQuality(stack, profile, date, context))
        : undefined;
    const publish = asked('publish') ? await publishMetrics(stack, date, context) : undefined;
    return {
      date,
      batchId: (await readRecord(stack, date)).batchId,
      ok: dbt?.ok !== false && quality?.ok !== false,
      ...(check === undefined ? {} : { check }),
      ...(spark === undefined ? {} : { spark }),
      ...(load === undefined ? {} : { load }),
      ...(dbt === undefined ? {} : { dbt }),
      ...(quality === undefined ? {} : { quality }),
      ...(publish === undefined ? {} : { publish }),
      stepMs: this.stepMs,
      elapsedMs: performance.now() - started,
    };
  }

  private async timed<T>(name: BatchStep, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const value = await work();
    const elapsed = Math.round(performance.now() - started);
    this.stepMs[name] = elapsed;
    await updateRecord(this.stack, this.date, { stepMs: { [name]: elapsed } });
    return value;
  }

  private async check(): Promise<LakeCheck> {
    const check = await checkLake(this.stack, this.context);
    await updateRecord(this.stack, this.date, { lakeTime: check.lakeTime });
    return check;
  }

  private async spark(): Promise<SparkManifest> {
    // Time first, so that names sort; random, so that two tries never share a directory.
    const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const batchId = `${stamp}-${randomBytes(3).toString('hex')}`;
    const manifest = await runSparkBatch(this.stack, { date: this.date, batchId }, this.context);
    await updateRecord(this.stack, this.date, { batchId, manifest: { ...manifest } });
    return manifest;
  }

  private async load(): Promise<readonly LoadedTable[]> {
    const { batchId, lakeTime, manifest } = await readRecord(this.stack, this.date);
    if (batchId === null || manifest === null) {
      throw new LambdaError(`Nothing of ${this.date} lies in the stage yet.`, {
        code: 'BATCH_NOT_PREPARED',
        category: 'usage',
        actions: [`lambdactl batch spark --date ${this.date}`, `All steps: lambdactl batch run --date ${this.date}`],
      });
    }
    return step(this.context, { id: 'load', title: 'Load RAW' }, async () => {
      // Written by the spark step of this version; load checks the counts it takes from it.
      const request = { date: this.date, batchId, lakeTime, manifest: manifest as unknown as LoadManifest };
      const load = () =>
        withWarehouse(this.stack.runtime, this.profile, 'load', (client) => loadDate({ client, ...request }));
      // In a session of its own each time. A COMMIT whose answer was lost is no harm: the date is replaced by itself.
      const { tables } = await persistently('warehouse', load, this.context.signal);
      const rows = tables.reduce((sum, table) => sum + table.rows, 0);
      return { value: tables, detail: `${rows} rows, batch ${batchId}` };
    });
  }
}
