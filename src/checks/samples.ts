import { dirname, join } from 'node:path';
import { isRecord, toJson } from '../state/json-file.ts';
import { makeDirectory, readIfExists, writeAtomic } from '../system/files.ts';
import type { CheckContext } from './contract.ts';

/** Figures that a check saw at a time; ms since 1970. */
export interface Sample {
  time: number;
  values: Readonly<Record<string, number>>;
}

export interface Samples {
  now: Sample;
  /** Oldest first. */
  earlier: readonly Sample[];
}

const kept = 48;
/** Closer than this to the one before, a sample takes its place: many runs in a row would push the old ones out. */
const apartMs = 30_000;
const oldestMs = 14 * 24 * 3_600_000;

const fileOf = ({ paths }: CheckContext, name: string) => join(paths.dir('doctor', 'cache'), `${name}.json`);

/**
 * Adds what is seen now to what earlier runs saw, a few dozen samples in the stack's cache. A file that cannot be read begins anew, and
 * one that cannot be written is no finding: only the trend is unknown.
 */
export async function keepSample(context: CheckContext, name: string, values: Sample['values']): Promise<Samples> {
  const now = { time: context.now, values };
  const path = fileOf(context, name);
  const earlier = parse(await readIfExists(path).catch(() => null)).filter(
    ({ time }) => time < now.time && now.time - time < oldestMs,
  );
  const last = earlier.at(-1);
  const next = last !== undefined && now.time - last.time < apartMs ? earlier : thinned([...earlier, now]);
  if (next !== earlier || earlier.length === 0) {
    await makeDirectory(dirname(path), 0o700)
      .then(() => writeAtomic(path, toJson(next), { mode: 0o600 }))
      .catch(() => undefined);
  }
  return { now, earlier };
}

/** Half of the older ones go when there are too many, so that the first stays and the span grows. */
function thinned(samples: readonly Sample[]): readonly Sample[] {
  if (samples.length <= kept) return samples;
  const half = Math.floor(samples.length / 2);
  return [...samples.slice(0, half).filter((_, index) => index % 2 === 0), ...samples.slice(half)];
}

function parse(text: string | null): Sample[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    if (!Array.isArray(value)) return [];
    return value.flatMap((each: unknown) => {
      if (!isRecord(each) || typeof each.time !== 'number' || !isRecord(each.values)) return [];
      const numbers = Object.entries(each.values).filter(
        (entry): entry is [string, number] => typeof entry[1] === 'number',
      );
      return [{ time: each.time, values: Object.fromEntries(numbers) }];
    });
  } catch {
    return [];
  }
}

/**
 * Change a second of one figure since the newest sample that is old enough to tell.
 * @returns null without such a sample
 */
export function trendOf(
  { now, earlier }: Samples,
  key: string,
  minimumMs = 1000,
  maximumMs = 3_600_000,
): number | null {
  const value = now.values[key];
  const before = earlier.findLast(({ time, values }) => {
    const age = now.time - time;
    return age >= minimumMs && age <= maximumMs && values[key] !== undefined;
  });
  const old = before?.values[key];
  if (value === undefined || before === undefined || old === undefined) return null;
  return (value - old) / ((now.time - before.time) / 1000);
}
