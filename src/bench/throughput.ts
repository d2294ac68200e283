import type { ThroughputReport } from '../core/bench-report.ts';
import type { GeneratorResult } from '../generator/run.ts';

/**
 * What a run of the generator brought into Kafka. `records` are those of user_events; what becomes visible is for others to tell.
 * @param offered records/s by the schedule
 */
export function throughputOf(
  { achievedRate, sent, bytes, lateMsMax }: GeneratorResult,
  offered: number,
): ThroughputReport {
  return { offered, achieved: achievedRate, visible: null, records: sent, bytes, lateMsMax };
}
