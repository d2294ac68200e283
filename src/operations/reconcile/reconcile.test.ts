import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openArtifactStore } from '../../artifacts/store.ts';
import type { DateReport, EntityReport, ReconcileReport } from '../../core/reconcile-report.ts';
import { stackPaths } from '../../state/paths.ts';
import { dateReport, notReadyError, verdictOf } from '../reconcile.ts';
import { OpenStack } from '../stack.ts';
import { keepReport, readHistory } from './history.ts';
import { adviceFor, repair } from './repair.ts';
import { raiseAlert, slaOf } from './sla.ts';
import { lag } from './watermarks.ts';

const hour = 3_600_000;
const midnight = Date.parse('2026-03-08T00:00:00Z');
const speed = { passed: true, behind: 0, detail: 'everything that Kafka held is written' };
const batch = { id: 'batch-1', lakeTime: midnight + 25 * hour };

function entityReport(rows: Partial<EntityReport['rows']> = {}): EntityReport {
  const counts = {
    speed: 10,
    batch: 10,
    matching: 10,
    missing: 0,
    extra: 0,
    different: 0,
    duplicate: 0,
    late: 0,
    ...rows,
  };
  const union = counts.matching + counts.missing + counts.extra + counts.different;
  const consistencyPercent = (100 * counts.matching) / union;
  return {
    entity: 'user_events',
    speedTable: 'lambda.user_events_realtime',
    batchTable: 'RAW.USER_EVENTS',
    verdict: consistencyPercent >= 99.9 ? 'agree' : 'differ',
    consistencyPercent,
    rows: counts,
    sums: [],
    columns: { compared: ['event_id'], excluded: [] },
    segments: { compared: 16, differing: 0, rounds: 1 },
    differences: [],
    notNamed: 0,
    elapsedMs: { verdict: 1, rows: 1 },
  };
}

const dateOf = (entities: readonly EntityReport[], now = midnight + 26 * hour): DateReport =>
  dateReport('2026-03-08', { speed, batch, entities }, { slaHours: 24, slaThresholdPercent: 100 }, now);

const reportOf = (dates: readonly DateReport[]): ReconcileReport => ({
  version: 1,
  stack: 'test',
  startedAt: '2026-03-09T02:00:00.000Z',
  elapsedMs: 5,
  thresholdPercent: 99.9,
  maxRows: 100,
  verdict: verdictOf(dates.map(({ verdict }) => verdict)),
  dates,
  repair: null,
});

describe('watermarks', () => {
  it('add up what is behind, partition by partition', () => {
    expect(
      lag(
        { 0: 10, 1: 20, 2: 0 },
        new Map([
          [0, 10],
          [1, 15],
        ]),
      ),
    ).toBe(5);
    // A recorded offset beyond the end is that of a topic that was made anew.
    expect(lag({ 0: 3 }, new Map([[0, 10]]))).toBe(0);
    expect(lag({ 0: 7 }, new Map())).toBe(7);
  });

  it('tell a finished day from an unfinished one', () => {
    expect(dateOf([entityReport()]).day).toBe('finished');
    const noon = { id: 'batch-1', lakeTime: midnight + 12 * hour };
    const report = dateReport(
      '2026-03-08',
      { speed, batch: noon, entities: [entityReport()] },
      { slaHours: 24, slaThresholdPercent: 100 },
      midnight,
    );
    expect(report).toMatchObject({ day: 'unfinished', verdict: 'agree' });
    expect(report.watermarks.batch.detail).toBe('the day until 2026-03-08T12:00:00.000Z');
  });

  it('make a date without a batch not ready, and say what helps', () => {
    const report = dateReport(
      '2026-03-08',
      { speed, batch: null, entities: [] },
      { slaHours: 24, slaThresholdPercent: 100 },
      midnight,
    );
    expect(report.verdict).toBe('not-ready');
    const error = notReadyError(reportOf([report]));
    expect(error).toMatchObject({ code: 'NOT_READY', exitCode: 1, actions: ['lambdactl batch run --date 2026-03-08'] });
  });

  it('make a lagging speed layer not ready', () => {
    const lagging = { passed: false, behind: 7, detail: '7 records of Kafka are not written yet' };
    const report = dateReport(
      '2026-03-08',
      { speed: lagging, batch, entities: [] },
      { slaHours: 24, slaThresholdPercent: 100 },
      midnight,
    );
    expect(report.notReady.map(({ layer }) => layer)).toEqual(['speed']);
  });
});

it('lets a difference outweigh what could not be compared', () => {
  expect(verdictOf(['agree', 'not-ready', 'differ'])).toBe('differ');
  expect(verdictOf(['agree', 'not-ready'])).toBe('not-ready');
  expect(verdictOf([])).toBe('agree');
});

it('advises by what is wrong where', () => {
  const [extra, missing] = adviceFor(dateOf([entityReport({ extra: 2, missing: 1 })]));
  expect(extra).toContain('2 rows are missing in lambda.user_events_realtime only');
  expect(missing).toContain('1 rows of lambda.user_events_realtime did not come out of the lake');
});

