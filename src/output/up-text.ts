import type { UpReport } from '../core/reports.ts';
import { duration, mebibytes } from './format.ts';
import { table } from './table.ts';

/** What `up` ends with: where everything is, and what to do next. */
export function upText(report: UpReport): string {
  return report.dryRun ? dryRunText(report) : doneText(report);
}

function dryRunText({ plan, install, ports, profile, runtimeReason }: UpReport): string {
  const download = install.reduce((sum, { downloadBytes }) => sum + downloadBytes, 0);
  const lines = [`Profile ${profile}, ${runtimeReason}. Nothing was changed.`, ''];
  if (install.length > 0) {
    lines.push(`Would install ${install.map(({ name }) => name).join(', ')} (${mebibytes(download)} to download).`, '');
  }
  lines.push(
    table(
      ['INSTANCE', 'ACTION', 'WHY', 'PORTS'],
      plan.map(({ instance, action, reason }) => [instance, action, reason, portsOf(instance, ports)]),
    ),
  );
  return lines.join('\n');
}

function portsOf(instance: string, ports: Readonly<Record<string, number>>): string {
  return Object.entries(ports)
    .filter(([id]) => id.startsWith(`${instance}.`))
    .map(([id, port]) => `${id}=${port}`)
    .join(' ');
}

function doneText(report: UpReport): string {
  const speed = report.speedLayerMs === null ? '' : `, speed layer after ${duration(report.speedLayerMs)}`;
  const rows = report.endpoints.map(({ component, url, user, description }) => [
    component,
    url,
    user ?? '',
    description,
  ]);
  return [
    `Up in ${duration(report.elapsedMs)}${speed}, ${mebibytes(report.totalPssBytes)} in use (profile ${report.profile}).`,
    '',
    table(['COMPONENT', 'URL', 'USER', 'FOR'], rows),
    '',
    `Passwords: lambdactl connections --show-passwords (sealed in ${report.secretsFile})`,
    '',
    'Next:  lambdactl seed',
    '       lambdactl generate --rate 1000 --duration 60s',
    '       lambdactl query "select event_type, count() from user_events_realtime group by 1 order by 2 desc"',
  ].join('\n');
}
