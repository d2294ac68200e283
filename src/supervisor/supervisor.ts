import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { externalError } from '../core/errors.ts';
import type { ServiceStatus } from '../core/service-spec.ts';
import { ownIdentity } from '../system/process.ts';
import { memoryOf } from '../system/process-table.ts';
import { Guard } from './guard.ts';
import { LogFile, type LogLimit } from './log-file.ts';
import { isActive } from './machine.ts';
import {
  defaultTimings,
  type ServiceOrder,
  type SupervisorOptions,
  type SupervisorRecord,
  type Timings,
} from './options.ts';
import { reap } from './reap.ts';
import { Recorder } from './recorder.ts';
import { Sampler } from './sampler.ts';
import { Service } from './service.ts';

export interface WaitOutcome {
  healthy: boolean;
  /** Set when not healthy. */
  name?: string;
  reason?: 'failed' | 'crashing' | 'timeout' | 'stopped' | 'unknown';
  detail?: string;
}

type Listener = (status: ServiceStatus) => void;

const defaultLogLimit: LogLimit = { bytes: 10 * 1024 * 1024, files: 3 };

/** Runs services, knows no product. Only one may exist for a record: the caller holds the lock. */
export class Supervisor {
  readonly log: LogFile;
  private readonly options: SupervisorOptions;
  private readonly timings: Timings;
  private readonly logLimit: LogLimit;
  /** In the order of first start. */
  private readonly services = new Map<string, Service>();
  private readonly listeners = new Set<Listener>();
  private readonly marker = `LAMBDACTL_RUN=${randomBytes(8).toString('hex')}/`;
  private readonly self = ownIdentity();
  private readonly startedAt = new Date().toISOString();
  private readonly guard: Guard;
  private readonly recorder: Recorder;
  private readonly sampler: Sampler;
  private readonly finish = Promise.withResolvers<void>();
  private ended = false;
  private ending: Promise<void> | null = null;

  private constructor(options: SupervisorOptions) {
    this.options = options;
    this.timings = { ...defaultTimings, ...options.timings };
    this.logLimit = options.logLimit ?? defaultLogLimit;
    this.log = new LogFile(join(options.logDir, 'supervisor.log'), this.logLimit);
    this.recorder = new Recorder(
      options.store,
      () => this.record(),
      (text) => this.log.note(text),
    );
    this.guard = new Guard(this.marker, () => this.recorder.soon());
    // Figures alone are no reason to write to the disk every few seconds.
    this.sampler = new Sampler(
      this.timings.sampleMs,
      () => this.services.values(),
      () => this.recorder.soon(30_000),
    );
  }

