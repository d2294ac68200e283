import { compareReports } from '../../bench/compare.ts';
import type { BenchComparison } from '../../core/bench-report.ts';
import { usageError } from '../../core/errors.ts';
import type { StackRef } from '../stack.ts';
import { keptReports, readBench } from './store.ts';

/**
 * What a run that is yet to be made will be compared with: found before it, so that "latest" is not the run itself.
 * @returns a name that compareBench takes
 * @throws LambdaError BENCH_UNKNOWN, BENCH_CORRUPT, BENCH_UNLIKE
 */
export async function comparisonFor(home: Pick<StackRef, 'home'>, name: string, scenario: string): Promise<string> {
  const found = await readBench(home, name);
  if (found.scenario !== scenario) throw unlike(found.id, found.scenario, scenario);
  return name.endsWith('.json') ? name : found.id;
}

/**
 * Two runs side by side, with the spread over the kept runs like them.
 * @param names as readBench takes them; "previous" is the run before the other one, of the same scenario
 * @throws LambdaError BENCH_UNKNOWN, BENCH_CORRUPT, BENCH_UNLIKE where the scenarios differ
 */
export async function compareBench(
  home: Pick<StackRef, 'home'>,
  names: { a: string; b: string },
): Promise<BenchComparison> {
  const first = names.a === 'previous' ? null : await readBench(home, names.a);
  const b = await readBench(home, names.b, first ?? undefined);
  const a = first ?? (await readBench(home, names.a, b));
  if (a.scenario !== b.scenario) {
    throw unlike(a.id, a.scenario, b.scenario);
  }
  const { reports } = await keptReports(home, { scenario: a.scenario });
  return compareReports(a, b, reports);
}

const unlike = (id: string, scenario: string, other: string) =>
  usageError(`${id} is a run of ${scenario}, the other one of ${other}: nothing to compare.`, {
    code: 'BENCH_UNLIKE',
    actions: [`lambdactl bench list --scenario ${other}`],
  });