describe('history', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'reconcile-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  it('keeps one private file a date and lists the newest first', async () => {
    const paths = stackPaths(home, 'test');
    const other = { ...dateOf([entityReport({ missing: 5, late: 2 })]), date: '2026-03-07' };
    await keepReport(paths, reportOf([other, dateOf([entityReport()])]));
    await keepReport(paths, { ...reportOf([dateOf([entityReport()])]), startedAt: '2026-03-09T03:00:00.000Z' });
    const { runs } = await readHistory(paths);
    expect(
      runs.map(({ date, startedAt, verdict, differing, late }) => [date, startedAt, verdict, differing, late]),
    ).toEqual([
      ['2026-03-08', '2026-03-09T03:00:00.000Z', 'agree', 0, 0],
      ['2026-03-08', '2026-03-09T02:00:00.000Z', 'agree', 0, 0],
      ['2026-03-07', '2026-03-09T02:00:00.000Z', 'differ', 5, 2],
    ]);
    expect(statSync(runs[0]?.file ?? '').mode & 0o777).toBe(0o600);
    expect(readdirSync(join(paths.stackDir, 'reconcile'))).toHaveLength(2);
    expect(JSON.parse(readFileSync(runs[2]?.file ?? '', 'utf8'))).toMatchObject({
      verdict: 'differ',
      dates: [{ date: '2026-03-07' }],
    });
  });

  it('is empty before the first run, and names a file that is broken', async () => {
    const paths = stackPaths(home, 'test');
    expect((await readHistory(paths)).runs).toEqual([]);
    const [file = ''] = await keepReport(paths, reportOf([dateOf([entityReport()])]));
    writeFileSync(file, '{"version": 2}');
    await expect(readHistory(paths)).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
  });
});

describe('SLA', () => {
  it('is breached by a difference after its hours, not before, and not by a missing batch', () => {
    const due = midnight + 48 * hour;
    expect(slaOf('2026-03-08', 'differ', 24, due - 1).breached).toBe(false);
    expect(slaOf('2026-03-08', 'differ', 24, due)).toEqual({
      dueAt: '2026-03-10T00:00:00.000Z',
      breached: true,
      alert: null,
    });
    expect(slaOf('2026-03-08', 'agree', 24, due).breached).toBe(false);
    expect(slaOf('2026-03-08', 'not-ready', 24, due).breached).toBe(false);
  });

  it('posts the alert, and survives a webhook that is gone', async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
      request.on('end', () => response.end('{}'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // Of a TCP server, an address with a port.
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    const late = dateOf([entityReport({ missing: 3 })], midnight + 100 * hour);
    const raised = await raiseAlert(late, 'test', url);
    await new Promise((resolve) => server.close(resolve));
    expect(raised.sla.alert).toEqual({ sent: true, detail: 'the webhook answered 200' });
    expect(JSON.parse(bodies.join(''))).toMatchObject({
      alert: 'ReconcileSlaBreach',
      date: '2026-03-08',
      stack: 'test',
    });
    expect((await raiseAlert(late, 'test', url)).sla.alert).toMatchObject({ sent: false });
    expect((await raiseAlert(dateOf([entityReport()]), 'test', url)).sla.alert).toBeNull();
  });
});

describe('repair', () => {
  it('runs the batch of what differs, is late or has none, and compares just that again', async () => {
    const paths = stackPaths(tmpdir(), 'test');
    const stack = new OpenStack(paths, openArtifactStore({ home: tmpdir(), projectRoot: tmpdir() }), null, {});
    const named = (date: string, report: DateReport): DateReport => ({ ...report, date });
    const lagging = { passed: false, behind: 7, detail: 'behind' };
    const found = [
      named('2026-03-01', dateOf([entityReport()])),
      named('2026-03-02', dateOf([entityReport({ missing: 3 })])),
      named('2026-03-03', dateOf([entityReport({ late: 3 })])),
      dateReport(
        '2026-03-04',
        { speed, batch: null, entities: [] },
        { slaHours: 24, slaThresholdPercent: 100 },
        midnight,
      ),
      dateReport(
        '2026-03-05',
        { speed: lagging, batch, entities: [] },
        { slaHours: 24, slaThresholdPercent: 100 },
        midnight,
      ),
    ];
    const processed: string[] = [];
    const context = { emit: () => undefined, signal: new AbortController().signal };
    const { dates, report } = await repair(
      stack,
      found,
      context,
      async (_, date) => processed.push(date),
      async (again) =>
        again.map((date) => named(date, dateOf([entityReport({ extra: date === '2026-03-02' ? 1 : 0 })]))),
    );
    expect(processed).toEqual(['2026-03-02', '2026-03-03', '2026-03-04']);
    expect(dates.map(({ verdict }) => verdict)).toEqual(['agree', 'differ', 'agree', 'agree', 'not-ready']);
    expect(report?.dates[0]).toEqual({ date: '2026-03-02', before: 3, after: 1, detail: '1 rows still differ' });
    expect(report?.advice).toHaveLength(1);
  });
});
