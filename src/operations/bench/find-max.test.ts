import { expect, it } from 'vitest';
import { nextRate } from './find-max.ts';

/** What the search ends with on a machine that carries `limit`. */
function found(limit: number, first: number): { holds: number | null; steps: number } {
  let [holds, fails]: [number | null, number | null] = [null, null];
  let steps = 0;
  for (let rate: number | null = first; rate !== null && steps < 30; rate = nextRate(holds, fails)) {
    steps++;
    if (rate <= limit) holds = rate;
    else fails = rate;
  }
  return { holds, steps };
}

it.each([1_200, 7_300, 20_000, 47_000, 61_000, 333_000])('finds %d within a tenth, in few steps', (limit) => {
  const { holds, steps } = found(limit, 20_000);
  expect(holds).not.toBeNull();
  expect(holds ?? 0).toBeLessThanOrEqual(limit);
  expect(limit / (holds ?? 1)).toBeLessThan(1.11);
  expect(steps).toBeLessThanOrEqual(12);
});

it('gives up where nothing holds', () => {
  expect(found(10, 20_000)).toMatchObject({ holds: null });
});
