import { describe, expect, it } from 'vitest';
import { datesBetween, nextDate, parseDate } from './date.ts';

const now = Date.parse('2026-11-21T12:00:00Z');

describe('parseDate', () => {
  it('takes dates and their names', () => {
    expect(parseDate('2026-11-20', now)).toBe('2026-11-20');
    expect(parseDate('today', now)).toBe('2026-11-21');
    expect(parseDate('yesterday', now)).toBe('2026-11-20');
    expect(parseDate('2024-02-29', now)).toBe('2024-02-29');
  });

  it.each(['', '2026-02-30', '2026-13-01', '21.11.2026', '2026-11-21T00:00', '2027-01-01', 'tomorrow'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseDate(text, now)).toThrow(expect.objectContaining({ code: 'BAD_DATE', exitCode: 2 }));
    },
  );
});

it('datesBetween counts both ends', () => {
  expect(datesBetween('2026-02-27', '2026-03-01')).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
  expect(() => datesBetween('2026-03-01', '2026-02-01')).toThrow(expect.objectContaining({ code: 'BAD_DATE' }));
  expect(nextDate('2026-12-31')).toBe('2027-01-01');
});
