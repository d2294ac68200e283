import { expect, it } from 'vitest';
import { recordsOf } from './preconditions.ts';

const asked = { rate: null, durationMs: null, warmupMs: null, seed: 1, events: null, concurrency: null };

it.each([
  ['speed', {}, 1_800_000],
  ['ingest', { rate: 1000 }, 25_000],
  ['speed', { rate: 1000, durationMs: 10_000, warmupMs: 0 }, 10_000],
  // Its rate says how densely the day is filled, not how long it goes on.
  ['batch', { rate: 1000 }, 1_000_000],
  ['batch', { events: 5000 }, 5000],
] as const)('%s of %j may write %d records', (name, flags, records) => {
  expect(recordsOf(name, { ...asked, ...flags })).toBe(records);
});
