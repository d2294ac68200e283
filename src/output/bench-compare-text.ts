import type { BenchComparison } from '../core/bench-report.ts';
import { inUnit, unknownFigure } from './bench-format.ts';
import { grouped } from './format.ts';
import { tableWithin, wrapped } from './width.ts';

type Metric = BenchComparison['metrics'][number];

/** Figures that are shown also where nothing changed; of the others only what did. */
const alwaysShown =
  /^(?:\w+: )?(?:lost|doubled|alien|altered|achieved rate|visible rate|elapsed|latency (?:p50|p95|p99|max)|CPU|peak memory|highest rate held)$/;

/** Two runs side by side: warnings first, as they say what the figures are worth. */
export function benchCompareText(comparison: BenchComparison, width: number): string {
  const { a, b, metrics, warnings } = comparison;
  const shown = metrics.filter(({ name, judgement }) => judgement !== 'same' || alwaysShown.test(name));
  const left = metrics.length - shown.length;
  return [
    `A  ${a}`,
    `B  ${b}`,
    ...warnings.map((warning) => wrapped(`! ${warning}`, width, '  ')),
    '',
    shown.length === 0 ? 'The runs have no figure in common.' : metricsTable(shown, width),
    ...(left > 0 ? ['', wrapped(`${grouped(left)} further figures are the same (--json has all).`, width)] : []),
    '',
    wrapped(`${summary(metrics)} ${spreadText(comparison)}`, width),
  ].join('\n');
}

function metricsTable(metrics: readonly Metric[], width: number): string {
  const spreads = metrics.map(spreadOf);
  return tableWithin(width, [
    { header: 'FIGURE', cells: metrics.map(({ name }) => name) },
    { header: 'A>', cells: metrics.map(({ a, unit }) => inUnit(a, unit)) },
    { header: 'B>', cells: metrics.map(({ b, unit }) => inUnit(b, unit)) },
    { header: 'CHANGE>', cells: metrics.map(({ changePercent }) => signed(changePercent)) },
    ...(spreads.every((text) => text === '') ? [] : [{ header: 'SPREAD>', cells: spreads, drop: 1 }]),
    { header: '', cells: metrics.map(({ judgement }) => (judgement === 'unknown' ? '?' : judgement)) },
  ]);
}

const signed = (percent: number | null): string => {
  if (percent === null) return unknownFigure;
  const text = Math.abs(percent).toFixed(1);
  return text === '0.0' ? '0 %' : `${percent > 0 ? '+' : '-'}${text} %`;
};

const spreadOf = ({ spreadPercent }: Metric): string => (spreadPercent === null ? '' : `${spreadPercent.toFixed(1)} %`);

function summary(metrics: readonly Metric[]): string {
  const kinds = ['better', 'worse', 'same', 'unknown'] as const;
  const counts = kinds.map((kind) => [kind, metrics.filter(({ judgement }) => judgement === kind).length] as const);
  return `${counts
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ')}.`;
}

function spreadText({ spreadRuns }: BenchComparison): string {
  if (spreadRuns < 2) {
    return 'Fewer than two kept runs are like these, so nobody knows what chance does: "?" is a change of more than 2 % that may be chance. Run the same again to know.';
  }
  return `Spread: what ${spreadRuns} runs of the same differ by; a smaller change is "same".`;
}
