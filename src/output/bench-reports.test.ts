import { describe, expect, it } from 'vitest';
import {
  allReport,
  batchReport,
  defectiveReport,
  ingestReport,
  interruptedReport,
  queryReport,
  speedReport,
} from '../../test/support/bench-reports.ts';
import { compareReports } from '../bench/compare.ts';
import type { BenchList, BenchReport } from '../core/bench-report.ts';
import { plotLibrary } from '../operations/bench/plot-library.ts';
import { benchCompareText } from './bench-compare-text.ts';
import { inUnit, latency } from './bench-format.ts';
import { benchHtml } from './bench-html.ts';
import { plotsOf } from './bench-plots.ts';
import { benchListText, benchText } from './bench-text.ts';
import { wrapped } from './width.ts';

const samples = {
  speed: speedReport(),
  defective: defectiveReport(),
  batch: batchReport(),
  query: queryReport(),
  ingest: ingestReport(),
  all: allReport(),
  interrupted: interruptedReport(),
};
const each = Object.entries(samples);
const longest = (text: string) => Math.max(...text.split('\n').map((line) => [...line].length));

it.each([
  [0, '0 ms'],
  [0.126, '0.13 ms'],
  [8.31, '8.31 ms'],
  [87.44, '87.4 ms'],
  [999.4, '999 ms'],
  [999.6, '1.00 s'],
  [1940, '1.94 s'],
  [12_345, '12.3 s'],
  [61_000, '1 min 01 s'],
  [null, '–'],
])('a latency of %s ms is shown as %s', (ms, text) => expect(latency(ms)).toBe(text));

it('shows each unit as people read it', () => {
  expect(inUnit(19_999.4, 'records/s')).toBe('19,999/s');
  expect(inUnit(58.07, 'cpu-s/M')).toBe('58.1 cpu-s/M');
  expect(inUnit(3_412_918_272, 'bytes')).toBe('3.2 GiB');
});

