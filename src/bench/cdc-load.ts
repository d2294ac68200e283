import { Worker } from 'node:worker_threads';
import { LambdaError } from '../core/errors.ts';
import type { Server } from '../probes/server.ts';
import type { AppliedChange } from './cdc-ledger.ts';
import type { ErrorFields } from './load.ts';

/** What the thread that writes is started with. */
export interface CdcLoadTask {
  server: Server;
  database: string;
  /** Row changes a second, over all connections. */
  rate: number;
  /** Warm-up included. */
  durationMs: number;
  warmupMs: number;
  /** Each writes one row at a time and waits for its commit. */
  connections: number;
  /** Seeded rows, which updates take. */
  users: number;
  products: number;
  seed: number;
}

export interface CdcLoadResult {
  applied: number;
  elapsedMs: number;
  /** Most that a change was begun behind its schedule. */
  lateMsMax: number;
}

export type CdcLoadMessage =
  | { type: 'applied'; changes: AppliedChange[] }
  | { type: 'result'; result: CdcLoadResult }
  | { type: 'error'; message: string; error: ErrorFields | null };

/**
 * Changes rows of the shop's database in a thread of its own, so that neither who writes nor who reads delays the other.
 * @param onApplied gets committed changes, those of a row in their order
 * @param signal ends it after the statements that are on their way
 * @throws LambdaError POSTGRES_UNREACHABLE; what PostgreSQL says
 */
export function runCdcLanes(
  task: CdcLoadTask,
  onApplied: (changes: readonly AppliedChange[]) => void,
  signal: AbortSignal,
): Promise<CdcLoadResult> {
  // From source the file beside this one is TypeScript, in dist it is not.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./cdc-worker.${extension}`, import.meta.url), { workerData: task });
  const stop = () => worker.postMessage('stop');
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return new Promise<CdcLoadResult>((resolve, reject) => {
    worker.on('message', (message: CdcLoadMessage) => {
      if (message.type === 'applied') onApplied(message.changes);
      else if (message.type === 'result') resolve(message.result);
      else
        reject(message.error === null ? new Error(message.message) : new LambdaError(message.message, message.error));
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread that writes ended with ${code}`)));
  }).finally(() => signal.removeEventListener('abort', stop));
}
