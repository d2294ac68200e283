import type { HealthReport, StatusReport, WriteReport } from '../core/reports.ts';
import { duration, mebibytes } from './format.ts';
import { table } from './table.ts';

export function statusText(report: StatusReport, now = Date.now()): string {
  if (report.components.length === 0) return nothingText(report);
  const rows = report.components.map((each) => [
    each.name,
    each.state,
    each.pid === null ? '' : String(each.pid),
    each.startedAt === null ? '' : duration(now - Date.parse(each.startedAt)),
    each.pssBytes === null ? '' : mebibytes(each.pssBytes),
    each.cpuPercent === null ? '' : `${each.cpuPercent.toFixed(0)} %`,
    each.restarts === 0 ? '' : String(each.restarts),
    each.endpoints[0]?.url ?? '',
  ]);
  const supervisor = report.supervisor;
  if (supervisor !== null) {
    const memory = supervisor.pssBytes === null ? '' : mebibytes(supervisor.pssBytes);
    rows.push(['supervisor', 'running', String(supervisor.pid), '', memory, '', '', '']);
  }
  const troubled = report.components.filter(({ state, detail }) => state !== 'healthy' && detail !== '');
  return [
    `Stack ${report.stack} (${report.runtime}${report.context === null ? '' : ` ${report.context}`}, profile ${report.profile ?? '?'}): ${mebibytes(report.totals.pssBytes)}, ${report.totals.cpuPercent.toFixed(0)} % CPU`,
    '',
    table(['COMPONENT', 'STATE', 'PID>', 'UP', 'MEMORY>', 'CPU>', 'RESTARTS>', 'URL'], rows),
    ...troubled.map(({ name, detail }) => `\n${name}: ${detail.split('\n').slice(0, 4).join('\n')}`),
    ...writesText(report.writes, now),
    ...(report.up ? [] : ['', 'Not running. Bring it up with: lambdactl up']),
  ].join('\n');
}

/** A stack of a cluster is known without one: its kind cluster was deleted, or another kubeconfig is in use. */
function nothingText({ stack, context, profile }: StatusReport): string {
  if (context === null || profile === null) {
    return `Stack "${stack}" was never up here.\n  → lambdactl up --profile lite`;
  }
  return [
    `Nothing runs of stack "${stack}": the kubeconfig has no context ${context}, or nothing of the stack is there.`,
    '  → KUBECONFIG names another file? Then run again with it. Else: lambdactl up',
  ].join('\n');
}

/** Only what is not well: a table of closed circuits says nothing. */
function writesText(writes: readonly WriteReport[], now: number): string[] {
  const troubled = writes.filter(({ state }) => state !== 'closed');
  if (troubled.length === 0) return [];
  const rows = troubled.map(({ from, to, state, since, failures, lastError }) => [
    `${from} → ${to}`,
    state,
    since === null ? '' : duration(now - Date.parse(since)),
    failures === null ? '' : String(failures),
    lastError === null ? '' : brief(lastError),
  ]);
  return ['', table(['WRITES', 'CIRCUIT', 'WAITING', 'FAILURES>', 'LAST ERROR'], rows)];
}

function brief(text: string): string {
  const line = text.split('\n')[0] ?? '';
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}

export function healthText({ checks, healthy, stack }: HealthReport): string {
  if (checks.length === 0) return `Stack "${stack}" is not up.\n  → lambdactl up`;
  const rows = checks.map((check) => [
    check.healthy ? 'ok' : 'FAIL',
    check.name,
    check.latencyMs === null ? '' : `${check.latencyMs.toFixed(0)} ms`,
    check.detail,
  ]);
  const advice = healthy ? [] : ['', 'Look at it with: lambdactl logs COMPONENT · mend it with: lambdactl up'];
  return [table(['', 'COMPONENT', 'LATENCY>', 'ANSWER'], rows), ...advice].join('\n');
}
