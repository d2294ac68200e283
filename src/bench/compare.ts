import type { BenchComparison, BenchReport } from '../core/bench-report.ts';
import { type Metric, metricsOf } from './metrics.ts';

type Compared = BenchComparison['metrics'][number];

/** What a change must be beyond to be judged at all, percent: two or three runs may agree by chance. */
const smallestChangePercent = 2;
/** CPU of others from which figures are in doubt, percent of all cores. */
const loadInDoubtPercent = 10;

/**
 * Two runs of one scenario side by side. Pure.
 * @param kept all kept runs; those like `a` or like `b` give the spread. Where a and b are alike themselves, they are left out:
 * what is to be judged is no measure of its own noise.
 */
export function compareReports(a: BenchReport, b: BenchReport, kept: readonly BenchReport[]): BenchComparison {
  const groups = spreadGroups(a, b, kept);
  const [before, after] = [figuresOf(a), figuresOf(b)];
  const samples = groups.map((group) => group.map(figuresOf));
  const metrics = [...before.values(), ...[...after.values()].filter(({ name }) => !before.has(name))];
  return {
    a: a.id,
    b: b.id,
    scenario: a.scenario,
    warnings: warningsOf(a, b),
    spreadRuns: Math.max(0, ...groups.map((group) => group.length)),
    metrics: metrics.flatMap((metric) => {
      const values = { a: figure(before, metric), b: figure(after, metric) };
      if (values.a === null && values.b === null) return [];
      const spreads = samples.map((group) => spreadOf(group.map((run) => figure(run, metric))));
      return [compared(metric, values, largest(spreads))];
    }),
  };
}

const figuresOf = (report: BenchReport): ReadonlyMap<string, Metric> =>
  new Map(metricsOf(report).map((each) => [each.name, each]));

/** A figure of another unit is not the same figure. */
function figure(figures: ReadonlyMap<string, Metric>, { name, unit }: Metric): number | null {
  const found = figures.get(name);
  return found?.unit === unit ? found.value : null;
}

/** The largest of those that are known; null when none is. */
function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function compared(metric: Metric, { a, b }: { a: number | null; b: number | null }, spread: number | null): Compared {
  const changePercent = changeOf(a, b);
  return {
    name: metric.name,
    unit: metric.unit,
    a,
    b,
    changePercent,
    spreadPercent: metric.exact ? null : spread,
    judgement: judgementOf(metric, { a, b, changePercent }, spread),
  };
}

/** Null where it means nothing: a figure is missing, or grew from zero. */
function changeOf(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return null;
  if (a === b) return 0;
  return a === 0 ? null : ((b - a) / Math.abs(a)) * 100;
}

function judgementOf(
  { better, exact }: Metric,
  { a, b, changePercent }: Pick<Compared, 'a' | 'b' | 'changePercent'>,
  spread: number | null,
): Compared['judgement'] {
  if (a === null || b === null) return 'unknown';
  if (a === b) return 'same';
  const direction = b < a === (better === 'less') ? 'better' : 'worse';
  if (exact) return direction;
  if (changePercent === null) return 'unknown';
  if (Math.abs(changePercent) <= Math.max(smallestChangePercent, spread ?? 0)) return 'same';
  return spread === null ? 'unknown' : direction;
}

/** Range in percent of the mean; null with fewer than two values, or around zero. */
function spreadOf(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null);
  if (present.length < 2) return null;
  const range = Math.max(...present) - Math.min(...present);
  const mean = present.reduce((sum, value) => sum + value, 0) / present.length;
  if (range === 0) return 0;
  return mean === 0 ? null : (range / Math.abs(mean)) * 100;
}

/** Runs that the spread is taken from: those like a, and those like b where that is something else. */
function spreadGroups(
  a: BenchReport,
  b: BenchReport,
  kept: readonly BenchReport[],
): readonly (readonly BenchReport[])[] {
  const whole = kept.filter(({ partial }) => !partial);
  const like = (report: BenchReport) => whole.filter((each) => likeness(each) === likeness(report));
  if (likeness(a) === likeness(b)) return [like(a).filter(({ id }) => id !== a.id && id !== b.id)];
  return [like(a), like(b)];
}

/** Equal for runs that should give the same figures. */
function likeness({ scenario, request, environment, profile }: BenchReport): string {
  const { seed: _seed, ...asked } = request;
  const { cpu, cores, memoryBytes, os, node, lockHash, profileHash } = environment;
  return JSON.stringify([scenario, profile, asked, cpu, cores, memoryBytes, os, node, lockHash, profileHash]);
}

function warningsOf(a: BenchReport, b: BenchReport): readonly string[] {
  if (a.id === b.id) return ['Both are the same run.'];
  const [first, second] = [a.environment, b.environment];
  const differing: [string, unknown, unknown][] = [
    ['processors', first.cpu, second.cpu],
    ['numbers of cores', first.cores, second.cores],
    ['memory sizes', mebibytes(first.memoryBytes), mebibytes(second.memoryBytes)],
    ['operating systems', first.os, second.os],
    ['versions of Node', first.node, second.node],
    ['versions of lambdactl', first.lambdactl, second.lambdactl],
    ['component versions (locks)', short(first.lockHash), short(second.lockHash)],
    ['profiles', `${a.profile} ${short(first.profileHash)}`, `${b.profile} ${short(second.profileHash)}`],
    ['rates', `${a.request.rate ?? 'none'}/s`, `${b.request.rate ?? 'none'}/s`],
    ['durations', seconds(a.request.durationMs), seconds(b.request.durationMs)],
    ['warm-ups', seconds(a.request.warmupMs), seconds(b.request.warmupMs)],
    ['numbers of events', a.request.events ?? 'none', b.request.events ?? 'none'],
    ['concurrencies', a.request.concurrency ?? 'none', b.request.concurrency ?? 'none'],
  ];
  return [
    ...differing
      .filter(([, one, other]) => one !== other)
      .map(([what, one, other]) => `Different ${what}: ${String(one)} and ${String(other)}.`),
    ...[a, b].flatMap(singleWarnings),
  ];
}

function singleWarnings({ id, partial, environment }: BenchReport): readonly string[] {
  const outside = environment.outsideCpuPercent;
  return [
    ...(partial ? [`${id} was interrupted: its figures are of a part.`] : []),
    ...(outside !== null && outside > loadInDoubtPercent
      ? [`Other programs took ${outside.toFixed(0)} % of the CPU during ${id}.`]
      : []),
  ];
}

const short = (hash: string): string => hash.slice(0, 12);
const seconds = (ms: number | null): string => (ms === null ? 'none' : `${ms / 1000} s`);
const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;