it.each([10, 25, 80])('wraps at %d columns without losing a word or cutting a line', (width) => {
  const text = `An event time, ${'x'.repeat(30)} and 漢字漢字漢字漢字漢字漢字 at the end`;
  const lines = wrapped(text, width, '  ');
  expect(longest(lines)).toBeLessThanOrEqual(Math.max(width, 12));
  expect(lines.replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
});

describe('text', () => {
  it.each(each)('%s fits 60, 80 and 140 columns', (_, report) => {
    for (const width of [60, 80, 140]) {
      const text = benchText(report, { width });
      expect(longest(text)).toBeLessThanOrEqual(width);
      expect(text).not.toMatch(/undefined|NaN|null| $/m);
    }
  });

  it('says the verdict first, and where all of it is', () => {
    const text = benchText(samples.speed, { width: 80, file: '/h/bench/a.json' });
    expect(text.split('\n')[0]).toBe('Passed: nothing lost, doubled or alien, every threshold is held.');
    expect(text).toContain('/h/bench/a.json\n  → lambdactl bench show 20261121-184012-speed --html report.html');
  });

  it('names each defect with its ids, and claims of the clean hops no more than was looked at', () => {
    const text = benchText(samples.defective, { width: 400 });
    expect(text).toMatch(/^Failed: 7 lost, 2 doubled, 1 alien, 3 altered; latency p95 2.97 s, asked for ≤ 2.50 s\.$/m);
    expect(text).toContain('clickhouse lost: 0192f3c4-7b1a-4d2e-9f00-000000000001');
    expect(text).toContain('kafka, clickhouse (1 of 2 places), lake');
    expect(text).toContain('; contents compared in 2.');
    expect(benchText(samples.speed, { width: 140 })).toContain('kafka, clickhouse (2 places), lake');
  });

  it('does not let rounding hide a missed threshold', () => {
    const [first] = samples.speed.thresholds;
    if (first === undefined) throw new Error('the sample has thresholds');
    const report: BenchReport = {
      ...samples.speed,
      verdict: 'fail',
      thresholds: [{ ...first, value: 3000.4, ok: false }],
    };
    expect(benchText(report, { width: 80 })).toMatch(/≤ 3.00 s +3,000.4 ms +MISSED/);
  });

  it('says that dead letters are missing, and that a run was interrupted', () => {
    const { ledger } = samples.speed;
    if (ledger === null) throw new Error('the sample has a ledger');
    const report: BenchReport = {
      ...samples.speed,
      verdict: 'fail',
      partial: true,
      ledger: { ...ledger, bad: { sent: 9, deadLetters: 8 } },
    };
    const text = benchText(report, { width: 200 });
    expect(text).toContain('Failed: 9 bad records sent, 8 dead letters. It was interrupted');
    expect(benchText(samples.interrupted, { width: 80 })).toMatch(
      /^Interrupted before there was anything to judge\.$/m,
    );
  });

  it('lists runs within the width, and what cannot be read', () => {
    const runs: BenchList['runs'] = each.map(([, { id, scenario, stack, profile, startedAt, partial, verdict }]) => ({
      id,
      scenario,
      stack,
      profile,
      startedAt,
      partial,
      verdict,
      rate: 20_000,
      p99Ms: 3744.2,
      lost: 0,
      file: 'f',
    }));
    const text = benchListText({ runs, unreadable: ['/h/bench/broken.json'] }, 60);
    expect(longest(text)).toBeLessThanOrEqual(60);
    expect(text).toContain('Not a whole report: /h/bench/broken.json');
    expect(benchListText({ runs: [], unreadable: [] }, 80)).toContain('→ lambdactl bench speed');
  });

  it.each([60, 80, 140])('compares within %d columns', (width) => {
    const text = benchCompareText(compareReports(samples.speed, { ...samples.defective, id: 'b' }, []), width);
    expect(longest(text)).toBeLessThanOrEqual(width);
    expect(text).toMatch(/lost +0 +7 +– +worse/);
    expect(text).toMatch(/latency p99 +3.74 s +3.74 s +0 % +same/);
    expect(text).toContain('further figures are the same');
    expect(text.replaceAll(/\s+/g, ' ')).toContain('nobody knows what chance does');
  });
});

describe('HTML', () => {
  const library = plotLibrary();

  /** Every number of the JSON, with its path. */
  function numbersOf(value: unknown, path = ''): [string, number][] {
    if (typeof value === 'number') return [[path, value]];
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => numbersOf(inner, `${path}/${key}`));
  }

  it.each(each)('%s holds every number of the JSON as it is', (_, report) => {
    const html = benchHtml(report, library);
    const values = new Set([...html.matchAll(/<data value="([^"]+)">/g)].map(([, value]) => value));
    // Of scenario "all" the environment is shown once, for the whole; the version is that of the shape.
    const hidden = /^\/version$|\/parts\/\d+\/(version|elapsedMs|request|environment)/;
    const missing = numbersOf(report).filter(([path, value]) => !hidden.test(path) && !values.has(String(value)));
    expect(missing).toEqual([]);
  });

  it.each(each)('%s asks for nothing from outside', (_, report) => {
    const html = benchHtml(report, library);
    // The notice of uPlot's licence is a comment.
    expect(html.replace('/*! https://github.com/leeoniya/uPlot', '')).not.toMatch(
      /https?:\/\/|src=|@import|url\(|<link/,
    );
    expect(html).toContain(`default-src 'none'`);
    expect(html.replaceAll(/<script>.*?<\/script>/gs, '')).not.toMatch(/undefined|NaN/);
  });

  it('shows what comes from outside as text', () => {
    const { series } = speedReport();
    const hostile = '</script><script>alert(1)</script>';
    const report = defectiveReport();
    const html = benchHtml(
      { ...report, notes: [hostile], series: series.map((point) => ({ ...point, cpuPercent: { [hostile]: 1 } })) },
      library,
    );
    expect(html).not.toContain('<script>alert');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('carries data that its script can read, each plot with a place to be drawn in', () => {
    const html = benchHtml(samples.all, library);
    const [, json = ''] = /id="plots">(.*?)<\/script>/.exec(html) ?? [];
    const plots: { id: string; series: { values: unknown[] }[]; x: { values: unknown[] } }[] = JSON.parse(json);
    expect(plots.length).toBeGreaterThan(10);
    for (const { id, series, x } of plots) {
      expect(html.match(new RegExp(`id="${id}"`, 'g'))).toHaveLength(1);
      for (const { values } of series) expect(values).toHaveLength(x.values.length);
    }
  });

  it('is the same from the JSON alone, and needs no script where there is nothing to plot', () => {
    for (const [, report] of each) {
      expect(benchHtml(JSON.parse(JSON.stringify(report)), library)).toBe(benchHtml(report, library));
    }
    expect(benchHtml({ ...samples.batch, latencyMs: null, series: [] }, library)).not.toContain('<script');
  });
});

describe('plots', () => {
  it('put the smallest components together when there are more than colours', () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`c${at}`, 12 - at]));
    const report = speedReport({
      series: [0, 1].map((t) => ({ ...speedReport().series[0], t, cpuPercent: many }) as BenchReport['series'][number]),
    });
    const plot = plotsOf(report).find(({ stacked }) => stacked);
    expect(plot?.series.map(({ label }) => label)).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'others']);
    expect(plot?.series.at(-1)?.values).toEqual([15, 15]);
  });

  it('order the search by rate, and mark what did not hold', () => {
    const plot = plotsOf(samples.ingest).find(({ title }) => title.startsWith('Search'));
    expect(plot?.x.values).toEqual([50_000, 65_000, 72_500, 80_000]);
    expect(plot?.series.find(({ label }) => label === 'not held')?.values).toEqual([null, null, 2840, 5210]);
  });
});
