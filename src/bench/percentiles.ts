import { build, type Histogram } from 'hdr-histogram-js';
import type { Percentiles } from '../core/bench-report.ts';

const longestMs = 24 * 3_600_000;

/** Latencies in ms, three significant digits, up to a day. What is below 0 (clocks) counts as 0. */
export class Latencies {
  private readonly histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: longestMs,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });

  add(latencyMs: number, count = 1): void {
    const clamped = Math.min(longestMs, Math.max(0, Math.round(latencyMs)));
    if (count > 0) this.histogram.recordValueWithCount(clamped, count);
  }

  /** `count` records, evenly spread between two latencies: what is known of a batch by its first and last record. */
  addSpread(fromMs: number, toMs: number, count: number): void {
    const slices = Math.min(count, 16);
    for (let slice = 0; slice < slices; slice++) {
      const share = Math.floor((count * (slice + 1)) / slices) - Math.floor((count * slice) / slices);
      this.add(fromMs + ((toMs - fromMs) * (slice + 0.5)) / slices, share);
    }
  }

  /** null while nothing was recorded. */
  percentiles(): Percentiles | null {
    const { histogram } = this;
    if (histogram.totalCount === 0) return null;
    const at = (percentile: number) => histogram.getValueAtPercentile(percentile);
    return {
      p50: at(50),
      p90: at(90),
      p95: at(95),
      p99: at(99),
      p999: at(99.9),
      max: histogram.maxValue,
      count: histogram.totalCount,
    };
  }
}
