import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { ProbeResult, ServiceState, ServiceStatus } from '../core/service-spec.ts';
import { exists } from '../system/files.ts';
import { describeExit, type ProcessIdentity } from '../system/process.ts';
import type { Guard } from './guard.ts';
import { LogFile, type LogLimit } from './log-file.ts';
import { backoffMs, isActive, next, type ServiceEvent } from './machine.ts';
import type { Probe, ServiceOrder, Timings } from './options.ts';
import { after, pause } from './pause.ts';
import { probeOnce } from './probing.ts';
import { ServiceProcesses } from './service-processes.ts';

/** What a service needs of the supervisor it belongs to. */
export interface ServiceHost {
  /** NAME=value; the value ends in "/". */
  marker: string;
  logDir: string;
  logLimit: LogLimit;
  timings: Timings;
  probe: Probe;
  guard: Guard;
  /** @param what a detail is news for whoever listens, and no reason to write to the disk at once */
  changed(service: Service, what: 'state' | 'detail'): void;
}

export interface Usage {
  pssBytes: number;
  cpuPercent: number | null;
  cpuSeconds: number;
}

/** Why a service is in backoff. */
export type Failure = 'crash' | 'timeout' | 'unhealthy';

const detailLines = 15;

/** One supervised service: the state machine of machine.ts with its effects. */
export class Service {
  order: ServiceOrder;
  state: ServiceState = 'pending';
  failure: Failure | null = null;
  usage: Usage | null = null;
  private readonly host: ServiceHost;
  private readonly log: LogFile;
  readonly processes: ServiceProcesses;
  private detail = '';
  /** Ends with the present state. */
  private scope = new AbortController();
  private leader: ProcessIdentity | null = null;
  private startedAt: string | null = null;
  private lastProbe: ProbeResult | null = null;
  private crashes = 0;
  private restarts = 0;
  private skipBackoff = new AbortController();
  private queue: Promise<unknown> = Promise.resolve();
  private readonly waiting: (() => void)[] = [];

  constructor(order: ServiceOrder, host: ServiceHost) {
    this.order = order;
    this.host = host;
    this.log = new LogFile(join(host.logDir, `${order.spec.name}.log`), host.logLimit);
    this.processes = new ServiceProcesses(`${host.marker}${order.spec.name}/`, host.guard, this.log);
  }

  get name(): string {
    return this.order.spec.name;
  }

  /** Makes the service run as ordered. */
  ensure(order: ServiceOrder): Promise<'started' | 'restarted' | 'kept'> {
    return this.inTurn(async () => {
      const running = isActive(this.state);
      if (running && order.specHash === this.order.specHash) {
        this.skipBackoff.abort();
        return 'kept';
      }
      if (running) await this.end();
      this.order = order;
      this.crashes = 0;
      this.dispatch('start');
      return running ? 'restarted' : 'started';
    });
  }

  restart(): Promise<void> {
    return this.inTurn(async () => {
      await this.end();
      this.crashes = 0;
      this.dispatch('start');
    });
  }

  stop(): Promise<void> {
    return this.inTurn(() => this.end());
  }

  async close(): Promise<void> {
    await this.stop();
    await this.log.close();
  }

  status(): ServiceStatus {
    const { spec, specHash } = this.order;
    const running = this.leader !== null;
    return {
      name: spec.name,
      component: spec.component,
      state: this.state,
      detail: this.detail,
      pid: this.leader?.pid ?? null,
      startedAt: this.startedAt,
      restarts: this.restarts,
      pssBytes: running ? (this.usage?.pssBytes ?? null) : null,
      cpuPercent: running ? (this.usage?.cpuPercent ?? null) : null,
      cpuSeconds: running ? (this.usage?.cpuSeconds ?? null) : null,
      lastProbe: this.lastProbe,
      specHash,
    };
  }

