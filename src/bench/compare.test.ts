import { expect, it } from 'vitest';
import { allReport, speedReport } from '../../test/support/bench-reports.ts';
import type { BenchReport } from '../core/bench-report.ts';
import { compareReports } from './compare.ts';

const run = (second: number, change: Partial<BenchReport> = {}): BenchReport =>
  speedReport({ id: `20261121-1840${String(second).padStart(2, '0')}-speed`, ...change });

/** A run whose p50 at the top is this. */
const withP50 = (second: number, p50: number, change: Partial<BenchReport> = {}): BenchReport => {
  const { latencyMs } = speedReport();
  return run(second, { latencyMs: latencyMs === null ? null : { ...latencyMs, p50 }, ...change });
};
const otherLock = (report: BenchReport): BenchReport => ({
  ...report,
  environment: { ...report.environment, lockHash: 'f'.repeat(64) },
});
const p50Of = (a: BenchReport, b: BenchReport, kept: readonly BenchReport[]) =>
  compareReports(a, b, kept).metrics.find(({ name }) => name === 'latency p50');

it('finds equal runs the same in every figure', () => {
  const { metrics, warnings } = compareReports(run(1), run(2), []);
  expect(new Set(metrics.map(({ judgement }) => judgement))).toEqual(new Set(['same']));
  expect(metrics.length).toBeGreaterThan(30);
  expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
  expect(warnings).toEqual([]);
});

it('judges nothing beyond 2 % without runs that show the spread', () => {
  const [a, b] = [withP50(1, 1000), withP50(2, 1500)];
  // The two themselves are alike: they cannot be the measure of their own difference.
  expect(p50Of(a, b, [a, b])).toMatchObject({ changePercent: 50, spreadPercent: null, judgement: 'unknown' });
  expect(p50Of(a, b, [a, b, withP50(3, 1000)])).toMatchObject({ spreadPercent: null, judgement: 'unknown' });
  expect(p50Of(a, withP50(2, 1019), [])).toMatchObject({ judgement: 'same' });
});

it('judges beyond the range of runs alike, in either direction', () => {
  const kept = [withP50(3, 950), withP50(4, 1050)];
  expect(p50Of(withP50(1, 1000), withP50(2, 1090), kept)).toMatchObject({ spreadPercent: 10, judgement: 'same' });
  expect(p50Of(withP50(1, 1000), withP50(2, 1110), kept)).toMatchObject({ spreadPercent: 10, judgement: 'worse' });
  expect(p50Of(withP50(1, 1000), withP50(2, 890), kept)).toMatchObject({ judgement: 'better' });
  expect(compareReports(withP50(1, 1), withP50(2, 1), kept).spreadRuns).toBe(2);
});

it('takes the larger spread of two different programs, each with its own runs', () => {
  const a = withP50(1, 1000);
  const b = otherLock(withP50(2, 1200));
  const kept = [a, withP50(3, 1010), b, otherLock(withP50(4, 900))];
  const found = p50Of(a, b, kept);
  expect(found?.spreadPercent).toBeCloseTo((300 / 1050) * 100);
  expect(found?.judgement).toBe('same');
  expect(p50Of(a, b, [a, withP50(3, 1010), b])).toMatchObject({ judgement: 'worse' });
});

it('leaves interrupted runs and those of another machine, rate, profile or duration out of the spread', () => {
  const wild = withP50(3, 9000);
  const unlike: BenchReport[] = [
    { ...wild, partial: true },
    otherLock(wild),
    { ...wild, environment: { ...wild.environment, cores: 8 } },
    { ...wild, environment: { ...wild.environment, profileHash: '0' } },
    { ...wild, request: { ...wild.request, rate: 50_000 } },
    { ...wild, request: { ...wild.request, durationMs: 1000 } },
  ];
  expect(compareReports(withP50(1, 1000), withP50(2, 1500), unlike).spreadRuns).toBe(0);
  expect(
    compareReports(withP50(1, 1), withP50(2, 1), [{ ...wild, request: { ...wild.request, seed: 1 } }]).spreadRuns,
  ).toBe(1);
});

it('never calls a change below 2 % anything, though two runs may agree by chance', () => {
  const kept = [withP50(3, 1000), withP50(4, 1000)];
  expect(p50Of(withP50(1, 1000), withP50(2, 1015), kept)).toMatchObject({ spreadPercent: 0, judgement: 'same' });
});

it('takes a single lost record seriously, and knows more from less', () => {
  const { ledger, throughput } = speedReport();
  if (ledger === null || throughput === null) throw new Error('the sample has both');
  const b = run(2, { ledger: { ...ledger, lost: 1 }, throughput: { ...throughput, achieved: 30_000 } });
  const metrics = compareReports(run(1), b, [run(3), run(4)]).metrics;
  const found = (name: string) => metrics.find((each) => each.name === name);
  expect(found('lost')).toMatchObject({ a: 0, b: 1, changePercent: null, judgement: 'worse' });
  expect(found('doubled')).toMatchObject({ a: 0, b: 0, changePercent: 0, judgement: 'same' });
  expect(found('achieved rate')).toMatchObject({ judgement: 'better' });
});

it('does not guess where a figure is missing or grew from zero', () => {
  expect(p50Of(withP50(1, 0), withP50(2, 5), [run(3), run(4)])).toMatchObject({
    changePercent: null,
    judgement: 'unknown',
  });
  const metrics = compareReports(run(1), run(2, { latencyMs: null }), []).metrics;
  expect(metrics.find(({ name }) => name === 'latency p50')).toMatchObject({ b: null, judgement: 'unknown' });
  const none = compareReports(run(1, { latencyMs: null }), run(2, { latencyMs: null }), []).metrics;
  expect(none.some(({ name }) => name.startsWith('latency'))).toBe(false);
});

it('says where the circumstances differ', () => {
  const { environment, request } = speedReport();
  const b = run(2, {
    partial: true,
    profile: 'medium',
    environment: {
      ...environment,
      cores: 8,
      memoryBytes: 2 ** 33,
      lockHash: 'x',
      profileHash: 'y',
      outsideCpuPercent: 10.1,
    },
    request: { ...request, rate: 50_000, durationMs: 1000 },
  });
  const text = compareReports(run(1), b, []).warnings.join('\n');
  for (const word of [
    'cores: 2 and 8',
    '24576 MiB and 8192 MiB',
    'locks',
    'profiles',
    '20000/s and 50000/s',
    '300 s and 1 s',
  ]) {
    expect(text).toContain(word);
  }
  expect(text).toContain('interrupted');
  expect(text).toContain('took 10 % of the CPU');
  expect(compareReports(run(1), run(1), []).warnings).toEqual(['Both are the same run.']);
});

it('compares the parts of scenario "all" by name, and queries', () => {
  const names = compareReports(allReport(), { ...allReport(), id: 'other' }, []).metrics.map(({ name }) => name);
  expect(names).toContain('speed: latency p99');
  expect(names).toContain('batch: step spark');
  expect(names).toContain('query: query funnel by hour p95');
  expect(names).toContain('ingest: highest rate held');
});
