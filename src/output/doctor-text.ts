import type { CheckArea, CheckReport, DoctorReport, FindingReport } from '../core/doctor-report.ts';
import { duration } from './format.ts';
import { table } from './table.ts';

const areas: readonly CheckArea[] = ['host', 'artifacts', 'cluster', 'components', 'data', 'secrets'];
const upText = { up: 'up', partly: 'partly up', down: 'down' } as const;
const order = { error: 0, warning: 1 } as const;

/** Findings first, the worst at the top, each with what mends it; then a line of facts for each area. @param columns of the terminal */
export function doctorText(report: DoctorReport, columns: number): string {
  const width = Math.max(60, Math.min(columns, 140));
  const found = report.checks
    .flatMap((check) => check.findings.map((finding) => ({ check, finding })))
    .toSorted((a, b) => order[a.finding.severity] - order[b.finding.severity]);
  const failed = report.checks.filter(({ status }) => status === 'failed');
  return [
    `Stack ${report.stack} is ${upText[report.up]}, profile ${report.profile}: ${report.checks.length} checks in ${duration(report.elapsedMs)}`,
    '',
    ...found.flatMap(({ check, finding }) => [...findingLines(check, finding, width), '']),
    ...failed.flatMap((check) => [...failedLines(check, width), '']),
    ...areas.flatMap((area) => areaLine(area, report.checks, width)),
    '',
    verdict(report),
  ].join('\n');
}

function findingLines(
  { name }: CheckReport,
  { severity, what, why, fix, fixed }: FindingReport,
  width: number,
): string[] {
  const mark = fixed?.ok === true ? 'fixed' : severity;
  return [
    ...wrap(what, width, `${mark.padEnd(8)}${name}: `, '        '),
    ...wrap(why, width, '        ', '        '),
    ...(fix === null ? [] : [`        → ${fix.command}`]),
    ...(fixed === null
      ? []
      : wrap(fixed.detail, width, fixed.ok ? '        done: ' : '        not fixed: ', '          ')),
  ];
}

const failedLines = ({ name, detail }: CheckReport, width: number): string[] =>
  wrap(`could not look: ${detail}`, width, `failed  ${name}: `, '        ');

function areaLine(area: CheckArea, checks: readonly CheckReport[], width: number): string[] {
  const own = checks.filter((check) => check.area === area);
  if (own.length === 0) return [];
  const count = (status: CheckReport['status']) => own.filter((check) => check.status === status).length;
  const counts = (['ok', 'warning', 'error', 'failed', 'skipped'] as const).flatMap((status) =>
    count(status) === 0 ? [] : [`${count(status)} ${status}`],
  );
  const facts = own.filter(({ status }) => status === 'ok').map(({ detail }) => detail.split('\n')[0] ?? '');
  const head = `${area.padEnd(12)}${counts.join(', ')}`.padEnd(30);
  return [cut(`${head}  ${facts.join(' · ')}`.trimEnd(), width)];
}

function verdict({ ok, counts, checks }: DoctorReport): string {
  const open = checks.flatMap(({ findings }) => findings).filter(({ fixed }) => fixed?.ok !== true);
  const safe = open.filter(({ fix, fixed }) => fix?.safe === true && fixed === null).length;
  if (ok)
    return counts.skipped === 0
      ? 'Nothing is wrong.'
      : `Nothing is wrong; ${counts.skipped} checks had nothing to look at.`;
  const parts = [
    ...(open.length > 0 ? [`${open.length} ${open.length === 1 ? 'finding' : 'findings'}`] : []),
    ...(counts.failed > 0 ? [`${counts.failed} ${counts.failed === 1 ? 'check' : 'checks'} could not look`] : []),
  ];
  return `${parts.join(', ')}.${safe > 0 ? ` \`lambdactl doctor --fix\` mends ${safe} of them.` : ''}`;
}

/** Lines of at most `width` characters, cut between words; a longer word stays whole, so that paths can be copied. */
function wrap(text: string, width: number, first: string, rest: string): string[] {
  const lines: string[] = [];
  for (const part of text.split('\n')) {
    let line = lines.length === 0 ? first : rest;
    let empty = true;
    for (const word of part.trim().split(/\s+/)) {
      if (!empty && line.length + 1 + word.length > width) {
        lines.push(line);
        line = rest;
        empty = true;
      }
      line += empty ? word : ` ${word}`;
      empty = false;
    }
    lines.push(line);
  }
  return lines;
}

const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, width - 1).trimEnd()}…`;

interface Listing {
  name: string;
  area: string;
  title: string;
  preflight: boolean;
}

/** What there is to look at. */
export function checkListText(checks: readonly Listing[]): string {
  const rows = checks.map(({ name, area, title, preflight }) => [area, name, preflight ? 'yes' : '', title]);
  return table(['AREA', 'CHECK', 'BEFORE UP', 'LOOKS AT'], rows);
}
