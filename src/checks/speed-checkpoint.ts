import { join } from 'node:path';
import { entriesOf, exists, readIfExists, rename } from '../system/files.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { mendedBy, outcome, runs } from './support.ts';

export const speedCheckpoint: Check = {
  name: 'speed-checkpoint',
  area: 'data',
  title: "The speed job's checkpoint can be read",
  needs: [],
  async run(context) {
    const directory = join(context.paths.dir('spark', 'data'), 'checkpoint');
    if (!exists(directory))
      return outcome(runs(context, 'spark') ? 'none yet' : 'none: the job begins where ClickHouse’s record ends');
    const problem = await problemOf(directory);
    const last = (await batchesIn(join(directory, 'commits'))).at(-1);
    return outcome(last === undefined ? 'no batch committed yet' : `batch ${last} committed`, [
      problem === null ? null : damaged(context, directory, problem),
    ]);
  },
};

function damaged(context: CheckContext, directory: string, problem: string): Finding {
  const what = `The checkpoint of the speed job is damaged: ${problem}`;
  if (runs(context, 'spark')) {
    return {
      severity: 'warning',
      what,
      why: 'The running job does not read it again, but its next start would fail if it is still so by then.',
      fix: null,
    };
  }
  return {
    severity: 'error',
    what,
    why: 'The job refuses to start. Without a checkpoint it goes on behind the last batch that ClickHouse has a record of: nothing is lost or doubled.',
    fix: mendedBy(context, 'speed-checkpoint'),
    mend: async () => {
      const aside = `${directory}.damaged-${context.now}`;
      await rename(directory, aside);
      return `moved to ${aside}`;
    },
  };
}

/** Batches in a log directory of a checkpoint, ascending. */
async function batchesIn(directory: string): Promise<number[]> {
  const names = await entriesOf(directory);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * What a start would stumble over: Spark reads `metadata` and the last entries of `offsets` and `commits`, each "v1" and lines of JSON.
 * @returns null when all of it can be read
 */
export async function problemOf(directory: string): Promise<string | null> {
  const metadata = await readIfExists(join(directory, 'metadata'));
  const offsets = await batchesIn(join(directory, 'offsets'));
  if (metadata === null) return offsets.length === 0 ? null : 'metadata is missing';
  if (!isJson(metadata)) return 'metadata is cut off';
  for (const [log, batches] of [
    ['offsets', offsets],
    ['commits', await batchesIn(join(directory, 'commits'))],
  ] as const) {
    const last = batches.at(-1);
    if (last === undefined) continue;
    const path = join(directory, log, String(last));
    const [version, ...lines] = ((await readIfExists(path)) ?? '').trimEnd().split('\n');
    // A source without offsets is a line with a hyphen.
    if (version !== 'v1' || lines.length === 0 || !lines.every((line) => line === '-' || isJson(line))) {
      return `${log}/${last} is cut off`;
    }
  }
  return null;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
