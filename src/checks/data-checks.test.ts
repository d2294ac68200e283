import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { factsOf } from '../probes/lake-catalog.ts';
import { stackPaths } from '../state/paths.ts';
import { projectionsOf } from './clickhouse-schema.ts';
import { commandFor } from './commands.ts';
import { direction } from './consumer-lag.ts';
import type { CheckContext } from './contract.ts';
import { reasons } from './dead-letters.ts';
import { forecastOf } from './disk-growth.ts';
import { reconcileResult } from './reconcile-result.ts';
import { keepSample, trendOf } from './samples.ts';
import { problemOf, speedCheckpoint } from './speed-checkpoint.ts';
import { causeOf, plural, some } from './support.ts';

let home: string;
const day = 86_400_000;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'checks-'));
});
afterEach(() => rm(home, { recursive: true }));

/** What checks of files look at; no component runs. */
const contextAt = (now: number, stack = 'default'): CheckContext =>
  ({ paths: stackPaths(home, stack), services: [], wanted: [], now }) as unknown as CheckContext;

describe('samples', () => {
  it('tell how a figure changes, and keep the oldest', async () => {
    const first = await keepSample(contextAt(0), 'x', { lag: 100, total: 0 });
    expect(trendOf(first, 'lag')).toBeNull();
    const second = await keepSample(contextAt(60_000), 'x', { lag: 40, total: 600 });
    expect(trendOf(second, 'lag')).toBe(-1);
    for (let minute = 2; minute < 200; minute += 1)
      await keepSample(contextAt(minute * 60_000), 'x', { lag: 0, total: 0 });
    const late = await keepSample(contextAt(200 * 60_000), 'x', { lag: 0, total: 0 });
    expect(late.earlier.length).toBeLessThan(60);
    expect(late.earlier[0]?.time).toBe(0);
  });

  it('begin anew where the file is damaged', async () => {
    await keepSample(contextAt(0), 'x', { lag: 1 });
    await writeFile(join(stackPaths(home, 'default').dir('doctor', 'cache'), 'x.json'), '[{"time": 1, ');
    expect((await keepSample(contextAt(60_000), 'x', { lag: 1 })).earlier).toEqual([]);
  });

  it('say when the disk is full at the present rate', () => {
    const samples = (before: number) => ({
      now: { time: day, values: { kafka: 600, postgres: 400, total: 1000 } },
      earlier: [{ time: 0, values: { kafka: before, postgres: 400, total: before + 400 } }],
    });
    expect(forecastOf(samples(100), 1000)).toMatchObject({
      perDay: 500,
      days: 2,
      fastest: [{ name: 'kafka', perDay: 500 }],
      detail: 'full in 2 days at the present rate',
    });
    expect(forecastOf(samples(600), 1000)?.days).toBe(Number.POSITIVE_INFINITY);
    expect(forecastOf({ ...samples(100), earlier: [] }, 1000)).toBeNull();
  });
});

