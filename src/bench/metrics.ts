import type { BenchReport, Percentiles } from '../core/bench-report.ts';

/** One figure of a report that can be compared with the same figure of another. */
export interface Metric {
  /** Unique within the report, e.g. "latency clickhouse p99". */
  name: string;
  unit: 'ms' | 'records/s' | 'cpu-s/M' | 'cpu-s' | 'bytes' | 'records' | 'percent';
  value: number | null;
  better: 'less' | 'more';
  /** Counted, not measured: any difference is one. */
  exact: boolean;
}

const percentileNames = ['p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const;

/** Every comparable figure of a report in the order of its text; of scenario "all" those of each part, its name in front. */
export function metricsOf(report: BenchReport): readonly Metric[] {
  if (report.scenario === 'all') {
    return report.parts.flatMap((part) =>
      metricsOf(part).map((metric) => ({ ...metric, name: `${part.scenario}: ${metric.name}` })),
    );
  }
  return [
    ...throughputMetrics(report),
    ...ledgerMetrics(report),
    ...latencyMetrics(report),
    ...resourceMetrics(report),
    ...report.steps.map(({ name, elapsedMs }) => measured(`step ${name}`, 'ms', elapsedMs)),
    ...report.queries.flatMap((query) => [
      ...percentileMetrics(`query ${query.name}`, query),
      counted(`query ${query.name} errors`, query.errors),
    ]),
    ...report.reference.map(({ name, rate }) => measured(`reference ${name}`, 'records/s', rate, 'more')),
    ...(report.findMax === null ? [] : [measured('highest rate held', 'records/s', report.findMax.rate, 'more')]),
  ];
}

function throughputMetrics({ throughput, elapsedMs, steps }: BenchReport): Metric[] {
  // Of a run of steps the whole time is a figure; elsewhere it is what was asked for.
  const whole = steps.length > 0 ? [measured('elapsed', 'ms', elapsedMs)] : [];
  if (throughput === null) return whole;
  return [
    ...whole,
    measured('achieved rate', 'records/s', throughput.achieved, 'more'),
    measured('visible rate', 'records/s', throughput.visible, 'more'),
    measured('behind schedule', 'ms', throughput.lateMsMax),
  ];
}

function ledgerMetrics({ ledger }: BenchReport): Metric[] {
  if (ledger === null) return [];
  const kinds = ['lost', 'doubled', 'alien', 'altered'] as const;
  return kinds.map((kind) => counted(kind, ledger[kind]));
}

function latencyMetrics({ latencyMs }: BenchReport): Metric[] {
  if (latencyMs === null) return [];
  return [
    ...percentileMetrics('latency', latencyMs),
    ...Object.entries(latencyMs.hops).flatMap(([hop, percentiles]) => percentileMetrics(`latency ${hop}`, percentiles)),
  ];
}

function resourceMetrics({ resources }: BenchReport): Metric[] {
  if (resources === null) return [];
  return [
    measured('CPU', 'cpu-s/M', resources.cpuSecondsPerMillion),
    ...resources.components.map(({ name, cpuSeconds, cpuSecondsPerMillion }) =>
      cpuSecondsPerMillion === null
        ? measured(`CPU ${name}`, 'cpu-s', cpuSeconds)
        : measured(`CPU ${name}`, 'cpu-s/M', cpuSecondsPerMillion),
    ),
    measured('peak memory', 'bytes', resources.peakPssBytes),
    ...resources.components.map(({ name, peakPssBytes }) => measured(`peak memory ${name}`, 'bytes', peakPssBytes)),
    measured('CPU of the bench', 'percent', resources.benchCpuPercent),
  ];
}

const percentileMetrics = (name: string, percentiles: Percentiles): Metric[] =>
  percentileNames.map((each) => measured(`${name} ${each === 'p999' ? 'p99.9' : each}`, 'ms', percentiles[each]));

const measured = (
  name: string,
  unit: Metric['unit'],
  value: number | null,
  better: Metric['better'] = 'less',
): Metric => ({ name, unit, value, better, exact: false });

const counted = (name: string, value: number): Metric => ({
  name,
  unit: 'records',
  value,
  better: 'less',
  exact: true,
});
