import type { BenchReport, SeriesPoint } from '../core/bench-report.ts';

/** One plot, as templates/bench/plots.js draws it. */
export interface Plot {
  /** Id of the element that it is drawn in. */
  id: string;
  /** Cursors of one group move together. */
  group: string;
  title: string;
  /** Of the y axis and all series. */
  unit: 'ms' | 'records/s' | 'records' | 'percent' | 'bytes';
  log: boolean;
  stacked: boolean;
  x: { label: string; unit: 'seconds' | 'records/s' | 'percentile'; values: readonly number[] };
  /** Names of whole numbers from 0 on the x axis; null where the numbers themselves are shown. */
  xLabels: readonly string[] | null;
  series: readonly { label: string; values: readonly (number | null)[]; dots?: 'good' | 'bad' }[];
  limits: readonly { label: string; value: number }[];
}

/** As many as there are colours. */
const mostSeries = 8;
const percentileLabels = ['p50', 'p90', 'p95', 'p99', 'p99.9', 'max'] as const;

/** Every plot that the report has figures for; ids are unique over parts of one page. */
export function plotsOf(report: BenchReport): readonly Plot[] {
  const plots = [
    ratePlot(report.series),
    lagPlot(report.series),
    latencyPlot(report),
    percentilePlot(report),
    findMaxPlot(report),
    cpuPlot(report.series),
    memoryPlot(report.series),
  ];
  return plots.flatMap((plot, at) =>
    plot === null ? [] : [{ ...plot, id: `${report.scenario}-plot-${at}`, group: report.scenario }],
  );
}

type Drawn = Omit<Plot, 'id' | 'group'>;
const flat = { log: false, stacked: false, xLabels: null, limits: [] } as const;

/** Readings over time; null where none of the series has a value. */
function overTime(
  series: readonly SeriesPoint[],
  plot: Pick<Drawn, 'title' | 'unit'> & Partial<Drawn>,
  lines: readonly { label: string; value: (point: SeriesPoint) => number | null }[],
): Drawn | null {
  const shown = lines
    .map(({ label, value }) => ({ label, values: series.map(value) }))
    .filter(({ values }) => values.some((value) => value !== null));
  if (shown.length === 0 || series.length < 2) return null;
  return { ...flat, x: { label: 'time', unit: 'seconds', values: series.map(({ t }) => t) }, series: shown, ...plot };
}

const ratePlot = (series: readonly SeriesPoint[]) =>
  overTime(series, { title: 'Rate', unit: 'records/s' }, [
    { label: 'visible', value: ({ visibleRate }) => visibleRate },
    { label: 'sent', value: ({ sentRate }) => sentRate },
  ]);

const lagPlot = (series: readonly SeriesPoint[]) =>
  overTime(series, { title: 'Lag: sent and not yet visible', unit: 'records' }, [
    { label: 'lag', value: ({ lag }) => lag },
  ]);

const latencyPlot = ({ series, thresholds }: BenchReport) =>
  overTime(
    series,
    { title: 'Longest latency of the newest micro-batch', unit: 'ms', limits: latencyLimits(thresholds) },
    [{ label: 'latency', value: ({ latencyMs }) => latencyMs }],
  );

const memoryPlot = (series: readonly SeriesPoint[]) =>
  overTime(series, { title: 'Memory of all components (PSS)', unit: 'bytes' }, [
    { label: 'memory', value: ({ pssBytes }) => pssBytes },
  ]);

/** The biggest components, and the rest as one. */
function cpuPlot(series: readonly SeriesPoint[]): Drawn | null {
  const totals = new Map<string, number>();
  for (const { cpuPercent } of series) {
    for (const [name, value] of Object.entries(cpuPercent)) totals.set(name, (totals.get(name) ?? 0) + value);
  }
  const names = [...totals.keys()].toSorted((a, b) => (totals.get(b) ?? 0) - (totals.get(a) ?? 0));
  const own = names.length > mostSeries ? names.slice(0, mostSeries - 1) : names;
  const rest = names.slice(own.length);
  const lines = own.map((name) => ({ label: name, value: ({ cpuPercent }: SeriesPoint) => cpuPercent[name] ?? 0 }));
  const others = {
    label: 'others',
    value: ({ cpuPercent }: SeriesPoint) => rest.reduce((sum, name) => sum + (cpuPercent[name] ?? 0), 0),
  };
  return overTime(
    series,
    { title: 'CPU by component, 100 % is one core', unit: 'percent', stacked: true },
    rest.length > 0 ? [...lines, others] : lines,
  );
}

/** Of each hop, or of each query. Logarithmic: hops differ by powers of ten. */
function percentilePlot({ latencyMs, queries }: BenchReport): Drawn | null {
  const curves =
    queries.length > 0
      ? queries.map((query) => ({ name: query.name, figures: query }))
      : Object.entries(latencyMs?.hops ?? {}).map(([name, figures]) => ({ name, figures }));
  if (curves.length === 0) return null;
  return {
    ...flat,
    title: queries.length > 0 ? 'Latency by query and percentile' : 'Latency from event time, by hop and percentile',
    unit: 'ms',
    log: true,
    x: { label: 'percentile', unit: 'percentile', values: percentileLabels.map((_, at) => at) },
    xLabels: percentileLabels,
    series: curves.slice(0, mostSeries).map(({ name, figures }) => ({
      label: name,
      // A logarithmic axis has no zero.
      values: [figures.p50, figures.p90, figures.p95, figures.p99, figures.p999, figures.max].map((value) =>
        value > 0 ? value : null,
      ),
      dots: 'good' as const,
    })),
  };
}

function findMaxPlot({ findMax, thresholds }: BenchReport): Drawn | null {
  if (findMax === null || findMax.steps.length < 2) return null;
  const steps = findMax.steps.toSorted((a, b) => a.rate - b.rate);
  return {
    ...flat,
    title: 'Search for the highest rate',
    unit: 'ms',
    limits: latencyLimits(thresholds),
    x: { label: 'rate', unit: 'records/s', values: steps.map(({ rate }) => rate) },
    series: [
      { label: 'p99', values: steps.map(({ p99 }) => p99), dots: 'good' },
      { label: 'p95', values: steps.map(({ p95 }) => p95), dots: 'good' },
      { label: 'not held', values: steps.map(({ ok, p99 }) => (ok ? null : p99)), dots: 'bad' },
    ],
  };
}

const latencyLimits = (thresholds: BenchReport['thresholds']): Drawn['limits'] =>
  thresholds
    .filter(({ unit, name }) => unit === 'ms' && /\bp\d/.test(name))
    .map(({ name, limit }) => ({ label: `${name} ≤ ${limit.toLocaleString('en-US')} ms`, value: limit }));
