import { join, resolve } from 'node:path';
import { benchReportSchema } from '../../bench/report-schema.ts';
import type { BenchList, BenchReport } from '../../core/bench-report.ts';
import { LambdaError, messageOf, usageError } from '../../core/errors.ts';
import { isRecord, toJson } from '../../state/json-file.ts';
import { entriesOf, makeDirectory, readIfExists, writeAtomic } from '../../system/files.ts';
import { resolveHome } from '../../system/paths.ts';
import type { StackRef } from '../stack.ts';

/** Where results are kept: the --home of a command, as given. */
type Home = Pick<StackRef, 'home'>;

/** Beside the stacks, not in one: results outlive the stack they were measured on. */
const directory = ({ home }: Home): string => join(resolveHome(home), 'bench');

/** Ids named when the one asked for is not there. */
const namedIds = 5;

/**
 * Keeps a report as <home>/bench/<id>.json.
 * @returns the file
 * @throws LambdaError DISK_FULL, HOME_NOT_WRITABLE
 */
export async function keepBench(home: Home, report: BenchReport): Promise<string> {
  await makeDirectory(directory(home));
  const file = join(directory(home), `${report.id}.json`);
  await writeAtomic(file, toJson(report));
  return file;
}

/**
 * A report by what a user calls it: its id or the beginning of it, "latest", "previous", or the path of a .json file
 * (a kept one of another machine, or the answer of `bench … --json`).
 * @param base report that "previous" goes back from, within its scenario; without one from the latest
 * @throws LambdaError BENCH_UNKNOWN, BENCH_CORRUPT
 */
export async function readBench(home: Home, name: string, base?: BenchReport): Promise<BenchReport> {
  if (name.endsWith('.json')) return readFile(resolve(name), name);
  const ids = await keptIds(home);
  const id = idOf(ids, name, base?.id);
  return readFile(fileOf(home, id), id);
}

/** A report's file. */
const fileOf = (home: Home, id: string): string => join(directory(home), `${id}.json`);

/** Ids of all kept reports, newest first. */
async function keptIds(home: Home): Promise<readonly string[]> {
  const names = await entriesOf(directory(home));
  return names
    .filter((name) => /^[\w-]+\.json$/.test(name))
    .map((name) => name.replace(/\.json$/, ''))
    .toSorted()
    .reverse();
}

function idOf(ids: readonly string[], name: string, baseId: string | undefined): string {
  if (name === 'previous') {
    const from = baseId ?? ids[0];
    const before = ids.find((id) => from !== undefined && id < from && scenarioOf(id) === scenarioOf(from));
    if (before !== undefined) return before;
    throw unknown(
      from === undefined ? 'No result is kept yet.' : `No run of ${scenarioOf(from)} is kept before ${from}.`,
      ids,
    );
  }
  const [newest] = ids;
  if (newest === undefined) throw unknown('No result is kept yet.', ids);
  if (name === 'latest') return newest;
  if (ids.includes(name)) return name;
  const matching = ids.filter((id) => name !== '' && id.startsWith(name));
  const [only] = matching;
  if (matching.length === 1 && only !== undefined) return only;
  if (matching.length > 1) throw unknown(`"${name}" is the beginning of ${matching.length} results.`, matching);
  throw unknown(`No kept result is called "${name}".`, nearest(ids, name));
}

/** "20261121-184012-speed" → "speed" */
const scenarioOf = (id: string): string => id.replace(/^\d+-\d+-/, '');

/** Those that share the longest beginning with the name, the newest first among equals. */
function nearest(ids: readonly string[], name: string): readonly string[] {
  const shared = (id: string) => {
    const at = [...id].findIndex((character, index) => character !== name[index]);
    return at === -1 ? id.length : at;
  };
  // The sort is stable: equals stay newest first.
  return ids.toSorted((a, b) => shared(b) - shared(a));
}

function unknown(message: string, ids: readonly string[]): LambdaError {
  const near = ids.slice(0, namedIds);
  return usageError(message, {
    code: 'BENCH_UNKNOWN',
    actions: [
      ...(near.length > 0 ? [`Near it: ${near.join(', ')}${ids.length > near.length ? ', …' : ''}.`] : []),
      near.length > 0 ? 'lambdactl bench list' : 'lambdactl bench speed',
    ],
    details: { near },
  });
}

/** @throws LambdaError BENCH_UNKNOWN, BENCH_CORRUPT */
async function readFile(path: string, name: string): Promise<BenchReport> {
  const text = await readIfExists(path);
  if (text === null) throw unknown(`There is no file ${path}.`, []);
  try {
    const value: unknown = JSON.parse(text);
    // The envelope that --json prints holds the report as its data.
    return benchReportSchema.parse(isRecord(value) && 'schemaVersion' in value ? value.data : value);
  } catch (error) {
    throw new LambdaError(`${path} is not a whole bench report: ${reasonOf(error)}.`, {
      code: 'BENCH_CORRUPT',
      category: 'preflight',
      actions: ['Delete the file: only this one result is lost.'],
      details: { path, name },
      cause: error,
    });
  }
}

/** The first thing that is wrong, with its place. */
function reasonOf(error: unknown): string {
  const issues = isRecord(error) && Array.isArray(error.issues) ? error.issues : [];
  const first: unknown = issues[0];
  if (!isRecord(first) || !Array.isArray(first.path)) return messageOf(error);
  return `${first.path.join('.') || 'the whole'}: ${String(first.message)}`;
}

export interface BenchFilter {
  scenario?: BenchReport['scenario'] | undefined;
  /** At most this many runs, the newest. */
  limit?: number | undefined;
}

/** Whole reports of a filter, newest first, and the files that are not whole. */
export async function keptReports(
  home: Home,
  { scenario, limit = Number.POSITIVE_INFINITY }: BenchFilter,
): Promise<{ reports: readonly BenchReport[]; unreadable: readonly string[] }> {
  const reports: BenchReport[] = [];
  const unreadable: string[] = [];
  for (const id of await keptIds(home)) {
    if (reports.length >= limit) break;
    if (scenario !== undefined && scenarioOf(id) !== scenario) continue;
    try {
      reports.push(await readFile(fileOf(home, id), id));
    } catch (error) {
      if (!(error instanceof LambdaError)) throw error;
      // Removed since the directory was read: as if it had never been there.
      if (error.code === 'BENCH_CORRUPT') unreadable.push(fileOf(home, id));
    }
  }
  return { reports, unreadable };
}

/** What `bench list` shows, newest first; a file that is not whole does not hide the others. */
export async function listBench(home: Home, filter: BenchFilter = {}): Promise<BenchList> {
  const { reports, unreadable } = await keptReports(home, filter);
  const runs = reports.map((report) => ({
    id: report.id,
    scenario: report.scenario,
    stack: report.stack,
    profile: report.profile,
    startedAt: report.startedAt,
    partial: report.partial,
    verdict: report.verdict,
    rate: report.request.rate,
    p99Ms: report.latencyMs?.p99 ?? null,
    lost: report.ledger?.lost ?? null,
    file: fileOf(home, report.id),
  }));
  return { runs, unreadable };
}
