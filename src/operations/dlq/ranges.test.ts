import { expect, it } from 'vitest';
import { OffsetSet, PositionSet } from './ranges.ts';

it('keeps offsets as few ranges, whatever the order they come in', () => {
  const set = new OffsetSet();
  for (const offset of [7, 3, 5, 4, 9]) set.add(offset);
  expect(set.toRanges()).toEqual([
    [3, 5],
    [7, 7],
    [9, 9],
  ]);
  set.add(6, 8);
  expect(set.toRanges()).toEqual([[3, 9]]);
  set.add(0, 1);
  expect([...set]).toEqual([0, 1, 3, 4, 5, 6, 7, 8, 9]);
});

it('holds what a plain set holds', () => {
  const set = new OffsetSet();
  const plain = new Set<number>();
  let seed = 7;
  const next = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let i = 0; i < 300; i++) {
    const first = next(1000);
    const last = first + next(5);
    set.add(first, last);
    for (let offset = first; offset <= last; offset++) plain.add(offset);
  }
  for (let offset = 0; offset < 1010; offset++) expect(set.has(offset), String(offset)).toBe(plain.has(offset));
  expect([...set]).toEqual([...plain].sort((a, b) => a - b));
});

it('tells topics and partitions apart', () => {
  const set = new PositionSet();
  set.add({ topic: 'a', partition: 1, offset: 5 });
  expect(set.has({ topic: 'a', partition: 1, offset: 5 })).toBe(true);
  expect(set.has({ topic: 'a', partition: 2, offset: 5 })).toBe(false);
  expect(set.has({ topic: 'b', partition: 1, offset: 5 })).toBe(false);
});
