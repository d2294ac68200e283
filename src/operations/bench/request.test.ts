import { expect, it } from 'vitest';
import { askedOf, type BenchRequest, scenarioOf, withDefaults } from './request.ts';

const request = (flags: Partial<BenchRequest> = {}): BenchRequest => ({
  home: undefined,
  stack: 'default',
  scenario: 'speed',
  rate: undefined,
  duration: undefined,
  warmup: undefined,
  seed: undefined,
  events: undefined,
  concurrency: undefined,
  findMax: false,
  ...flags,
});

it('reads what was asked for', () => {
  const asked = askedOf(request({ rate: '20_000', duration: '5m', warmup: '90s', seed: '0', concurrency: '4' }));
  expect(asked).toMatchObject({ rate: 20_000, durationMs: 300_000, warmupMs: 90_000, seed: 0, concurrency: 4 });
  expect(withDefaults('speed', askedOf(request())).warmupMs).toBe(30_000);
  expect(withDefaults('speed', askedOf(request({ warmup: '0s' }))).warmupMs).toBe(0);
});

it.each([
  ['ingest', undefined, 20_000],
  ['speed', undefined, 60_000],
  ['batch', undefined, 0],
  ['cdc', '90s', 90_000],
] as const)('%s runs for %s: %d ms', (name, duration, durationMs) => {
  expect(withDefaults(name, askedOf(request({ duration }))).durationMs).toBe(durationMs);
});

it.each([
  [{ rate: '0' }, 'BAD_RATE'],
  [{ rate: '-5' }, 'BAD_RATE'],
  [{ rate: '2000000' }, 'BAD_RATE'],
  [{ rate: 'fast' }, 'BAD_NUMBER'],
  [{ duration: '60' }, 'DURATION_INVALID'],
  [{ duration: '0s' }, 'DURATION_INVALID'],
  [{ warmup: '30' }, 'DURATION_INVALID'],
  [{ events: '1.5' }, 'BAD_NUMBER'],
  [{ concurrency: '0' }, 'BAD_NUMBER'],
  [{ seed: '-1' }, 'BAD_NUMBER'],
] satisfies [Partial<BenchRequest>, string][])('refuses %j', (flags, code) => {
  expect(() => askedOf(request(flags))).toThrow(expect.objectContaining({ code, category: 'usage' }));
});

it('names the scenarios to whoever asks for another', () => {
  expect(scenarioOf('all')).toBe('all');
  expect(() => scenarioOf('sped')).toThrow(expect.objectContaining({ code: 'BENCH_UNKNOWN_SCENARIO' }));
});
