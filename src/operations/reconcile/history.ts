import { join } from 'node:path';
import type { DateReport, ReconcileHistory, ReconcileReport } from '../../core/reconcile-report.ts';
import { readJson, toJson, versioned } from '../../state/json-file.ts';
import type { StackPaths } from '../../state/paths.ts';
import { entriesOf, makeDirectory, writeAtomic } from '../../system/files.ts';

const directory = (paths: StackPaths): string => join(paths.stackDir, 'reconcile');

/** Keeps a report, one file a date: reconcile/<date>/<time>.json. @returns the files */
export async function keepReport(paths: StackPaths, report: ReconcileReport): Promise<string[]> {
  const files: string[] = [];
  for (const date of report.dates) {
    const folder = join(directory(paths), date.date);
    await makeDirectory(folder, 0o700);
    const file = join(folder, `${report.startedAt.replaceAll(':', '-')}.json`);
    // The rows named hold users' data.
    await writeAtomic(file, toJson({ ...report, verdict: date.verdict, dates: [date] }), { mode: 0o600 });
    files.push(file);
  }
  return files;
}

/** All kept runs, newest date and time first. @throws LambdaError STATE_CORRUPT */
export async function readHistory(paths: StackPaths): Promise<ReconcileHistory> {
  const runs: ReconcileHistory['runs'][number][] = [];
  for (const date of (await entriesOf(directory(paths))).toSorted().reverse()) {
    const folder = join(directory(paths), date);
    for (const name of (await entriesOf(folder))
      .filter((each) => each.endsWith('.json'))
      .sort()
      .reverse()) {
      const file = join(folder, name);
      const report = await readJson(file, parseReport, ['Delete the file: only this entry of the history is lost.']);
      if (report !== null) runs.push(entry(report, file));
    }
  }
  return { stack: paths.stack, runs };
}

/** @throws Error that says what is wrong */
function parseReport(value: unknown): ReconcileReport {
  const { dates, startedAt } = versioned(value);
  if (!Array.isArray(dates) || dates.length !== 1 || typeof startedAt !== 'string') {
    throw new Error('it does not hold the report of one date');
  }
  // Written by keepReport; the version says which shape.
  return value as ReconcileReport;
}

function entry({ startedAt, dates: [date] }: ReconcileReport, file: string): ReconcileHistory['runs'][number] {
  if (date === undefined) throw new Error('a kept report has one date');
  return {
    date: date.date,
    startedAt,
    verdict: date.verdict,
    consistencyPercent: consistencyOf(date),
    differing: date.entities.reduce((sum, { rows }) => sum + rows.missing + rows.extra + rows.different, 0),
    late: date.entities.reduce((sum, { rows }) => sum + rows.late, 0),
    slaBreached: date.sla.breached,
    file,
  };
}

/** The lowest of the entities; null when nothing was compared. */
export function consistencyOf({ entities }: DateReport): number | null {
  return entities.length === 0 ? null : Math.min(...entities.map(({ consistencyPercent }) => consistencyPercent));
}
