import { describe, expect, it } from 'vitest';
import { IdStream, Ids } from './ids.ts';
import { partitionHash } from './murmur2.ts';
import { AliasTable, Random } from './random.ts';
import { dayCurve, isWeekend, Schedule, type Shape } from './schedule.ts';
import { TimestampWriter, writeCents, writeInteger } from './text.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('random', () => {
  it('repeats its sequence by seed', () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 5 }, () => random.next());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('never picks what weighs nothing', () => {
    const table = new AliasTable([1, 0, 3]);
    const random = new Random(7);
    expect(new Set(Array.from({ length: 10_000 }, () => table.pick(random)))).toEqual(new Set([0, 2]));
  });

  it('picks in proportion to the weights', () => {
    const weights = [60, 25, 12, 3];
    const table = new AliasTable(weights);
    const random = new Random(7);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 100_000; i++) {
      const picked = table.pick(random);
      counts[picked] = (counts[picked] ?? 0) + 1;
    }
    // Chi-squared with 3 degrees of freedom: 16.27 is exceeded once in a thousand fair runs.
    const squares = counts.map((count, i) => (count - (weights[i] ?? 0) * 1000) ** 2 / ((weights[i] ?? 0) * 1000));
    expect(squares.reduce((sum, square) => sum + square, 0)).toBeLessThan(16.27);
  });
});

describe('ids', () => {
  it('derive from seed, stream and counter, and are UUIDs of version 4', () => {
    const events = new Ids(1, IdStream.event);
    expect(events.text(5)).toMatch(uuid);
    expect(events.text(5)).toBe(new Ids(1, IdStream.event).text(5));
    const others = [events.text(6), new Ids(2, IdStream.event).text(5), new Ids(1, IdStream.session).text(5)];
    expect(new Set([...others, events.text(5)]).size).toBe(4);
  });

  it('do not repeat, also beyond 32 bits', () => {
    const ids = new Ids(3, IdStream.event);
    const seen = new Set(Array.from({ length: 50_000 }, (_, counter) => ids.text(counter)));
    for (let counter = 0; counter < 1000; counter++) seen.add(ids.text(2 ** 32 + counter));
    expect(seen.size).toBe(51_000);
  });
});

it.each([
  // From Kafka's own UtilsTest, sign bit cleared.
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('hashes %j as the Java client does', (key, hash) => {
  expect(partitionHash(Buffer.from(key))).toBe(hash & 0x7fffffff);
  expect(partitionHash(Buffer.from(`__${key}_`), 2, 2 + key.length)).toBe(hash & 0x7fffffff);
});

describe('text', () => {
  const written = (write: (target: Buffer) => number) => {
    const target = Buffer.alloc(64);
    return target.toString('latin1', 0, write(target));
  };

  it.each([0, 7, 10, 99, 100, 12_345, 999_999_999, 2 ** 40])('writes %d', (value) => {
    expect(written((target) => writeInteger(target, 0, value))).toBe(String(value));
  });

  it.each([0, 5, 99, 100, 1230, 259_999, 123_456_789])('writes %d cents', (cents) => {
    expect(written((target) => writeCents(target, 0, cents))).toBe((cents / 100).toFixed(2));
  });

  it('writes timestamps as Date does', () => {
    const timestamps = new TimestampWriter();
    const start = Date.UTC(2026, 1, 28, 23, 59, 58, 990);
    for (const offset of [0, 9, 10.7, 999, 1009, 1010, -5, 86_400_000, 123]) {
      const expected = new Date(Math.floor(start + offset)).toISOString();
      expect(written((target) => timestamps.write(target, 0, start + offset))).toBe(expected);
    }
  });
});

describe('schedule', () => {
  const startTime = Date.UTC(2026, 0, 5); // a Monday
  const offsets = (shape: Shape, rate: number, count: number, horizonMs = 60_000, from = startTime) => {
    const schedule = new Schedule({ rate, shape, startTime: from, horizonMs });
    return Array.from({ length: count }, () => schedule.next());
  };
  const countBefore = (values: number[], from: number, to: number) =>
    values.filter((value) => value >= from && value < to).length;

  it('spaces steady events by microseconds, without drift', () => {
    expect(offsets('steady', 50_000, 5)).toEqual([0, 0.02, 0.04, 0.06, 0.08]);
    expect(offsets('steady', 300, 900_001).at(-1)).toBe(3_000_000);
  });

  it('ramps from a tenth of the rate to all of it', () => {
    const ramp = offsets('ramp', 1000, 60_000);
    expect(countBefore(ramp, 0, 1000)).toBeCloseTo(107, -1);
    expect(countBefore(ramp, 58_000, 59_000)).toBeCloseTo(985, -2);
  });

  it('spikes to five times the rate in the middle', () => {
    const spike = offsets('spike', 100, 8400);
    expect(countBefore(spike, 10_000, 11_000)).toBeCloseTo(100, -1);
    expect(countBefore(spike, 29_000, 30_000)).toBeCloseTo(500, -1);
    expect(countBefore(spike, 50_000, 51_000)).toBeCloseTo(100, -1);
  });

  it('follows the hours, and brings 1.3 times as much at weekends', () => {
    const day = 86_400_000;
    const week = offsets('day-curve', 0.1, 8640 * 8);
    const monday = countBefore(week, 0, day);
    expect(monday).toBeGreaterThan(8640 * 0.98);
    expect(monday).toBeLessThan(8640 * 1.02);
    expect(countBefore(week, 5 * day, 6 * day) / monday).toBeCloseTo(1.3, 2);
    expect(countBefore(week, 20 * 3_600_000, 21 * 3_600_000)).toBeGreaterThan(
      5 * countBefore(week, 4 * 3_600_000, 5 * 3_600_000),
    );
    expect(isWeekend(startTime + 5 * day)).toBe(true);
    expect(dayCurve(startTime + 5 * day + 1000) / dayCurve(startTime + 1000)).toBeCloseTo(1.3, 10);
  });
});
