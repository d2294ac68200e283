import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { seriesPoint } from '../../test/support/bench-reports.ts';
import { measurementView, sparkline } from './bench-live.ts';
import { plainSink } from './plain-sink.ts';

describe('sparkline', () => {
  it.each([
    [[0, 50, 100], 10, '▁▅█'],
    [[1, 2, 3, 4], 2, '▆█'],
    [[null, 7, null], 10, ' █ '],
    [[0, 0], 10, '▁▁'],
    [[-5, 5], 10, '▁█'],
    [[], 10, ''],
    [[1], 0, ''],
  ])('of %j at %d is "%s"', (values, width, text) => expect(sparkline(values, width)).toBe(text));
});

describe('live view', () => {
  it.each([20, 40, 70, 130])('fits %d columns at every moment', (width) => {
    const view = measurementView();
    for (let t = 0; t < 200; t++) {
      const lines = view.add({ point: seriesPoint(t), elapsedMs: t * 1000, totalMs: 180_000 }, width).split('\n');
      expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(width);
      // The latency of the first seconds is not known yet.
      expect(lines).toHaveLength(t < 3 ? 5 : 6);
    }
  });

  it('follows a terminal that changes its width', () => {
    const view = measurementView();
    for (let t = 0; t < 60; t++) view.add({ point: seriesPoint(t), elapsedMs: t * 1000, totalMs: null }, 130);
    const text = view.add({ point: seriesPoint(60), elapsedMs: 60_000, totalMs: null }, 40);
    expect(Math.max(...text.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(40);
    expect(text.split('\n')[0]).toBe('1 min 00 s');
  });

  it('has no line for what is never measured', () => {
    const point = { ...seriesPoint(9), visibleRate: null, lag: null, latencyMs: null, pssBytes: null };
    const text = measurementView().add({ point, elapsedMs: 9000, totalMs: 10_000 }, 80);
    expect(text).toContain('sent');
    expect(text).not.toMatch(/visible|lag|latency|memory/);
  });
});

it('is one line every ten seconds in a pipe', () => {
  const stream = new PassThrough();
  const sink = plainSink(stream);
  for (let t = 0; t <= 35; t++) {
    sink.event({ type: 'measurement', id: 'load', point: seriesPoint(t), elapsedMs: t * 1000, totalMs: 60_000 });
  }
  const lines = String(stream.read()).trimEnd().split('\n');
  expect(lines.map((line) => line.split(':')[0])).toEqual([
    '10 s of 1 min 00 s',
    '20 s of 1 min 00 s',
    '30 s of 1 min 00 s',
  ]);
  expect(lines[0]).toMatch(
    /^10 s of 1 min 00 s: sent [\d,]+\/s · visible [\d,]+\/s · lag [\d,]+ · latency \d\.\d\d s · CPU \d+ %$/,
  );
});
