import { describe, expect, it } from 'vitest';
import { freeTime } from './free-time.ts';

const at = (text: string) => Date.parse(`2026-11-${text}Z`);
const minutes = (count: number) => count * 60_000;

describe('freeTime', () => {
  const now = at('21T12:00:00');

  it('is the time before now where nothing lies', () => {
    expect(freeTime([], { lengthMs: minutes(10), now, days: 3 })).toEqual({
      from: at('21T11:49:59'),
      date: '2026-11-21',
    });
  });

  it('passes over what is taken, however close the gaps', () => {
    const taken = [
      [at('21T11:00:00'), at('21T11:20:00')],
      [at('21T11:25:00'), at('21T11:58:00')],
    ] as const;
    const found = freeTime(taken, { lengthMs: minutes(10), now, days: 3 });
    expect(found).toEqual({ from: at('21T10:49:59'), date: '2026-11-21' });
    expect(freeTime(taken, { lengthMs: minutes(4), now, days: 3 })?.from).toBe(at('21T11:20:59'));
  });

  it('goes back a day where today has no room, and gives up in the end', () => {
    const today = [[at('21T00:00:00'), at('21T12:00:00')]] as const;
    expect(freeTime(today, { lengthMs: minutes(60), now, days: 3 })).toEqual({
      from: at('20T22:59:59'),
      date: '2026-11-20',
    });
    expect(freeTime(today, { lengthMs: minutes(60), now, days: 1 })).toBeNull();
    expect(freeTime([[0, now]], { lengthMs: 1, now, days: 6 })).toBeNull();
  });

  it('never lies on two dates', () => {
    const midnight = at('21T00:05:00');
    expect(freeTime([], { lengthMs: minutes(10), now: midnight, days: 2 })?.date).toBe('2026-11-20');
  });

  it('keeps away from what follows a day that was full at its end', () => {
    const late = [[at('20T23:59:59'), at('21T12:00:00')]] as const;
    const found = freeTime(late, { lengthMs: minutes(1), now, days: 2 });
    expect(found?.from).toBe(at('20T23:58:58'));
  });
});
