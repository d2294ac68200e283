import type { OperationEvent, StepEvent } from '../core/events.ts';
import { measurementLine } from './bench-live.ts';
import { duration, mebibytes } from './format.ts';
import type { EventSink } from './sink.ts';

/** Between two lines of a running measurement. */
const measurementEveryMs = 10_000;

/** One line per finished step on stderr, and one every 10 s of a measurement: for pipes, CI logs and NO_COLOR terminals. */
export function plainSink(stream: NodeJS.WritableStream): EventSink {
  const line = (text: string) => stream.write(`${text}\n`);
  /** By step: the measurement's own time of its last line. */
  const told = new Map<string, number>();
  return {
    event(event: OperationEvent) {
      if (event.type === 'step') {
        const text = stepLine(event);
        if (text !== null) line(text);
      } else if (event.type === 'measurement') {
        if (event.elapsedMs - (told.get(event.id) ?? 0) < measurementEveryMs) return;
        told.set(event.id, event.elapsedMs);
        line(measurementLine(event));
      } else if (event.type === 'warning') line(`warning: ${event.message}`);
      else if (event.type === 'log' && event.level !== 'debug') line(event.message);
    },
    close: async () => {},
  };
}

const marks = { done: 'ok  ', failed: 'FAIL', skipped: '-   ' } as const;

function stepLine(event: StepEvent): string | null {
  if (event.status === 'pending' || event.status === 'running') return null;
  return `${marks[event.status]} ${event.title}${stepSuffix(event)}`;
}

/** What stands behind a finished step's title: detail, time, memory. */
export function stepSuffix({ detail, elapsedMs, memoryBytes }: StepEvent): string {
  const parts = [
    // An error's further lines are shown once, at the end.
    ...(detail === undefined ? [] : [detail.split('\n')[0] ?? '']),
    ...(elapsedMs === undefined || elapsedMs < 50 ? [] : [duration(elapsedMs)]),
    ...(memoryBytes === undefined ? [] : [mebibytes(memoryBytes)]),
  ];
  return parts.length === 0 ? '' : `  ${parts.join(' · ')}`;
}
