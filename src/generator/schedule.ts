export const shapes = ['steady', 'ramp', 'spike', 'day-curve'] as const;
export type Shape = (typeof shapes)[number];

const hour = 3_600_000;
const day = 24 * hour;

/** Relative traffic at each full hour UTC; the mean is 1. */
const hourly = normalized([
  30, 22, 17, 14, 13, 15, 24, 42, 62, 78, 88, 95, 104, 100, 92, 90, 94, 102, 116, 130, 138, 126, 92, 54,
]);
/** Saturdays and Sundays bring this much more of everything, transactions with it. */
export const weekendFactor = 1.3;

function normalized(values: readonly number[]): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Float64Array.from(values, (value) => value / mean);
}

/** Most that dayCurve returns. */
export const peakTraffic = Math.max(...hourly) * weekendFactor;

/** Relative traffic at an instant (ms since 1970, UTC): mean 1 on a weekday, 1.3 at the weekend. */
export function dayCurve(timestampMs: number): number {
  const hours = (timestampMs % day) / hour;
  const before = Math.floor(hours);
  const from = hourly[before] ?? 1;
  const to = hourly[(before + 1) % 24] ?? 1;
  return (from + (to - from) * (hours - before)) * (isWeekend(timestampMs) ? weekendFactor : 1);
}

/** Saturday or Sunday in UTC. */
export function isWeekend(timestampMs: number): boolean {
  const weekday = (Math.floor(timestampMs / day) + 4) % 7; // 1970-01-01 was a Thursday
  return weekday === 0 || weekday === 6;
}

export interface ScheduleOptions {
  /** Events a second; of ramp its end, of spike its foot, of day-curve the mean of a weekday. */
  rate: number;
  shape: Shape;
  /** ms since 1970 of the first event. */
  startTime: number;
  /** Length over which ramp and spike unfold, ms. */
  horizonMs: number;
}

/** When events are due. Depends on its options alone: the n-th call of `next` gives the n-th event's offset. */
export class Schedule {
  private readonly options: ScheduleOptions;
  private count = 0;
  private offsetMs = 0;

  constructor(options: ScheduleOptions) {
    this.options = options;
  }

  /** Milliseconds after the start, with microseconds as fractions; never falls. */
  next(): number {
    const { rate, shape } = this.options;
    const index = this.count++;
    // Not summed up: a sum of a billion steps would drift.
    if (shape === 'steady') return (index * 1000) / rate;
    const due = this.offsetMs;
    this.offsetMs += 1000 / (rate * this.factorAt(due));
    return due;
  }

  private factorAt(offsetMs: number): number {
    const { shape, startTime, horizonMs } = this.options;
    if (shape === 'day-curve') return dayCurve(startTime + offsetMs);
    const progress = offsetMs / horizonMs;
    if (shape === 'ramp') return Math.min(1, 0.1 + 0.9 * progress);
    return progress >= 0.45 && progress < 0.55 ? 5 : 1;
  }
}
