import { expect, it } from 'vitest';
import { Latencies } from './percentiles.ts';

it('gives percentiles to three digits and the exact count', () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 10_000; ms++) latencies.add(ms);
  const { p50, p90, p95, p99, p999, max, count } = latencies.percentiles() ?? {};
  expect(count).toBe(10_000);
  const expected: [number | undefined, number][] = [
    [p50, 5000],
    [p90, 9000],
    [p95, 9500],
    [p99, 9900],
    [p999, 9990],
    [max, 10_000],
  ];
  for (const [value = 0, exact] of expected) expect(Math.abs(value - exact) / exact).toBeLessThan(0.002);
});

it('weighs by count, and takes what is below zero as zero', () => {
  const latencies = new Latencies();
  latencies.add(100, 99);
  latencies.add(900, 1);
  latencies.add(5, 0);
  expect(latencies.percentiles()).toMatchObject({ p50: 100, p99: 100, count: 100 });
  const early = new Latencies();
  early.add(-3);
  expect(early.percentiles()).toMatchObject({ p50: 0, max: 0, count: 1 });
});

it('spreads a batch between its first and last record and loses none', () => {
  const latencies = new Latencies();
  latencies.addSpread(0, 1000, 1003);
  const { p50 = 0, count, max = 0 } = latencies.percentiles() ?? {};
  expect(count).toBe(1003);
  expect(p50).toBeGreaterThan(400);
  expect(p50).toBeLessThan(600);
  expect(max).toBeLessThanOrEqual(1000);
});

it('says nothing of nothing', () => {
  expect(new Latencies().percentiles()).toBeNull();
});