  /** One change of mind at a time, in the order in which clients asked. */
  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(run);
    this.queue = turn.catch(() => {});
    return turn;
  }

  private async end(): Promise<void> {
    this.dispatch('stop', 'stopped on request');
    if (isActive(this.state)) await new Promise<void>((settle) => this.waiting.push(settle));
  }

  private dispatch(event: ServiceEvent, detail = ''): void {
    const state = next(this.state, event);
    if (state === this.state) return;
    this.scope.abort();
    this.scope = new AbortController();
    this.state = state;
    this.detail = detail;
    this.log.note(detail === '' ? state : `${state}: ${detail.split('\n', 1)[0]}`);
    this.enter(state, this.scope.signal);
    this.host.changed(this, 'state');
    if (!isActive(state)) for (const settle of this.waiting.splice(0)) settle();
  }

  private enter(state: ServiceState, scope: AbortSignal): void {
    const { timings } = this.host;
    if (state === 'preparing') this.run(this.prepare(scope));
    if (state === 'starting') this.run(this.start(scope));
    if (state === 'backoff') this.run(this.backOff(scope));
    if (state === 'stopping') this.run(this.endProcesses().then((detail) => this.dispatch('gone', detail)));
    if (state === 'healthy') {
      after(timings.stableMs, scope, () => {
        this.crashes = 0;
      });
    }
    if (state === 'unhealthy') {
      after(timings.unhealthyRestartMs, scope, () => this.fail('unhealthy', 'unhealthyTooLong', this.detail));
    }
  }

  private run(task: Promise<void>): void {
    // Nothing in the tasks is expected to throw; if it does, the service must still be stoppable.
    task.catch((error: unknown) => this.log.note(`internal error: ${messageOf(error)}`));
  }

  private async prepare(scope: AbortSignal): Promise<void> {
    for (const step of this.order.spec.prepare) {
      if (exists(step.marker)) continue;
      this.describe(step.title);
      const problem = await this.processes.runOnce(step, this.order, this.host.timings.prepareTimeoutMs, scope);
      if (scope.aborted) return;
      if (problem !== null) {
        await this.endProcesses();
        this.dispatch('prepareFailed', `${step.title}: ${this.withLastLines(problem)}`);
        return;
      }
    }
    this.dispatch('prepared');
  }

  private async start(scope: AbortSignal): Promise<void> {
    const { spec } = this.order;
    this.lastProbe = null;
    this.failure = null;
    // What the preparation used says nothing about the service.
    this.usage = null;
    this.log.beginRun();
    try {
      const { child, ended } = await this.processes.launch(spec.command, this.order);
      const life = new AbortController();
      this.leader = child.identity;
      this.startedAt = new Date().toISOString();
      this.host.changed(this, 'state');
      this.run(child.exited.then(() => life.abort()));
      this.run(
        ended.then((exit) => {
          // A late word about an earlier process says nothing about the present one.
          if (this.leader === child.identity) this.fail('crash', 'exited', describeExit(exit));
        }),
      );
      if (scope.aborted) return;
      after(spec.startTimeoutMs, scope, () => {
        const why = `no healthy answer within ${spec.startTimeoutMs / 1000} s (${this.lastProbe?.detail ?? 'no probe ended'})`;
        this.fail('timeout', 'startTimedOut', why);
      });
      this.run(this.watch(life.signal));
    } catch (error) {
      this.dispatch('spawnFailed', `cannot start ${spec.command.executable}: ${messageOf(error)}`);
    }
  }

  /** Probes for as long as the process lives. */
  private async watch(life: AbortSignal): Promise<void> {
    const { probe, timings } = this.host;
    const { spec } = this.order;
    let failures = 0;
    for (let first = true; !life.aborted; ) {
      const result = await probeOnce(probe, spec.probe, timings.probeTimeoutMs, life);
      if (life.aborted) return;
      this.lastProbe = result;
      failures = result.healthy ? 0 : failures + 1;
      if (result.healthy) {
        this.dispatch('probeOk', result.detail);
        if (first) this.run(this.afterHealthy(life));
        first = false;
      } else if (failures >= timings.failuresToUnhealthy) this.dispatch('probeLost', result.detail);
      if (this.state !== 'stopping' && this.state !== 'backoff') this.describe(result.detail);
      const slow = this.state === 'healthy' ? spec.probeIntervalMs : Math.min(1_000, spec.probeIntervalMs);
      await pause(this.state === 'starting' ? timings.fastProbeMs : slow, life);
    }
  }

  /** What pays only later (class-data archives); its failure costs nothing but the benefit. */
  private async afterHealthy(life: AbortSignal): Promise<void> {
    for (const hook of this.order.spec.afterHealthy ?? []) {
      if (exists(hook.marker)) continue;
      await pause(hook.delayMs, life);
      if (life.aborted) return;
      const pid = String(this.leader?.pid ?? '');
      const command = { ...hook.command, args: hook.command.args.map((arg) => arg.replaceAll('{pid}', pid)) };
      const { prepareTimeoutMs } = this.host.timings;
      const problem = await this.processes.runOnce({ ...hook, command }, this.order, prepareTimeoutMs, life);
      if (problem !== null) this.log.note(`${hook.title}: ${problem}`);
    }
  }

  private fail(failure: Failure, event: ServiceEvent, reason: string): void {
    if (next(this.state, event) === this.state) return;
    this.failure = failure;
    this.crashes += 1;
    const { backoffBaseMs, backoffMaxMs } = this.host.timings;
    const seconds = backoffMs(this.crashes, backoffBaseMs, backoffMaxMs) / 1000;
    this.dispatch(event, this.withLastLines(`${reason}; next start in ${seconds} s`));
  }

  private async backOff(scope: AbortSignal): Promise<void> {
    const { backoffBaseMs, backoffMaxMs } = this.host.timings;
    this.skipBackoff = new AbortController();
    await this.endProcesses();
    if (scope.aborted) return;
    await pause(
      backoffMs(this.crashes, backoffBaseMs, backoffMaxMs),
      AbortSignal.any([scope, this.skipBackoff.signal]),
    );
    if (scope.aborted) return;
    this.restarts += 1;
    this.dispatch('backoffElapsed');
  }

  private async endProcesses(): Promise<string> {
    const remark = await this.processes.end(this.order);
    this.leader = null;
    this.startedAt = null;
    this.usage = null;
    return remark;
  }

  private describe(detail: string): void {
    if (this.detail === detail) return;
    this.detail = detail;
    this.host.changed(this, 'detail');
  }

  private withLastLines(reason: string): string {
    return [reason, ...this.log.lastLines(detailLines)].join('\n');
  }
}
