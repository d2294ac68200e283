import { formatBytes, formatDuration } from '../core/units.ts';
import { lake } from '../platform/pipeline.ts';
import type { LakeTableFacts } from '../probes/lake-catalog.ts';
import { lakeTables as readTables } from '../probes/lake-catalog.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { outcome, plural, some, withPostgres } from './support.ts';

/** Files of a table from which their number costs readers more than their bytes. */
const manyFiles = 2000;
const smallBytes = 16 * 1024 * 1024;
/** Maintenance runs once a day: this much later than its duty snapshots are called forgotten, ms. */
const slackMs = 26 * 3_600_000;

export const lakeTables: Check = {
  name: 'lake-tables',
  area: 'data',
  title: 'Files, snapshots and metadata of the Iceberg tables',
  needs: ['postgres', 'objectstore'],
  async run(context) {
    const { storage } = context.profile.lake;
    if (storage.kind === 's3') return outcome('the lake lies in an account: `lambdactl lake tables` asks it');
    const tables = await tablesOf(context);
    const sum = (of: 'files' | 'bytes') => tables.reduce((total, each) => total + each[of], 0);
    const missing = lake.tables.map(({ name }) => name).filter((name) => !tables.some((each) => each.name === name));
    const wanted = context.wanted.includes('connect') && context.profile.lake.archive === 'connect';
    return outcome(`${plural(tables.length, 'table')}, ${plural(sum('files'), 'file')}, ${formatBytes(sum('bytes'))}`, [
      wanted && missing.length > 0 && tables.length > 0 ? missingFinding(context, missing) : null,
      fileFinding(context, tables),
      snapshotFinding(context, tables),
    ]);
  },
};

export async function tablesOf(context: CheckContext): Promise<LakeTableFacts[]> {
  const store = await context.endpoint('objectstore', 's3');
  return withPostgres(context, 'lake', 'lake', (client) => readTables(client, store, lake.namespace, context.signal));
}

const missingFinding = (context: CheckContext, names: readonly string[]): Finding => ({
  severity: 'error',
  what: `The catalog of the lake lacks ${some(names)}`,
  why: 'The sink fails on records of a table that is missing. A restart makes it anew, empty.',
  fix: { command: commandFor(context, 'restart connect'), safe: true },
});

function fileFinding(context: CheckContext, tables: readonly LakeTableFacts[]): Finding | null {
  const many = tables.filter(({ files, bytes }) => files > manyFiles && bytes / files < smallBytes);
  if (many.length === 0) return null;
  const told = many.map(
    ({ name, files, bytes }) => `${name} ${files.toLocaleString('en-US')} (${formatBytes(bytes / files)} on average)`,
  );
  return {
    severity: 'warning',
    what: `Many small files in the lake: ${some(told, 3)}`,
    why: 'The batch job and `lake query` open each of them; planning and reading get slow.',
    fix: { command: commandFor(context, 'lake maintain'), safe: true },
  };
}

function snapshotFinding(context: CheckContext, tables: readonly LakeTableFacts[]): Finding | null {
  const keepMs = context.profile.lake.keepSnapshotsHours * 3_600_000 + slackMs;
  // The last five stay whatever their age.
  const old = tables.filter(
    ({ oldestAt, snapshots }) => snapshots > 6 && oldestAt !== null && context.now - oldestAt > keepMs,
  );
  if (old.length === 0) return null;
  const told = old.map(
    ({ name, snapshots, oldestAt }) => `${name} ${snapshots} (oldest ${formatDuration(context.now - (oldestAt ?? 0))})`,
  );
  return {
    severity: 'warning',
    what: `Snapshots of the lake were not expired: ${some(told, 3)}`,
    why: 'Every commit writes the whole list again, and files that were merged away stay on disk.',
    fix: { command: commandFor(context, 'lake maintain'), safe: true },
  };
}
