import { expect, it } from 'vitest';
import { parsePerfTest } from './perf-test.ts';

const final =
  '500000 records sent, 61728.395062 records/sec (14.72 MB/sec), 210.30 ms avg latency, 512.00 ms max latency, 190 ms 50th, 420 ms 95th, 480 ms 99th, 505 ms 99.9th.';

it('reads the summary and no interim line', () => {
  const interim = '120000 records sent, 24000.0 records/sec (5.72 MB/sec), 1.5 ms avg latency, 20.0 ms max latency.';
  const parsed = parsePerfTest([interim, interim, final]);
  expect(parsed?.rate).toBeCloseTo(61_728.4, 1);
  expect(parsed?.latencyMs).toEqual({ p50: 190, p90: 420, p95: 420, p99: 480, p999: 505, max: 512, count: 500_000 });
});

it('takes what came after the warm-up', () => {
  const steady = final.replace('500000 records', '400000 steady state records').replace('61728.395062', '70000.5');
  expect(parsePerfTest([final, steady])?.rate).toBe(70_000.5);
});

it('knows when there is no summary', () => {
  expect(parsePerfTest(['Exception in thread "main"'])).toBeNull();
});
