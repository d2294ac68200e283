import { compareReports } from '../../bench/compare.ts';
import type { BenchComparison } from '../../core/bench-report.ts';
import { usageError } from '../../core/errors.ts';
import type { StackRef } from '../stack.ts';
import { keptReports, readBench } from './store.ts';

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
    throw usageError(`${a.id} is a run of ${a.scenario}, ${b.id} one of ${b.scenario}: nothing to compare.`, {
      code: 'BENCH_UNLIKE',
      actions: [`lambdactl bench list --scenario ${b.scenario}`],
    });
  }
  const { reports } = await keptReports(home, { scenario: a.scenario });
  return compareReports(a, b, reports);
}
