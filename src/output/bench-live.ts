import type { SeriesPoint } from '../core/bench-report.ts';
import type { MeasurementEvent } from '../core/events.ts';
import { bytes, latency, percentOf, rate, records } from './bench-format.ts';
import { duration } from './format.ts';
import { clipped } from './width.ts';

/** Points kept for the sparklines: a minute of readings, about as many as a wide terminal shows. */
const keptPoints = 90;
const bars = '▁▂▃▄▅▆▇█';
/** Before a sparkline: name and figure. */
const labelWidth = 8;
const figureWidth = 11;

type Reading = Pick<MeasurementEvent, 'point' | 'elapsedMs' | 'totalMs'>;

/** What a running measurement looks like now. */
export interface MeasurementView {
  /** @returns lines no longer than the width: time, a sparkline each of what is measured, CPU and memory */
  add(reading: Reading, width: number): string;
}

/** The live picture of one measurement; keeps the readings its sparklines are of. */
export function measurementView(): MeasurementView {
  const points: SeriesPoint[] = [];
  return {
    add(reading, width) {
      points.push(reading.point);
      if (points.length > keptPoints) points.shift();
      const lines = [timeLine(reading, width), ...figureLines(points, width), cpuLine(reading.point)];
      return lines.map((line) => clipped(line, width)).join('\n');
    },
  };
}

/** The same as one line, for logs: "1 min 10 s of 5 min 00 s: sent 20,000/s · visible …". */
export function measurementLine({ point, elapsedMs, totalMs }: Reading): string {
  const figures = figuresOf(point).flatMap(({ name, value, text }) => (value === null ? [] : [`${name} ${text}`]));
  const sum = Object.values(point.cpuPercent).reduce((total, value) => total + value, 0);
  return `${timeText(elapsedMs, totalMs)}: ${[...figures, `CPU ${sum.toFixed(0)} %`].join(' · ')}`;
}

/**
 * The values as a row of bars from 0 to their largest, the newest last; a space where a value is not known.
 * @param width most bars
 */
export function sparkline(values: readonly (number | null)[], width: number): string {
  if (width <= 0) return '';
  const shown = values.slice(-width);
  const top = Math.max(...shown.map((value) => value ?? 0));
  return shown
    .map((value) => {
      if (value === null) return ' ';
      const step = top <= 0 ? 0 : Math.round((Math.max(0, value) / top) * (bars.length - 1));
      return bars[step] ?? '';
    })
    .join('');
}

const figuresOf = (point: SeriesPoint) => [
  { name: 'sent', value: point.sentRate, text: rate(point.sentRate) },
  { name: 'visible', value: point.visibleRate, text: rate(point.visibleRate) },
  { name: 'lag', value: point.lag, text: records(point.lag) },
  { name: 'latency', value: point.latencyMs, text: latency(point.latencyMs) },
];

/** A line a figure; one that was never known in this run has none. */
function figureLines(points: readonly SeriesPoint[], width: number): string[] {
  const history = points.map(figuresOf);
  const now = history.at(-1) ?? [];
  return now.flatMap(({ name, text }, at) => {
    const values = history.map((each) => each[at]?.value ?? null);
    if (values.every((value) => value === null)) return [];
    const room = width - labelWidth - figureWidth - 2;
    const label = `${name.padEnd(labelWidth)}${text.padStart(figureWidth)}`;
    return [`${label}  ${sparkline(values, room)}`.trimEnd()];
  });
}

function timeLine({ elapsedMs, totalMs }: Reading, width: number): string {
  const text = timeText(elapsedMs, totalMs);
  const room = Math.min(40, width - text.length - 2);
  if (totalMs === null || totalMs <= 0 || room < 10) return text;
  const done = Math.round(Math.min(1, elapsedMs / totalMs) * room);
  return `${'█'.repeat(done)}${'░'.repeat(room - done)}  ${text}`;
}

const timeText = (elapsedMs: number, totalMs: number | null): string =>
  `${wholeSeconds(elapsedMs)}${totalMs === null ? '' : ` of ${wholeSeconds(totalMs)}`}`;

/** A duration that changes once a second: "42 s", "1 min 05 s". */
const wholeSeconds = (ms: number): string => (ms < 60_000 ? `${Math.floor(ms / 1000)} s` : duration(ms));

function cpuLine({ cpuPercent, pssBytes }: SeriesPoint): string {
  const biggest = Object.entries(cpuPercent)
    .toSorted(([, a], [, b]) => b - a)
    .filter(([, value]) => value >= 1)
    .slice(0, 5)
    .map(([name, value]) => `${name} ${value.toFixed(0)} %`);
  const sum = Object.values(cpuPercent).reduce((total, value) => total + value, 0);
  const memory = pssBytes === null ? [] : [`memory ${bytes(pssBytes)}`];
  return [`CPU ${percentOf(sum)}`, ...memory, ...biggest].join(' · ');
}
