const dayMs = 86_400_000;
/** Kept free on either side: rows of two runs never share a millisecond. */
const marginMs = 1000;

/** A stretch of time on one UTC date. */
export interface FreeTime {
  /** Begin, ms since 1970. */
  from: number;
  /** YYYY-MM-DD. */
  date: string;
}

/**
 * The latest stretch of time, on one UTC date and over by `now`, in which nothing lies; null where there is none.
 * @param taken [first, last] ms since 1970, in order, not overlapping
 * @param lengthMs at most a day
 * @param days how far back to look, today included
 */
export function freeTime(
  taken: readonly (readonly [number, number])[],
  { lengthMs, now, days }: { lengthMs: number; now: number; days: number },
): FreeTime | null {
  const today = Math.floor(now / dayMs) * dayMs;
  for (let day = today; day > today - days * dayMs; day -= dayMs) {
    let end = Math.min(now, day + dayMs) - marginMs;
    for (const [first, last] of [...taken].reverse()) {
      if (last < end - lengthMs - marginMs) break;
      if (first <= end + marginMs) end = Math.min(end, first - marginMs);
    }
    const from = Math.floor(end - lengthMs);
    if (from >= day) return { from, date: new Date(day).toISOString().slice(0, 10) };
  }
  return null;
}
