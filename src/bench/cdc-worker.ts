import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { LambdaError, messageOf } from '../core/errors.ts';
import { CdcLoad } from '../generator/cdc.ts';
import { openPostgres, type PostgresClient } from '../probes/postgres.ts';
import type { AppliedChange } from './cdc-ledger.ts';
import type { CdcLoadMessage, CdcLoadResult, CdcLoadTask } from './cdc-load.ts';

/** The thread that writes; see cdc-load.ts. */
const tellEveryMs = 50;

class Writer {
  private readonly task: CdcLoadTask;
  private readonly started = performance.now();
  /** performance.now() 0, in ms since 1970. */
  private readonly epoch = Date.now() - performance.now();
  private committed: AppliedChange[] = [];
  private applied = 0;
  private lateMsMax = 0;
  private stopped = false;

  constructor(task: CdcLoadTask) {
    this.task = task;
  }

  stop(): void {
    this.stopped = true;
  }

  async run(clients: readonly PostgresClient[]): Promise<CdcLoadResult> {
    const timer = setInterval(() => this.tell(), tellEveryMs);
    try {
      await Promise.all(clients.map((client, lane) => this.lane(client, lane)));
    } finally {
      clearInterval(timer);
      this.tell();
    }
    const { applied, lateMsMax } = this;
    return { applied, lateMsMax, elapsedMs: performance.now() - this.started };
  }

  /** Every `connections`-th change of the schedule, each a statement and a transaction of its own. */
  private async lane(client: PostgresClient, lane: number): Promise<void> {
    const { rate, durationMs, warmupMs, connections, users, products, seed } = this.task;
    const load = new CdcLoad(client, { users, products, seed: seed + lane, share: { index: lane, of: connections } });
    for (let turn = lane; !this.stopped; turn += connections) {
      const due = (turn * 1000) / rate;
      const now = performance.now() - this.started;
      // Whoever is behind at the end stops too: the rate that was reached says so.
      if (due >= durationMs || now >= durationMs) return;
      if (due > now) await sleep(due - now);
      this.lateMsMax = Math.max(this.lateMsMax, performance.now() - this.started - due);
      const { table, kind, keys, changed } = await load.change(1);
      const [key] = keys;
      if (key === undefined || changed !== 1) continue;
      this.applied += 1;
      this.committed.push({ table, kind, key, dueMs: this.epoch + this.started + due, measured: due >= warmupMs });
    }
  }

  private tell(): void {
    if (this.committed.length === 0) return;
    post({ type: 'applied', changes: this.committed });
    this.committed = [];
  }
}

async function main(task: CdcLoadTask): Promise<void> {
  const clients: PostgresClient[] = [];
  try {
    for (let lane = 0; lane < task.connections; lane += 1) clients.push(await openPostgres(task.server, task.database));
    const writer = new Writer(task);
    parentPort?.on('message', () => writer.stop());
    post({ type: 'result', result: await writer.run(clients) });
  } catch (error) {
    const told = error instanceof LambdaError ? error : null;
    const fields =
      told === null
        ? null
        : {
            code: told.code,
            category: told.category,
            actions: told.actions,
            details: told.details,
            retryable: told.retryable,
          };
    post({ type: 'error', message: messageOf(error), error: fields });
  } finally {
    await Promise.allSettled(clients.map((client) => client.close()));
  }
  parentPort?.close();
}

function post(message: CdcLoadMessage): void {
  parentPort?.postMessage(message);
}

await main(workerData as CdcLoadTask); // given by runCdcLanes alone
