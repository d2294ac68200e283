import type { SeriesPoint } from './bench-report.ts';

/** What operations tell while they run. Sinks (live terminal, plain lines, JSON) show it; operations never print. */
export type OperationEvent = StepEvent | ProgressEvent | MeasurementEvent | LogEvent | WarningEvent;

export type StepStatus = 'pending' | 'running' | 'done' | 'failed' | 'skipped';

export interface StepEvent {
  type: 'step';
  /** Unique within the operation, e.g. "start/kafka". */
  id: string;
  title: string;
  /** id of the enclosing step, if any; it was announced before. */
  parent?: string;
  status: StepStatus;
  /** One line beside the title, e.g. "already running" or the reason of a failure. */
  detail?: string;
  /** Since the step began to run; set on done and failed. */
  elapsedMs?: number;
  /** Proportional set size of what the step started. */
  memoryBytes?: number;
}

export interface ProgressEvent {
  type: 'progress';
  /** id of the step that progresses. */
  id: string;
  done: number;
  total?: number;
  unit: 'bytes' | 'items' | 'events';
  detail?: string;
}

/** A reading of a running measurement, once a second; sinks keep what they need for a sparkline. */
export interface MeasurementEvent {
  type: 'measurement';
  /** id of the step that measures. */
  id: string;
  point: SeriesPoint;
  elapsedMs: number;
  /** Null where the end is not known beforehand. */
  totalMs: number | null;
}

export interface LogEvent {
  type: 'log';
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  component?: string;
}

export interface WarningEvent {
  type: 'warning';
  message: string;
}

export type Emit = (event: OperationEvent) => void;

/** Handed to every operation. */
export interface OperationContext {
  emit: Emit;
  /** Aborted on Ctrl-C and SIGTERM; operations stop at the next safe point and throw the signal's reason. */
  signal: AbortSignal;
}

/** Holds events back until one tells progress: what turns out to have nothing to do is not told at all. */
export function onceItProgresses(context: OperationContext): OperationContext {
  const held: OperationEvent[] = [];
  let open = false;
  const emit: Emit = (event) => {
    if (event.type === 'progress') open = true;
    held.push(event);
    if (open) for (const each of held.splice(0)) context.emit(each);
  };
  return { ...context, emit };
}

/** Runs one step and reports its start, end, duration or failure. `run` may return the line to show beside the title. */
export async function step<T>(
  context: OperationContext,
  descriptor: { id: string; title: string; parent?: string },
  run: () => Promise<{ value: T; detail?: string; skipped?: boolean; memoryBytes?: number }>,
): Promise<T> {
  const started = performance.now();
  context.signal.throwIfAborted();
  context.emit({ type: 'step', ...descriptor, status: 'running' });
  try {
    const { value, detail, skipped, memoryBytes } = await run();
    context.emit({
      type: 'step',
      ...descriptor,
      status: skipped === true ? 'skipped' : 'done',
      elapsedMs: performance.now() - started,
      ...(detail === undefined ? {} : { detail }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    });
    return value;
  } catch (error) {
    context.emit({
      type: 'step',
      ...descriptor,
      status: 'failed',
      elapsedMs: performance.now() - started,
      detail: error instanceof Error ? error.message : String(error),
    });
    throw error;
  }
}
