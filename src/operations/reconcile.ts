import { join } from 'node:path';
import { LambdaError, usageError } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import type {
  DateReport,
  EntityReport,
  ReconcileHistory,
  ReconcileReport,
  Watermarks,
} from '../core/reconcile-report.ts';
import type { Profile } from '../platform/profile.ts';
import { compareEntity } from '../reconcile/compare.ts';
import { type EntityName, entityNames, entityOf, layoutOf } from '../reconcile/entities.ts';
import { datesBetween, nextDate, parseDate } from './batch/date.ts';
import { runBatch } from './batch/run.ts';
import { numberFlag } from './number-flags.ts';
import { loadSchema } from './provision/schemas.ts';
import { keepReport, readHistory } from './reconcile/history.ts';
import { type Layers, openLayers } from './reconcile/layers.ts';
import { repair } from './reconcile/repair.ts';
import { raiseAlert, slaOf } from './reconcile/sla.ts';
import { type BatchRow, batchOf, presentColumns, speedWatermark } from './reconcile/watermarks.ts';
import { type OpenStack, openStack, projectRoot, type StackRef } from './stack.ts';

export interface ReconcileRequest extends StackRef {
  /** YYYY-MM-DD, today or yesterday (UTC). */
  date: string;
  /** Last date of a range, included. */
  to: string | undefined;
  entity: EntityName | 'all';
  /** Process differing dates again and compare once more. */
  repair: boolean;
  /** Differing rows named for an entity and date. */
  maxRows: number;
  /** Consistency in percent from which layers count as agreeing; "profile": reconcile.threshold of the profile. */
  threshold: string;
}

/** Values of --entity. */
export const entityChoices = [...entityNames, 'all'] as const;

interface Settings {
  /** Below it an overdue date raises the alert. */
  slaThresholdPercent: number;
  thresholdPercent: number;
  maxRows: number;
  slaHours: number;
  webhook: string | undefined;
  entities: readonly EntityName[];
}

/**
 * Compares the speed layer with the batch layer, date by date, and keeps the result in the stack.
 * @throws LambdaError BAD_DATE, NOT_UP, RECONCILE_FAILED when a layer refuses a question
 */
export async function reconcile(request: ReconcileRequest, context: OperationContext): Promise<ReconcileReport> {
  const started = Date.now();
  const first = parseDate(request.date);
  const dates = datesBetween(first, request.to === undefined ? first : parseDate(request.to));
  const stack = await openStack(request);
  await stack.requireUp();
  const profile = profileOf(stack);
  const settings = settingsOf(profile, request);
  const layers = await openLayers(stack, profile);
  try {
    const found = await compareDates(stack, layers, dates, settings, context);
    const mended = request.repair
      ? await repair(stack, found, context, runBatch, (again) => compareDates(stack, layers, again, settings, context))
      : { dates: found, report: null };
    const alerted = await Promise.all(mended.dates.map((date) => raiseAlert(date, stack.name, settings.webhook)));
    const report: ReconcileReport = {
      version: 1,
      stack: stack.name,
      startedAt: new Date(started).toISOString(),
      elapsedMs: Date.now() - started,
      thresholdPercent: settings.thresholdPercent,
      maxRows: settings.maxRows,
      verdict: verdictOf(alerted.map(({ verdict }) => verdict)),
      dates: alerted,
      repair: mended.report,
    };
    await keepReport(stack.paths, report);
    tellAlerts(report, context);
    return report;
  } finally {
    await layers.close();
  }
}

/** Kept results of a stack, newest first. */
export async function reconcileHistory(ref: StackRef): Promise<ReconcileHistory> {
  return readHistory((await openStack(ref)).paths);
}

/** A difference anywhere outweighs a date that could not be compared: it is the more certain news. */
export function verdictOf(verdicts: readonly ReconcileReport['verdict'][]): ReconcileReport['verdict'] {
  if (verdicts.includes('differ')) return 'differ';
  return verdicts.includes('not-ready') ? 'not-ready' : 'agree';
}

/** The failure that a report without a verdict ends in. */
export function notReadyError(report: ReconcileReport): LambdaError {
  const open = report.dates.filter(({ verdict }) => verdict === 'not-ready');
  const reasons = open.flatMap(({ date, notReady }) =>
    notReady.map(({ layer, reason }) => `${date} (${layer}): ${reason}`),
  );
  return new LambdaError(
    `${open.length} of ${report.dates.length} dates cannot be compared yet. ${reasons.join(' ')}`,
    {
      code: 'NOT_READY',
      category: 'external',
      retryable: true,
      actions: [...new Set(open.flatMap(({ notReady }) => notReady.flatMap(({ actions }) => actions)))],
      details: { report },
    },
  );
}

