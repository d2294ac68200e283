import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type DashboardQuery, dashboardQueries } from './queries.ts';
import { wrongAnswers } from './query-exactness.ts';
import { dueOf, laneIntervalMs, QueryTally, queryAt, runLanes } from './query-lanes.ts';

const queries: DashboardQuery[] = ['a', 'b', 'c'].map((name) => ({ name, about: name, sql: `select '${name}'` }));
const never = new AbortController().signal;

describe('the schedule of dashboards', () => {
  it('spreads lanes evenly and keeps a constant rate', () => {
    const dues = [0, 1, 2, 3].flatMap((lane) => [0, 1, 2].map((turn) => dueOf(lane, turn, 4))).sort((a, b) => a - b);
    const gaps = dues.slice(1).map((due, index) => due - (dues[index] ?? 0));
    expect(new Set(gaps)).toEqual(new Set([laneIntervalMs / 4]));
  });

  it('lets every lane ask every query, each beginning with another', () => {
    for (const lane of [0, 1, 2]) {
      const turns = [0, 1, 2].map((turn) => queryAt(lane, turn, 3, 3));
      expect(turns.toSorted()).toEqual([0, 1, 2]);
      expect(turns[0]).toBe(lane);
    }
  });

  it('asks what the docs list', async () => {
    const docs = await readFile(join(import.meta.dirname, '../../docs/dashboards.md'), 'utf8');
    const listed = [...docs.matchAll(/^\| (\w+) \|/gm)].map(([, name]) => name).slice(1);
    expect(dashboardQueries.map(({ name }) => name)).toEqual(listed);
  });
});

describe('lanes', () => {
  it('count the waiting behind a slow answer as latency (no coordinated omission)', async () => {
    const tally = new QueryTally();
    let first = true;
    const stall = 3 * laneIntervalMs;
    const ask = async () => {
      if (first) await sleep(stall);
      first = false;
      return 10;
    };
    await runLanes({ queries, lanes: 1, warmupMs: 0, durationMs: 2000 }, ask, tally, never);
    // Four were due; the three that were asked at once after the stall had waited for it.
    const { count = 0, max = 0, p50 = 0 } = tally.all.percentiles() ?? {};
    expect(count).toBe(4);
    expect(max).toBeGreaterThanOrEqual(stall - 10);
    expect(p50).toBeGreaterThanOrEqual(laneIntervalMs - 20);
    expect(tally.report(queries).map(({ rowsRead }) => rowsRead)).toEqual([10, 10, 10]);
  });

  it('leave the warm-up out, count errors, and say what was never asked', async () => {
    const tally = new QueryTally();
    const ask = async ({ name }: DashboardQuery) => {
      if (name === 'b') throw new Error('b is broken');
      return 1;
    };
    await runLanes({ queries, lanes: 2, warmupMs: 500, durationMs: 1000 }, ask, tally, never);
    expect(tally.asked).toBe(6);
    const [a, b, c] = tally.report(queries);
    expect(b).toMatchObject({ name: 'b', errors: 2, count: 0, rowsRead: null });
    expect((a?.count ?? 0) + (c?.count ?? 0)).toBe(tally.all.percentiles()?.count);
    expect(String(tally.errors.get('b'))).toContain('b is broken');

    const stuck = new QueryTally();
    await runLanes(
      { queries, lanes: 1, warmupMs: 0, durationMs: 1000 },
      async () => {
        await sleep(1300);
        return 1;
      },
      stuck,
      never,
    );
    expect(stuck).toMatchObject({ asked: 1, unasked: 1 });
  });

  it('stop at once when they are told to', async () => {
    const tally = new QueryTally();
    await runLanes(
      { queries, lanes: 2, warmupMs: 0, durationMs: 60_000 },
      async () => 1,
      tally,
      AbortSignal.timeout(700),
    );
    expect(tally.asked).toBeLessThan(6);
  });
});

describe('answers with and without projections', () => {
  it('are told apart, with the first row that differs', async () => {
    const wrong = await wrongAnswers(queries, async ({ name }, projections) => {
      if (name === 'b') return [{ n: 1 }, { n: projections ? 2 : 3 }];
      if (name === 'c') return projections ? [{ n: 1 }] : [];
      return [{ n: 1 }];
    });
    expect(wrong).toEqual([
      { name: 'b', fromProjections: '{"n":2}', fromRows: '{"n":3}' },
      { name: 'c', fromProjections: '{"n":1}', fromRows: null },
    ]);
  });
});
