import type { LedgerReport, Percentiles, ThresholdReport } from '../core/bench-report.ts';

/** Generated load may fall this share short of its schedule: the last flush and the clock's grain. */
const rateTolerance = 0.01;

export function atMost(
  name: string,
  value: number | null,
  limit: number,
  unit: ThresholdReport['unit'],
): ThresholdReport {
  return { name, limit, value, unit, bound: 'max', ok: value !== null && value <= limit };
}

export function atLeast(
  name: string,
  value: number | null,
  limit: number,
  unit: ThresholdReport['unit'],
): ThresholdReport {
  return { name, limit, value, unit, bound: 'min', ok: value !== null && value >= limit };
}

/** The load was what was asked for: figures of a generator that fell behind are figures of another rate. */
export function rateThreshold(achieved: number, asked: number): ThresholdReport {
  return atLeast('achieved rate', achieved, asked * (1 - rateTolerance), 'records/s');
}

/** Nothing lost, doubled, alien or altered, and every bad record in a dead letter topic; null: the ledger could not be made. */
export function ledgerThresholds(ledger: LedgerReport | null): ThresholdReport[] {
  const kinds = ['lost', 'doubled', 'alien', 'altered'] as const;
  const counts = kinds.map((kind) => atMost(kind, ledger?.[kind] ?? null, 0, 'records'));
  const bad = ledger?.bad;
  if (bad == null) return counts;
  return [
    ...counts,
    atMost('bad records not in a dead letter topic', Math.abs(bad.sent - bad.deadLetters), 0, 'records'),
  ];
}

export function latencyThresholds(
  latency: Percentiles | null,
  limits: Partial<Record<'p95' | 'p99', number>>,
): ThresholdReport[] {
  return (['p95', 'p99'] as const).flatMap((at) => {
    const limit = limits[at];
    return limit === undefined ? [] : [atMost(`latency ${at}`, latency?.[at] ?? null, limit, 'ms')];
  });
}