function profileOf({ profile, name }: OpenStack): Profile {
  if (profile !== null) return profile;
  throw usageError(`The profile of stack "${name}" is of another version of lambdactl.`, {
    code: 'PROFILE_INVALID',
    actions: ['lambdactl up'],
  });
}

function settingsOf(profile: Profile, request: ReconcileRequest): Settings {
  return {
    thresholdPercent: thresholdOf(request.threshold, profile),
    slaThresholdPercent: profile.reconcile.threshold,
    slaHours: profile.reconcile.slaHours,
    webhook: profile.alerts.webhook,
    maxRows: request.maxRows,
    entities: request.entity === 'all' ? entityNames : [request.entity],
  };
}

/** @throws LambdaError BAD_NUMBER */
function thresholdOf(text: string, profile: Profile): number {
  if (text === 'profile') return profile.reconcile.threshold;
  const percent = numberFlag('threshold', text);
  if (percent !== undefined && percent >= 0 && percent <= 100) return percent;
  throw usageError(`--threshold ${text}: a percentage from 0 to 100, or "profile".`, { code: 'BAD_NUMBER' });
}

async function compareDates(
  stack: OpenStack,
  layers: Layers,
  dates: readonly string[],
  settings: Settings,
  context: OperationContext,
): Promise<DateReport[]> {
  const speed = await step(context, { id: 'reconcile/speed', title: 'Speed layer' }, async () => {
    const value = await speedWatermark(stack, layers.speed.ask, settings.entities, context.signal);
    return { value, detail: value.detail };
  });
  const reports: DateReport[] = [];
  for (const date of dates) {
    context.signal.throwIfAborted();
    const batch = await batchOf(layers.batch.ask, date);
    const entities: EntityReport[] = [];
    if (batch !== null && speed.passed !== false) {
      for (const name of settings.entities) {
        entities.push(await compare(layers, name, { date, batch }, settings, context));
      }
    }
    reports.push(dateReport(date, { speed, batch, entities }, settings, Date.now()));
  }
  return reports;
}

async function compare(
  layers: Layers,
  name: EntityName,
  { date, batch }: { date: string; batch: BatchRow },
  settings: Settings,
  context: OperationContext,
): Promise<EntityReport> {
  return step(context, { id: `reconcile/${date}/${name}`, title: `${date} ${name}` }, async () => {
    const schema = await loadSchema(join(projectRoot, 'schemas', layoutOf(name).schema));
    const entity = entityOf(name, schema, await presentColumns(layers.speed.ask, layers.batch.ask, name));
    const scope = { entity, date, lakeTime: batch.lakeTime };
    const value = await compareEntity(layers.speed, layers.batch, scope, settings);
    return { value, detail: value.verdict };
  });
}

/** @param found what was asked of both layers; no entities where one of them is not ready */
export function dateReport(
  date: string,
  found: { speed: Watermarks['speed']; batch: BatchRow | null; entities: readonly EntityReport[] },
  { slaHours, slaThresholdPercent }: Pick<Settings, 'slaHours' | 'slaThresholdPercent'>,
  now: number,
): DateReport {
  const { speed, batch, entities } = found;
  const notReady: DateReport['notReady'] = [
    ...(speed.passed === false
      ? [{ layer: 'speed' as const, reason: `${speed.detail}.`, actions: ['lambdactl health', 'lambdactl logs spark'] }]
      : []),
    ...(batch === null
      ? [
          {
            layer: 'batch' as const,
            reason: 'No batch of this date was loaded.',
            actions: [`lambdactl batch run --date ${date}`],
          },
        ]
      : []),
  ];
  const verdict = notReady.length > 0 ? 'not-ready' : verdictOf(entities.map((each) => each.verdict));
  // Single rows that differ are a finding; the alert is for a date that is not consistent enough.
  const isBelow = entities.some(({ consistencyPercent }) => consistencyPercent < slaThresholdPercent);
  const lakeTime = batch === null ? null : new Date(batch.lakeTime).toISOString();
  const whole = batch !== null && batch.lakeTime >= Date.parse(`${nextDate(date)}T00:00:00Z`);
  return {
    date,
    verdict,
    day: whole ? 'finished' : 'unfinished',
    notReady,
    watermarks: {
      speed,
      batch: {
        passed: whole,
        batchId: batch?.id ?? null,
        lakeTime,
        detail: lakeTime === null ? 'no batch' : whole ? 'the whole day' : `the day until ${lakeTime}`,
      },
    },
    entities,
    sla: slaOf(date, isBelow ? verdict : 'agree', slaHours, now),
  };
}

function tellAlerts({ dates }: ReconcileReport, { emit }: OperationContext): void {
  for (const { date, sla } of dates.filter((each) => each.sla.breached)) {
    const alert = sla.alert === null ? 'no webhook is set (alerts.webhook)' : sla.alert.detail;
    emit({ type: 'warning', message: `${date} should have agreed since ${sla.dueAt}: ${alert}.` });
  }
}