describe('the checkpoint', () => {
  const write = async (files: Readonly<Record<string, string>>) => {
    const root = join(stackPaths(home, 'default').dir('spark', 'data'), 'checkpoint');
    for (const log of ['offsets', 'commits']) await mkdir(join(root, log), { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
    return root;
  };
  const sound = {
    metadata: '{"id":"x"}',
    'offsets/9': 'v1\n{}\n{}',
    'offsets/10': 'v1\n{}\n-\n{"a":{"0":1}}',
    'commits/9': 'v1\n{}',
  };

  it('is taken as it is when all can be read', async () => {
    expect(await problemOf(await write(sound))).toBeNull();
  });

  it.each([
    ['offsets/10', 'v1\n{}\n-\n{"a":{"0"', 'offsets/10 is cut off'],
    ['offsets/10', '', 'offsets/10 is cut off'],
    ['commits/9', 'v1', 'commits/9 is cut off'],
    ['metadata', '{"id"', 'metadata is cut off'],
  ])('with a damaged %s is named', async (name, text, problem) => {
    expect(await problemOf(await write({ ...sound, [name]: text }))).toBe(problem);
  });

  it('is moved aside, never deleted, and then found in order', async () => {
    await write({ ...sound, 'commits/9': 'v' });
    const [finding] = (await speedCheckpoint.run(contextAt(7))).findings;
    expect(finding).toMatchObject({ severity: 'error', fix: { safe: true } });
    expect(await finding?.mend?.()).toMatch(/checkpoint\.damaged-7$/);
    expect((await speedCheckpoint.run(contextAt(8))).findings).toEqual([]);
  });
});

describe('the last comparison', () => {
  const keep = async (date: string, report: object) => {
    const folder = join(stackPaths(home, 'default').stackDir, 'reconcile', date);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, '2026-11-21T00-00-00.000Z.json'), JSON.stringify(report));
  };
  const report = {
    startedAt: '2026-11-21T00:00:00.000Z',
    verdict: 'agree',
    dates: [{ entities: [{ consistencyPercent: 100 }] }],
  };

  it('that agreed is content, of the newest date', async () => {
    await keep('2026-11-19', { ...report, verdict: 'differ' });
    await keep('2026-11-20', report);
    const { detail, findings } = await reconcileResult.run(contextAt(Date.parse('2026-11-21T01:00:00Z')));
    expect([detail, findings]).toEqual(['2026-11-20: agree, 100 % consistent, compared 1h 00m ago', []]);
  });

  it('is out of date after a later batch', async () => {
    await keep('2026-11-20', report);
    const batches = join(stackPaths(home, 'default').stackDir, 'data', 'batch');
    await mkdir(batches, { recursive: true });
    await writeFile(join(batches, '2026-11-20.json'), JSON.stringify({ lakeTime: '2026-11-21T00:30:00Z' }));
    const { findings } = await reconcileResult.run(contextAt(Date.parse('2026-11-21T01:00:00Z')));
    expect(findings[0]?.fix).toEqual({ command: 'lambdactl reconcile --date 2026-11-20', safe: true });
  });
});

describe('words', () => {
  it('count and shorten', () => {
    expect([plural(1, 'record'), plural(1234, 'record')]).toEqual(['1 record', '1,234 records']);
    expect(some(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
    expect(commandFor(contextAt(0), 'up')).toBe('lambdactl up');
    expect(commandFor(contextAt(0, 'other'), 'up')).toBe('lambdactl up --stack other');
  });

  it('take the last cause of a trace', () => {
    expect(causeOf('java.lang.A: x\n\tat y\nCaused by: b.B: first\n\tat z\nCaused by: c.C: root')).toBe('c.C: root');
    expect(causeOf('java.lang.A: x\n\tat y')).toBe('java.lang.A: x');
  });

  it('say where a lag goes', () => {
    expect(direction(600, -10)).toBe('shrinking by 10/s, caught up in 1m 00s');
    expect(direction(600, 10)).toBe('growing by 10/s');
    expect(direction(600, 0.1)).toBe('it neither grows nor shrinks');
  });

  it('count why records were refused, the most frequent first', () => {
    const record = (name: string, time: number) => ({
      time,
      headers: { 'dlq.error.class': name, 'dlq.error.text': `${name} at ${time}` },
    });
    expect(reasons([record('too_late', 1), record('not_json', 2), record('not_json', 3)])).toBe(
      '; of the last 3: not_json 2, too_late 1, e.g. not_json at 3',
    );
    expect(reasons([])).toBe('');
  });
});

describe('what files say', () => {
  it('projections are read out of migrations, with their table', () => {
    const sql =
      'CREATE TABLE IF NOT EXISTS lambda.a\n(\n    x Int8,\n    PROJECTION p\n    (\n        SELECT 1\n    )\n)\nORDER BY x;\nCREATE VIEW lambda.b AS SELECT 1;\n';
    expect(projectionsOf([sql])).toEqual(['a.p']);
    const later =
      'ALTER TABLE lambda.a ADD PROJECTION IF NOT EXISTS q (SELECT 1);\nALTER TABLE lambda.a DROP PROJECTION IF EXISTS p;';
    expect(projectionsOf([sql, later])).toEqual(['a.q']);
  });

  it('a table of the lake is told by the newest snapshot', () => {
    const snapshot = (time: number, files: string) => ({
      'snapshot-id': time,
      'timestamp-ms': time,
      summary: { 'total-data-files': files, 'total-files-size': '1000' },
    });
    expect(factsOf('t', JSON.stringify({ snapshots: [snapshot(5, '7'), snapshot(2, '1')] }))).toEqual({
      name: 't',
      newestAt: 5,
      oldestAt: 2,
      snapshots: 2,
      files: 7,
      bytes: 1000,
    });
    expect(factsOf('t', '{}')).toMatchObject({ newestAt: null, files: 0 });
  });
});
