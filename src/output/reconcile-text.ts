import type {
  DateReport,
  EntityReport,
  ReconcileHistory,
  ReconcileReport,
  RowDifference,
} from '../core/reconcile-report.ts';
import { duration, grouped } from './format.ts';
import { table } from './table.ts';

/** Differing rows printed for an entity; the JSON and HTML reports have all that are named. */
const printedRows = 20;

/** A percentage with as many digits as its distance from 100 needs, cut and not rounded: 99.9999 is not 100, 99.8999 not 99.9. */
export function percent(value: number): string {
  if (value === 100) return '100 %';
  const digits = Math.min(10, Math.max(2, Math.ceil(-Math.log10(100 - value))));
  const factor = 10 ** digits;
  // What binary fractions lose must not cost a digit.
  return `${(Math.floor(value * factor + 1e-6) / factor).toFixed(digits)} %`;
}

/** What a kind of difference means, for people. */
export const kindText: Record<RowDifference['kind'], string> = {
  missing: 'only in the speed layer',
  extra: 'only in the batch layer',
  different: 'other values',
  duplicate: 'more than one copy',
};

export function reconcileText(report: ReconcileReport): string {
  const rows = report.dates.flatMap((date) =>
    date.entities.length === 0 ? [emptyRow(date)] : date.entities.map((entity) => entityRow(date, entity)),
  );
  const headers = [
    'DATE',
    'ENTITY',
    '',
    'CONSISTENT>',
    'SPEED>',
    'BATCH>',
    'MISSING>',
    'EXTRA>',
    'DIFFERENT>',
    'LATE>',
  ];
  return [
    table(headers, rows),
    ...report.dates.flatMap(dateNotes),
    ...report.dates.flatMap(({ date, entities }) => entities.flatMap((entity) => differencesText(date, entity))),
    ...repairText(report),
    '',
    `${verdictText(report)} Asked for at least ${report.thresholdPercent} %; took ${duration(report.elapsedMs)}.`,
  ].join('\n');
}

export function verdictText({ verdict }: Pick<ReconcileReport, 'verdict'>): string {
  if (verdict === 'agree') return 'The layers agree.';
  return verdict === 'differ' ? 'The layers differ.' : 'Not everything could be compared.';
}

const emptyRow = ({ date, verdict }: DateReport): string[] => [date, '', verdict, '', '', '', '', '', '', ''];

function entityRow({ date }: DateReport, { entity, verdict, consistencyPercent, rows }: EntityReport): string[] {
  const counts = [rows.speed, rows.batch, rows.missing, rows.extra, rows.different, rows.late].map(grouped);
  return [date, entity, verdict, percent(consistencyPercent), ...counts];
}

function dateNotes({ date, day, notReady, watermarks, entities, sla }: DateReport): string[] {
  const late = entities.reduce((sum, { rows }) => sum + rows.late, 0);
  return [
    ...notReady.map(
      ({ layer, reason, actions }) => `\n${date} ${layer}: ${reason}${actions.map((each) => `\n  → ${each}`).join('')}`,
    ),
    ...(notReady.length === 0 && day === 'unfinished'
      ? [`\n${date} is not finished: the batch holds ${watermarks.batch.detail}.`]
      : []),
    ...(late > 0
      ? [`\n${date}: ${grouped(late)} rows came after the batch had looked; its next run brings them.`]
      : []),
    ...(watermarks.speed.passed === null ? [`\n${date}: ${watermarks.speed.detail}.`] : []),
    ...(sla.breached ? [`\n${date} should have agreed since ${sla.dueAt} (SLA).`] : []),
  ];
}

function differencesText(date: string, { entity, differences, notNamed, sums, columns }: EntityReport): string[] {
  const unequal = sums.filter(({ speed, batch }) => speed !== batch);
  const excluded = columns.excluded.map(({ column, reason }) => `${column} (${reason})`).join(', ');
  const left = notNamed + Math.max(0, differences.length - printedRows);
  return [
    ...unequal.map(
      ({ column, speed, batch }) => `\n${date} ${entity}: sum of ${column} ${speed} (speed), ${batch} (batch)`,
    ),
    ...(excluded === '' ? [] : [`\n${date} ${entity}: not compared: ${excluded}`]),
    ...(differences.length === 0 ? [] : ['']),
    ...differences.slice(0, printedRows).map((row) => `${entity} ${row.id}  ${kindText[row.kind]}${columnsText(row)}`),
    ...(left > 0 ? [`… and ${grouped(left)} more (--max-rows, --json, --html)`] : []),
  ];
}

function columnsText({ kind, columns, copies }: RowDifference): string {
  if (kind === 'duplicate') return ` (${copies.speed} speed, ${copies.batch} batch)`;
  if (kind !== 'different') return '';
  return columns
    .map(({ column, speed, batch }) => `\n    ${column}: ${value(speed)} (speed), ${value(batch)} (batch)`)
    .join('');
}

const value = (text: string | null): string => (text === null ? 'NULL' : JSON.stringify(text));

function repairText({ repair }: ReconcileReport): string[] {
  if (repair === null) return [];
  return [
    '',
    ...repair.dates.map(
      ({ date, before, after, detail }) =>
        `Repaired ${date}: ${grouped(before)} → ${grouped(after)} differing rows, ${detail}.`,
    ),
    ...repair.advice.map((line) => `  → ${line}`),
  ];
}

export function historyText({ stack, runs }: ReconcileHistory): string {
  if (runs.length === 0) return `Stack "${stack}" keeps no results yet.\n  → lambdactl reconcile --date yesterday`;
  const rows = runs.map((run) => [
    run.date,
    run.startedAt,
    run.verdict,
    run.consistencyPercent === null ? '' : percent(run.consistencyPercent),
    grouped(run.differing),
    grouped(run.late),
    run.slaBreached ? 'breached' : '',
  ]);
  return table(['DATE', 'COMPARED AT', '', 'CONSISTENT>', 'DIFFERING>', 'LATE>', 'SLA'], rows);
}
