import { parentPort, workerData } from 'node:worker_threads';
import { LambdaError, messageOf } from '../core/errors.ts';
import { runGenerator } from '../generator/run.ts';
import type { ErrorFields, LoadMessage, LoadTask } from './load.ts';
import { Latencies } from './percentiles.ts';

/** The thread that generates; see load.ts. */
async function main(task: LoadTask): Promise<void> {
  const abort = new AbortController();
  parentPort?.on('message', () => abort.abort());
  const latencies = new Latencies();
  let countFrom: number | null = null;
  try {
    const result = await runGenerator(task.options, {
      signal: abort.signal,
      onProgress: ({ sent, lateMs }) => post({ type: 'progress', sent, lateMs }),
      onDelivered: (topic, records, firstMs, lastMs) => {
        countFrom ??= firstMs + task.warmupMs;
        if (topic !== 'user_events' || firstMs < countFrom) return;
        const now = Date.now();
        latencies.addSpread(now - lastMs, now - firstMs, records);
      },
    });
    post({ type: 'result', result: { ...result, acknowledged: latencies.percentiles() } });
  } catch (error) {
    post({ type: 'error', message: messageOf(error), error: fieldsOf(error) });
  }
  parentPort?.close();
}

function fieldsOf(error: unknown): ErrorFields | null {
  if (!(error instanceof LambdaError)) return null;
  const { code, category, actions, details, retryable } = error;
  return { code, category, actions, details, retryable };
}

function post(message: LoadMessage): void {
  parentPort?.postMessage(message);
}

await main(workerData as LoadTask); // given by startLoad alone
