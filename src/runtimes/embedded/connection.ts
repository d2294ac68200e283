import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { externalError, LambdaError } from '../../core/errors.ts';
import { acquireLock } from '../../state/lock.ts';
import { type ObservedState, readObserved, writeObserved } from '../../state/observed.ts';
import { createStackDirs, type StackPaths } from '../../state/paths.ts';
import type { SupervisorClient } from '../../supervisor/client.ts';
import { launchSupervisor, tryConnect } from '../../supervisor/launch.ts';
import { reap, supervisorAlive } from '../../supervisor/reap.ts';
import { type ProcessIdentity, signalProcess, waitUntilGone } from '../../system/process.ts';
import type { EmbeddedOptions } from './context.ts';

const answerMs = 10_000;
const endMs = 120_000;

/** Finds, starts and ends the supervisor of one stack. */
export class SupervisorLink {
  private readonly options: EmbeddedOptions;
  private readonly paths: StackPaths;
  private launching: Promise<SupervisorClient> | null = null;

  constructor(options: EmbeddedOptions, paths: StackPaths) {
    this.options = options;
    this.paths = paths;
  }

  /**
   * Runs `work` with a connection to the running supervisor.
   * @returns null when none runs
   * @throws LambdaError SUPERVISOR_SILENT, SUPERVISOR_VERSION
   */
  async ifRunning<T>(work: (client: SupervisorClient) => Promise<T>): Promise<T | null> {
    const client = await this.connect();
    return client === null ? null : await using(client, work);
  }

  /** Runs `work` with a connection to the supervisor, which is started when none runs. */
  async running<T>(signal: AbortSignal, work: (client: SupervisorClient) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const client = (await this.connect()) ?? (await this.launch(signal));
      try {
        return await using(client, work);
      } catch (error) {
        // It was on its way out when we came: wait for its end and start another one.
        const leaving = error instanceof LambdaError && ['SHUTTING_DOWN', 'SUPERVISOR_GONE'].includes(error.code);
        if (!leaving || attempt > 2) throw error;
        const old = (await readObserved(this.paths))?.supervisor;
        if (old != null) await waitUntilGone(old, endMs);
      }
    }
  }

  private async connect(): Promise<SupervisorClient | null> {
    const end = performance.now() + answerMs;
    for (;;) {
      const record = await readObserved(this.paths);
      if (record?.supervisor == null || !supervisorAlive(record)) return null;
      const client = await tryConnect(record.supervisor.socket);
      if (client !== null) return client;
      if (performance.now() > end) {
        throw externalError(`The supervisor (pid ${record.supervisor.pid}) does not answer.`, {
          code: 'SUPERVISOR_SILENT',
          actions: ['Run `lambdactl down`; it ends the supervisor and what it runs.'],
        });
      }
      await delay(50);
    }
  }

  private async launch(signal: AbortSignal): Promise<SupervisorClient> {
    // Several components start at the same time; one of them launches, the others connect after it.
    if (this.launching !== null) {
      await this.launching.catch(() => {});
      const client = await this.connect();
      if (client !== null) return client;
    }
    this.launching = this.launchNow(signal);
    return await this.launching;
  }

  private async launchNow(signal: AbortSignal): Promise<SupervisorClient> {
    await createStackDirs(this.paths);
    const { home, stack, version, daemon = besideThis('daemon') } = this.options;
    return launchSupervisor({
      entry: daemon,
      args: [home, stack, version],
      socketPath: this.paths.socket,
      outputPath: `${this.paths.runDir}/supervisor.out`,
      signal,
    });
  }

  /** Waits until the supervisor that was told to shut down, and its guard, are gone. */
  async waitForEnd(record: ObservedState | null): Promise<void> {
    for (const identity of [record?.supervisor, record?.guard]) {
      if (identity != null) await waitUntilGone(identity, endMs);
    }
  }

  /** Ends a supervisor that cannot be talked to, and whatever a dead one left. @returns what was ended */
  async endForcibly(): Promise<readonly ProcessIdentity[]> {
    const record = await readObserved(this.paths);
    if (record === null) return [];
    if (record.supervisor !== null && supervisorAlive(record)) {
      signalProcess(record.supervisor, 'SIGTERM');
      if (!(await waitUntilGone(record.supervisor, endMs))) signalProcess(record.supervisor, 'SIGKILL');
      await this.waitForEnd(record);
    }
    await createStackDirs(this.paths);
    const lock = await acquireLock(this.paths.supervisorLockDir, { command: 'clean-up', waitMs: answerMs });
    try {
      // It may have ended properly meanwhile and said so.
      const left = (await readObserved(this.paths)) ?? record;
      const ended = await reap(left);
      const services = left.services.map(({ status }) => ({ status: stopped(status), processes: [] }));
      await writeObserved(this.paths, { ...left, supervisor: null, guard: null, services });
      return ended;
    } finally {
      await lock.release();
    }
  }
}

function stopped(status: ObservedState['services'][number]['status']) {
  return { ...status, state: 'stopped' as const, pid: null, startedAt: null, pssBytes: null, cpuPercent: null };
}

async function using<T>(client: SupervisorClient, work: (client: SupervisorClient) => Promise<T>): Promise<T> {
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** The module of that name beside this one, whether built or not. */
function besideThis(name: string): string {
  const own = import.meta.url;
  return fileURLToPath(new URL(`./${name}${own.slice(own.lastIndexOf('.'))}`, own));
}
