import { checks } from '../../src/checks/index.ts';
import { type CheckRun, runChecks } from '../../src/checks/run.ts';
import { examine } from '../../src/operations/examine.ts';
import { until } from '../e2e/cli.ts';

/** Long enough for a machine that does other things as well; that doctor itself is quick is for its own tests. */
const budgetMs = 30_000;
const areas = new Set(['components', 'data', 'secrets']);
/** Speak of the machine and of how the stack was treated before, not of what a test plants. */
const beside = new Set([
  'services',
  'memory-budget',
  'drift',
  'interrupted',
  'supervisor',
  'state-files',
  'disk-growth',
]);

export type Seen = ReadonlyMap<string, CheckRun>;

/** Looks with all checks of components, data and secrets, as `doctor` does. @param extra checks to take in besides */
export async function look(stack: string, home: string, extra: readonly string[] = []): Promise<Seen> {
  const signal = new AbortController().signal;
  const { context } = await examine({ home, stack }, { budgetMs, signal });
  const chosen = checks.filter(({ name, area }) => areas.has(area) && (!beside.has(name) || extra.includes(name)));
  return new Map((await runChecks(chosen, context)).map((run) => [run.name, run]));
}

/** Names of the checks that are not content, sorted. */
export const troubled = (seen: Seen): string[] =>
  [...seen.values()]
    .filter(({ report }) => report.status !== 'ok' && report.status !== 'skipped')
    .map(({ name }) => name)
    .toSorted();

/** First lines of all findings, and why checks failed. */
export const words = (seen: Seen): string =>
  [...seen.values()]
    .flatMap(({ name, report, findings }) => [
      ...findings.map(({ what }) => `${name}: ${what}`),
      ...(report.status === 'failed' ? [`${name} failed: ${report.detail}`] : []),
    ])
    .join('\n');

/** Waits until exactly these checks are not content; what was planted or mended may take a moment to show. */
export async function untilTroubled(
  expected: readonly string[],
  ask: () => Promise<Seen>,
  limitMs = 90_000,
): Promise<Seen> {
  let last: Seen = new Map();
  const wanted = [...expected].toSorted().join();
  await until(
    async () => {
      last = await ask();
      return { troubled: troubled(last), words: words(last) };
    },
    (value) => value.troubled.join() === wanted,
    limitMs,
  );
  return last;
}
