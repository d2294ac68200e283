import { join } from 'node:path';
import { formatDuration } from '../core/units.ts';
import { isRecord } from '../state/json-file.ts';
import { entriesOf, readIfExists } from '../system/files.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { outcome } from './support.ts';

export const reconcileResult: Check = {
  name: 'reconcile-result',
  area: 'data',
  title: 'Whether the two layers agreed when they were last compared',
  needs: [],
  async run(context) {
    const last = await lastReport(context);
    if (last === null) return outcome('never compared: `lambdactl reconcile` does after a batch');
    const { date, startedAt, verdict, percent } = last;
    const age = formatDuration(Math.max(0, context.now - Date.parse(startedAt)));
    const loadedAt = await batchTime(context, date);
    const told = percent === null ? verdict : `${verdict}, ${percent} % consistent`;
    return outcome(`${date}: ${told}, compared ${age} ago`, [
      verdict === 'differ' ? differs(context, date, told, age) : null,
      loadedAt !== null && loadedAt > Date.parse(startedAt)
        ? {
            severity: 'warning',
            what: `The batch of ${date} was loaded again after the layers were last compared (${age} ago)`,
            why: 'The verdict is about rows that were replaced since.',
            fix: { command: commandFor(context, `reconcile --date ${date}`), safe: true },
          }
        : null,
    ]);
  },
};

const differs = (context: CheckContext, date: string, told: string, age: string): Finding => ({
  severity: 'error',
  what: `The layers differ on ${date} (${told}, compared ${age} ago)`,
  why: 'Dashboards and reports of that day tell different figures.',
  fix: { command: commandFor(context, `reconcile --date ${date} --repair`), safe: false },
});

interface LastReport {
  date: string;
  startedAt: string;
  verdict: string;
  percent: number | null;
}

/** The newest kept report of the newest date: reconcile/<date>/<time>.json. */
async function lastReport({ paths }: CheckContext): Promise<LastReport | null> {
  const root = join(paths.stackDir, 'reconcile');
  for (const date of (await entriesOf(root)).toSorted().reverse()) {
    const files = (await entriesOf(join(root, date))).filter((name) => name.endsWith('.json')).toSorted();
    const newest = files.at(-1);
    if (newest === undefined) continue;
    const report: unknown = JSON.parse((await readIfExists(join(root, date, newest))) ?? 'null');
    if (!isRecord(report) || typeof report.startedAt !== 'string') continue;
    return { date, startedAt: report.startedAt, verdict: String(report.verdict), percent: consistencyOf(report.dates) };
  }
  return null;
}

function consistencyOf(dates: unknown): number | null {
  const [date] = Array.isArray(dates) ? dates.filter(isRecord) : [];
  const entities = date !== undefined && Array.isArray(date.entities) ? date.entities.filter(isRecord) : [];
  const percents = entities.flatMap((each) =>
    typeof each.consistencyPercent === 'number' ? [each.consistencyPercent] : [],
  );
  return percents.length === 0 ? null : Math.min(...percents);
}

/** When the batch of a date last looked at the lake, ms since 1970; null when it never ran on this machine. */
async function batchTime({ paths }: CheckContext, date: string): Promise<number | null> {
  const text = await readIfExists(join(paths.stackDir, 'data', 'batch', `${date}.json`));
  const record: unknown = JSON.parse(text ?? 'null');
  return isRecord(record) && typeof record.lakeTime === 'string' ? Date.parse(record.lakeTime) : null;
}
