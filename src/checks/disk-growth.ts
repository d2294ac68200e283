import { join } from 'node:path';
import { formatBytes, formatDuration } from '../core/units.ts';
import { entriesOf } from '../system/files.ts';
import { freeBytes, treeBytes } from '../system/store-files.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { keepSample, type Samples, trendOf } from './samples.ts';
import { outcome, plural } from './support.ts';

const dayMs = 86_400_000;
const warnDays = 7;
/** Two looks closer than this say nothing about days. */
const shortestSpanMs = 10 * 60_000;
const longestSpanMs = 3 * dayMs;

export const diskGrowth: Check = {
  name: 'disk-growth',
  area: 'data',
  title: 'Size and growth of the data, and when the disk will be full',
  needs: [],
  async run(context) {
    const data = join(context.paths.stackDir, 'data');
    const names = await entriesOf(data);
    if (names.length === 0) return outcome('no data yet');
    const entries = names.map(async (name) => [name, await treeBytes(join(data, name))] as const);
    const sizes = Object.fromEntries(await Promise.all(entries));
    const free = await freeBytes(data);
    const samples = await keepSample(context, 'disk', {
      ...sizes,
      total: Object.values(sizes).reduce((sum, each) => sum + each, 0),
    });
    const largest = Object.entries(sizes)
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, 3);
    const told = largest.map(([name, bytes]) => `${name} ${formatBytes(bytes)}`).join(', ');
    const forecast = forecastOf(samples, free);
    return outcome(
      `${told}; ${formatBytes(free)} free${forecast === null ? '' : `, ${forecast.detail}`}`,
      forecast === null || forecast.days > warnDays ? [] : [finding(context, forecast, free)],
    );
  },
};

export interface Forecast {
  perDay: number;
  /** Infinity when nothing grows. */
  days: number;
  /** What grows fastest, bytes a day. */
  fastest: readonly { name: string; perDay: number }[];
  /** e.g. "full in 12 days at the present rate". */
  detail: string;
}

/** The present rate carried on in a straight line. @returns null until two looks are far enough apart */
export function forecastOf(samples: Samples, free: number): Forecast | null {
  const perDayOf = (name: string) => (trendOf(samples, name, shortestSpanMs, longestSpanMs) ?? 0) * 86_400;
  if (trendOf(samples, 'total', shortestSpanMs, longestSpanMs) === null) return null;
  const perDay = perDayOf('total');
  const days = perDay <= 0 ? Number.POSITIVE_INFINITY : free / perDay;
  const fastest = Object.keys(samples.now.values)
    .filter((name) => name !== 'total')
    .map((name) => ({ name, perDay: perDayOf(name) }))
    .filter((each) => each.perDay > 0)
    .toSorted((a, b) => b.perDay - a.perDay)
    .slice(0, 3);
  const detail =
    days > 365
      ? 'not growing to speak of'
      : `full in ${days < 2 ? formatDuration(days * dayMs) : plural(Math.floor(days), 'day')} at the present rate`;
  return { perDay, days, fastest, detail };
}

function finding(context: CheckContext, { perDay, days, fastest, detail }: Forecast, free: number): Finding {
  const told = fastest.map((each) => `${each.name} ${formatBytes(each.perDay)}`).join(', ');
  return {
    severity: days < 1 ? 'error' : 'warning',
    what: `The disk will be ${detail}: ${formatBytes(perDay)} a day (${told}), ${formatBytes(free)} left`,
    why: 'A full disk stops Kafka, ClickHouse and PostgreSQL. Kafka levels out after seven days, the lake after its maintenance.',
    fix: { command: commandFor(context, 'lake maintain'), safe: false },
  };
}
