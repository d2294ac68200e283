import { Worker } from 'node:worker_threads';
import type { Percentiles } from '../core/bench-report.ts';
import { LambdaError } from '../core/errors.ts';
import type { RunOptions } from '../generator/options.ts';
import type { GeneratorResult } from '../generator/run.ts';

export interface LoadResult extends GeneratorResult {
  /** From when an event was due until Kafka had acknowledged it; of events due after the warm-up. */
  acknowledged: Percentiles | null;
}

/** A running generator. */
export interface Load {
  /** Records that the receiver has acknowledged (user_events). */
  sent(): number;
  /** How far it is behind its schedule, ms. */
  lateMs(): number;
  /** @throws LambdaError as runGenerator does */
  done: Promise<LoadResult>;
  /** Ends it in order: what was generated is delivered. */
  stop(): void;
}

/** What the worker is started with. */
export interface LoadTask {
  options: RunOptions;
  warmupMs: number;
}

export type LoadMessage =
  | { type: 'progress'; sent: number; lateMs: number }
  | { type: 'result'; result: LoadResult }
  | { type: 'error'; message: string; error: ErrorFields | null };

export interface ErrorFields {
  code: string;
  category: LambdaError['category'];
  actions: readonly string[];
  details: Record<string, unknown>;
  retryable: boolean;
}

/**
 * Runs the generator in a thread of its own, so that what measures never delays what is measured, and its CPU can be told apart.
 * @param signal ends the run in order
 */
export function startLoad(task: LoadTask, signal: AbortSignal): Load {
  // From source the file beside this one is TypeScript, in dist it is not.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./load-worker.${extension}`, import.meta.url), { workerData: task });
  let progress = { sent: 0, lateMs: 0 };
  const stop = () => worker.postMessage('stop');
  const done = new Promise<LoadResult>((resolve, reject) => {
    worker.on('message', (message: LoadMessage) => {
      if (message.type === 'progress') progress = message;
      else if (message.type === 'error') reject(revived(message));
      else {
        progress = { sent: message.result.sent, lateMs: 0 };
        resolve(message.result);
      }
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the generator's thread ended with ${code}`)));
  }).finally(() => signal.removeEventListener('abort', stop));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  // Who awaits `done` gets the error; until then it must not end the process.
  done.catch(() => undefined);
  return { sent: () => progress.sent, lateMs: () => progress.lateMs, done, stop };
}

function revived({ message, error }: Extract<LoadMessage, { type: 'error' }>): Error {
  return error === null ? new Error(message) : new LambdaError(message, error);
}