  /** Ends what an earlier supervisor left, then is ready. @throws when the record cannot be written */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const before = await options.store.load();
    const left = before === null ? [] : await reap(before, options.timings?.reapGraceMs);
    const supervisor = new Supervisor(options);
    // The marker must be on disk before anything carries it.
    await supervisor.recorder.now();
    await supervisor.guard.start();
    await supervisor.recorder.now();
    supervisor.log.note(`lambdactl ${options.version} supervisor started, pid ${supervisor.self.pid}`);
    if (left.length > 0) supervisor.log.note(`ended ${left.length} processes of an earlier supervisor`);
    return supervisor;
  }

  get pid(): number {
    return this.self.pid;
  }

  get version(): string {
    return this.options.version;
  }

  /** Settles when a shutdown is complete. */
  get finished(): Promise<void> {
    return this.finish.promise;
  }

  /** Whether any service has, or will have, processes. */
  get active(): boolean {
    return [...this.services.values()].some(({ state }) => isActive(state));
  }

  async ensure(order: ServiceOrder): Promise<'started' | 'restarted' | 'kept'> {
    this.mustRun();
    const known = this.services.get(order.spec.name);
    const service = known ?? new Service(order, this.hostOfServices());
    this.services.set(service.name, service);
    return service.ensure(order);
  }

  async restart(name: string): Promise<void> {
    this.mustRun();
    const service = this.services.get(name);
    if (service === undefined) {
      throw externalError(`The supervisor runs no service "${name}".`, { code: 'UNKNOWN_SERVICE' });
    }
    await service.restart();
  }

  /** Stops these at the same time; unknown names are stopped already. */
  async stop(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.services.get(name)?.stop()));
  }

  status(): { services: readonly ServiceStatus[]; supervisorPssBytes: number } {
    const guard = this.guard.identity;
    this.sampler.freshen();
    return {
      services: [...this.services.values()].map((service) => service.status()),
      supervisorPssBytes: memoryOf([this.self.pid, ...(guard === null ? [] : [guard.pid])]),
    };
  }

  /** Calls back at every change of state or detail until the signal. */
  subscribe(listener: Listener, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.listeners.add(listener);
    signal.addEventListener('abort', () => this.listeners.delete(listener), { once: true });
  }

  /**
   * Settles when all are healthy, or when one will not become so: gave up, was stopped, missed its start time, or crashed
   * `maxCrashes` times meanwhile.
   */
  waitHealthy(names: readonly string[], maxCrashes: number, signal: AbortSignal): Promise<WaitOutcome> {
    const crashes = new Map<string, number>();
    const states = new Map<string, string>();
    return new Promise((settle) => {
      const done = new AbortController();
      const check = () => {
        const outcome = this.outcomeFor(names, crashes, maxCrashes);
        if (outcome === null) return;
        done.abort();
        settle(outcome);
      };
      this.subscribe(
        ({ name, state }) => {
          if (state === 'backoff' && states.get(name) !== 'backoff') crashes.set(name, (crashes.get(name) ?? 0) + 1);
          states.set(name, state);
          check();
        },
        AbortSignal.any([signal, done.signal]),
      );
      check();
    });
  }

  private outcomeFor(
    names: readonly string[],
    crashes: ReadonlyMap<string, number>,
    maxCrashes: number,
  ): WaitOutcome | null {
    let healthy = true;
    for (const name of names) {
      const service = this.services.get(name);
      if (service === undefined) return { healthy: false, name, reason: 'unknown', detail: 'was never started' };
      const { state, detail } = service.status();
      if (state === 'healthy') continue;
      healthy = false;
      const crashed = crashes.get(name) ?? 0;
      if (state === 'failed' || state === 'stopped') return { healthy, name, reason: state, detail };
      if (state === 'backoff' && crashed > 0 && service.failure === 'timeout') {
        return { healthy, name, reason: 'timeout', detail };
      }
      if (crashed >= maxCrashes) return { healthy, name, reason: 'crashing', detail };
    }
    return healthy ? { healthy } : null;
  }

  /** Stops everything in reverse order of start and leaves a clean record. */
  shutdown(): Promise<void> {
    this.ending ??= this.end();
    return this.ending;
  }

  private async end(): Promise<void> {
    this.ended = true;
    for (const service of [...this.services.values()].reverse()) await service.close();
    this.sampler.stop();
    this.recorder.stop();
    this.guard.end();
    this.log.note('supervisor ended');
    await this.recorder.now().catch(() => {});
    await this.log.close();
    this.finish.resolve();
  }

  private mustRun(): void {
    if (!this.ended) return;
    throw externalError('The supervisor is shutting down.', { code: 'SHUTTING_DOWN', retryable: true });
  }

  private hostOfServices() {
    return {
      marker: this.marker,
      logDir: this.options.logDir,
      logLimit: this.logLimit,
      timings: this.timings,
      probe: this.options.probe,
      guard: this.guard,
      changed: (service: Service, what: 'state' | 'detail') => this.changed(service, what),
    };
  }

  private changed(service: Service, what: 'state' | 'detail'): void {
    if (service.state === 'healthy' && service.usage === null) this.sampler.sampleNow(service);
    this.recorder.soon(what === 'state' ? undefined : 30_000);
    const status = service.status();
    for (const listener of this.listeners) listener(status);
  }

  private record(): SupervisorRecord {
    const alive = !(this.ended && !this.active);
    return {
      supervisor: alive
        ? { ...this.self, socket: this.options.socketPath, startedAt: this.startedAt, version: this.options.version }
        : null,
      guard: alive ? this.guard.identity : null,
      marker: this.marker,
      services: [...this.services.values()].map((service) => ({
        status: service.status(),
        processes: service.processes.members,
      })),
    };
  }
}
