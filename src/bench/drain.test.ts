import { expect, it } from 'vitest';
import { drained } from './drain.ts';

const never = new AbortController().signal;

/** Tells one figure a look, then the last one again and again. */
function looks(...figures: number[]): () => number {
  let next = 0;
  return () => figures[Math.min(next++, figures.length - 1)] ?? 0;
}

it('waits until everything has arrived, and no longer', async () => {
  const arrived = looks(0, 2, 5, 9);
  expect(await drained({ arrived, sent: 5, everyMs: 1, signal: never })).toBe(5);
  expect(arrived()).toBe(9);
});

it('takes what is missing as lost once nothing new arrives', async () => {
  // The second figure is that of a look that failed.
  const arrived = looks(3, -1, 4);
  expect(await drained({ arrived, sent: 5, everyMs: 1, stalledAfterMs: 20, signal: never })).toBe(4);
});

it('looks once after the signal, and passes on what a look throws', async () => {
  expect(await drained({ arrived: looks(3, 5), sent: 5, everyMs: 1, signal: AbortSignal.abort() })).toBe(3);
  const arrived = () => Promise.reject(new Error('unreadable'));
  await expect(drained({ arrived, sent: 5, everyMs: 1, signal: never })).rejects.toThrow('unreadable');
});
