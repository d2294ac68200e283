import type { BenchReport, ThresholdReport } from '../core/bench-report.ts';
import { formatBytes } from '../core/units.ts';
import { duration, grouped } from './format.ts';

/** What stands where a figure is not known. */
export const unknownFigure = '–';

const or = (value: number | null, show: (value: number) => string): string =>
  value === null ? unknownFigure : show(value);

/** A latency with three digits: "8.31 ms", "87.4 ms", "940 ms", "1.94 s", "12.3 s", "3 min 05 s". */
export function latency(ms: number | null): string {
  return or(ms, (value) => {
    if (value >= 60_000) return duration(value);
    return value >= 999.5 ? `${digits(value / 1000)} s` : `${digits(value)} ms`;
  });
}

/** A rate in records/s, whole. */
export const rate = (perSecond: number | null): string => or(perSecond, (value) => `${grouped(Math.round(value))}/s`);

/** A percentage with one decimal: "4.2 %". */
export const percentOf = (value: number | null): string => or(value, (known) => `${known.toFixed(1)} %`);

/** CPU-seconds with one decimal. */
export const cpu = (seconds: number | null): string => or(seconds, (value) => value.toFixed(1));

export const bytes = (value: number | null): string => or(value, formatBytes);

export const records = (value: number | null): string => or(value, grouped);

/** A figure in the unit it is told in, for people. */
export function inUnit(value: number | null, unit: string): string {
  if (unit === 'ms') return latency(value);
  if (unit === 'records/s') return rate(value);
  if (unit === 'bytes') return bytes(value);
  if (unit === 'percent') return percentOf(value);
  if (unit === 'records') return records(value);
  return value === null ? unknownFigure : `${cpu(value)} ${unit}`;
}

/** "≤ 3 s" or "≥ 19,800/s" */
export function limitText({ limit, bound, unit }: ThresholdReport): string {
  return `${bound === 'max' ? '≤' : '≥'} ${inUnit(limit, unit)}`;
}

/** What was reached; with all its digits where the rounded figure would look like the limit that it misses. */
export function reachedText({ limit, value, unit, ok }: ThresholdReport): string {
  const text = inUnit(value, unit);
  if (ok || value === null || text !== inUnit(limit, unit)) return text;
  return `${value.toLocaleString('en-US', { maximumFractionDigits: 3 })} ${unit}`;
}

/** How it ended, in a sentence. */
export function benchVerdict(
  report: Pick<BenchReport, 'verdict' | 'thresholds' | 'ledger' | 'partial' | 'parts'>,
): string {
  const { verdict, partial } = report;
  const until = partial ? ' It was interrupted: every figure is of what had happened until then.' : '';
  if (verdict === 'none') return partial ? 'Interrupted before there was anything to judge.' : 'Nothing was judged.';
  if (verdict === 'pass') {
    const reasons = passedText(report);
    return `Passed${reasons === '' ? '' : `: ${reasons}`}.${until}`;
  }
  return `Failed: ${failures(report).join('; ')}.${until}`;
}

function passedText({ thresholds, ledger, parts }: Pick<BenchReport, 'thresholds' | 'ledger' | 'parts'>): string {
  if (parts.length > 0) return `all ${parts.length} scenarios`;
  const held = thresholds.length === 1 ? 'the threshold is held' : 'every threshold is held';
  return [
    ...(ledger === null ? [] : ['nothing lost, doubled or alien']),
    ...(thresholds.length === 0 ? [] : [held]),
  ].join(', ');
}

function failures({ thresholds, ledger, parts }: Pick<BenchReport, 'thresholds' | 'ledger' | 'parts'>): string[] {
  const kinds = ['lost', 'doubled', 'alien', 'altered'] as const;
  const counts =
    ledger === null ? [] : kinds.filter((kind) => ledger[kind] > 0).map((kind) => `${grouped(ledger[kind])} ${kind}`);
  const letters =
    ledger?.bad && ledger.bad.sent !== ledger.bad.deadLetters
      ? [`${grouped(ledger.bad.sent)} bad records sent, ${grouped(ledger.bad.deadLetters)} dead letters`]
      : [];
  const missed = thresholds
    .filter(({ ok }) => !ok)
    .map((each) => `${each.name} ${reachedText(each)}, asked for ${limitText(each)}`);
  const scenarios = parts.filter(({ verdict }) => verdict !== 'pass').map(({ scenario }) => scenario);
  const all = [
    ...(counts.length > 0 ? [counts.join(', ')] : []),
    ...letters,
    ...missed,
    ...(scenarios.length > 0 ? [scenarios.join(', ')] : []),
  ];
  return all.length > 0 ? all : ['see the notes'];
}

/** What was asked for: "20,000/s for 5 min 00 s after 10.0 s of warm-up, seed 42". */
export function requestText({ request }: BenchReport): string {
  const parts = [
    ...(request.rate === null ? [] : [rate(request.rate)]),
    ...(request.events === null ? [] : [`${grouped(request.events)} events`]),
    ...(request.durationMs === null ? [] : [`for ${duration(request.durationMs)}`]),
    ...(request.warmupMs === 0 ? [] : [`after ${duration(request.warmupMs)} of warm-up`]),
  ];
  return [
    ...(parts.length > 0 ? [parts.join(' ')] : []),
    ...(request.concurrency === null ? [] : [`${request.concurrency} at a time`]),
    ...(request.seed === null ? [] : [`seed ${request.seed}`]),
  ].join(', ');
}

function digits(value: number): string {
  if (value === 0) return '0';
  if (value >= 99.95) return value.toFixed(0);
  return value.toFixed(value >= 9.995 ? 1 : 2);
}
