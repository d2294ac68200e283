import { usageError } from '../../core/errors.ts';

const dayMs = 86_400_000;

/**
 * A date of event time (UTC) as YYYY-MM-DD; "today" and "yesterday" are understood.
 * @throws LambdaError BAD_DATE
 */
export function parseDate(text: string, now = Date.now()): string {
  if (text === 'today') return isoDate(now);
  if (text === 'yesterday') return isoDate(now - dayMs);
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // Date.parse takes 31 February for 3 March.
  if (Number.isNaN(time) || isoDate(time) !== text) throw badDate(`"${text}" is no date.`);
  if (time > now + dayMs) throw badDate(`${text} is in the future.`);
  return text;
}

/** Every date from one to another, both included. @throws LambdaError BAD_DATE */
export function datesBetween(from: string, to: string): string[] {
  const [first, last] = [from, to].map((date) => Date.parse(`${date}T00:00:00Z`));
  if (first === undefined || last === undefined || last < first) throw badDate(`${to} is before ${from}.`);
  const count = (last - first) / dayMs + 1;
  if (count > 366) throw badDate(`${from} to ${to} are ${count} days; at most 366 in one go.`);
  return Array.from({ length: count }, (_, index) => isoDate(first + index * dayMs));
}

export const nextDate = (date: string): string => isoDate(Date.parse(`${date}T00:00:00Z`) + dayMs);

const isoDate = (time: number): string => new Date(time).toISOString().slice(0, 10);

function badDate(message: string) {
  return usageError(message, {
    code: 'BAD_DATE',
    actions: ['Write it as 2026-11-21; "today" and "yesterday" (UTC) will do.'],
  });
}
