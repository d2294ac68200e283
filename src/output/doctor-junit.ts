import type { CheckReport, DoctorReport, FindingReport } from '../core/doctor-report.ts';
import { junitXml, seconds } from './junit-xml.ts';

/** A test suite an area, a test case a check: failed when it found something, an error when it could not look. */
export function doctorJunit(report: DoctorReport): string {
  const areas = Map.groupBy(report.checks, ({ area }) => area);
  const suites = [...areas].map(([area, checks]) => suiteOf(area, checks, report.startedAt));
  return junitXml({ '@name': 'lambdactl doctor', '@time': seconds(report.elapsedMs), testsuite: suites });
}

function suiteOf(area: string, checks: readonly CheckReport[], startedAt: string) {
  const count = (...statuses: CheckReport['status'][]) =>
    String(checks.filter(({ status }) => statuses.includes(status)).length);
  return {
    '@name': area,
    '@timestamp': startedAt,
    '@tests': String(checks.length),
    '@failures': count('error', 'warning'),
    '@errors': count('failed'),
    '@skipped': count('skipped'),
    testcase: checks.map((check) => ({
      '@classname': `doctor.${area}`,
      '@name': check.name,
      '@time': seconds(check.elapsedMs),
      ...outcomeOf(check),
    })),
  };
}

function outcomeOf({ status, detail, findings }: CheckReport) {
  if (status === 'skipped') return { skipped: { '@message': detail } };
  if (status === 'failed') return { error: { '@type': 'FAILED', '@message': detail } };
  const open = findings.filter(({ fixed }) => fixed?.ok !== true);
  const fixed = findings.filter((each) => each.fixed?.ok === true);
  return {
    ...(open.length > 0
      ? { failure: { '@type': status, '@message': open[0]?.what ?? '', '#text': open.map(textOf).join('\n\n') } }
      : {}),
    'system-out': [detail, ...fixed.map(textOf)].join('\n'),
  };
}

function textOf({ severity, what, why, fix, fixed }: FindingReport): string {
  return [
    `${severity}: ${what}`,
    why,
    ...(fix === null ? [] : [`→ ${fix.command}`]),
    ...(fixed === null ? [] : [`${fixed.ok ? 'fixed' : 'not fixed'}: ${fixed.detail}`]),
  ].join('\n');
}
