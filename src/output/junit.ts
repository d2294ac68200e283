import type { DateReport, EntityReport, ReconcileReport } from '../core/reconcile-report.ts';
import { junitXml, seconds } from './junit-xml.ts';
import { kindText, percent } from './reconcile-text.ts';

/** A test suite a date, a test case an entity: failed when it differs, an error when it could not be compared. */
export function reconcileJunit(report: ReconcileReport): string {
  const suites = report.dates.map((date) => suiteOf(date, report));
  return junitXml({ '@name': 'lambdactl reconcile', '@time': seconds(report.elapsedMs), testsuite: suites });
}

function suiteOf(date: DateReport, { startedAt, thresholdPercent }: ReconcileReport) {
  const cases =
    date.entities.length === 0
      ? [{ '@classname': `reconcile.${date.date}`, '@name': 'watermarks', '@time': '0.000', ...notReadyOf(date) }]
      : date.entities.map((entity) => caseOf(date, entity, thresholdPercent));
  return {
    '@name': date.date,
    '@timestamp': startedAt,
    '@tests': String(cases.length),
    '@failures': String(date.entities.filter(({ verdict }) => verdict === 'differ').length),
    '@errors': date.verdict === 'not-ready' ? '1' : '0',
    testcase: cases,
  };
}

function notReadyOf({ notReady }: DateReport) {
  const text = notReady.map(({ layer, reason, actions }) => [`${layer}: ${reason}`, ...actions].join('\n')).join('\n');
  return { error: { '@type': 'NOT_READY', '@message': notReady.map(({ reason }) => reason).join(' '), '#text': text } };
}

function caseOf({ date }: DateReport, entity: EntityReport, thresholdPercent: number) {
  const { rows, consistencyPercent, elapsedMs } = entity;
  const message = `${percent(consistencyPercent)} consistent, asked for ${thresholdPercent} %: ${rows.missing} missing, ${rows.extra} extra, ${rows.different} different`;
  return {
    '@classname': `reconcile.${date}`,
    '@name': entity.entity,
    '@time': seconds(elapsedMs.verdict + elapsedMs.rows),
    ...(entity.verdict === 'differ'
      ? { failure: { '@type': 'DIFFER', '@message': message, '#text': rowsText(entity) } }
      : {}),
    // What agrees by the threshold may still differ in rows.
    ...(entity.verdict === 'agree' && entity.differences.length > 0 ? { 'system-out': rowsText(entity) } : {}),
  };
}

function rowsText({ differences, notNamed }: EntityReport): string {
  const lines = differences.map(({ id, kind, columns }) => {
    const changed = kind === 'different' ? `: ${columns.map(({ column }) => column).join(', ')}` : '';
    return `${id} ${kindText[kind]}${changed}`;
  });
  return [...lines, ...(notNamed > 0 ? [`… and ${notNamed} more`] : [])].join('\n');
}
