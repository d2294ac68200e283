import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceReport, SeriesPoint } from '../../core/bench-report.ts';
import type { ServiceStatus } from '../../core/service-spec.ts';
import type { Runtime } from '../../runtimes/contract.ts';
import { hostFacts } from '../../system/host.ts';
import { busySeconds } from '../../system/machine.ts';
import { listProcesses } from '../../system/process-table.ts';
import type { LiveSource } from './scenario.ts';

const pointEveryMs = 1000;
/** Rates are over so many points: rows become visible a micro-batch at a time. */
const ratePoints = 5;
/** A runtime's figures are at most this old when it is asked for a second time. */
const freshAfterMs = 2100;

interface Clock {
  at: number;
  busy: number | null;
  /** Of this process, all threads. */
  own: number;
  /** Of this thread: the bench itself. */
  bench: number;
  /** Of the programs that this process started and that have ended. */
  children: number;
  components: ReadonlyMap<string, number>;
}

/** CPU, memory and the series of one measured part. */
export class Measurement {
  readonly series: SeriesPoint[] = [];
  private readonly runtime: Runtime;
  private live: LiveSource | null = null;
  private readonly onPoint: (point: SeriesPoint) => void;
  private readonly cpu = new Map<string, { process: string; last: number; before: number }>();
  private readonly peaks = new Map<string, number>();
  private readonly timer = new AbortController();
  private started = performance.now();
  private watching: Promise<void> = Promise.resolve();
  private base: Clock | null = null;
  private final: Clock | null = null;
  private sumPeak = 0;
  private latest: { services: readonly ServiceStatus[]; cpuPercent: Record<string, number>; pssBytes: number | null } =
    {
      services: [],
      cpuPercent: {},
      pssBytes: null,
    };
  private recent: { t: number; sent: number | null; visible: number | null }[] = [];
  /** Records sent when the warm-up ended. */
  private sentAtBase = 0;

  constructor(runtime: Runtime, onPoint: (point: SeriesPoint) => void) {
    this.runtime = runtime;
    this.onPoint = onPoint;
  }

  /** Watches from now on; CPU counts from the end of the warm-up. */
  async start(live: LiveSource, warmupMs: number): Promise<void> {
    this.live = live;
    await this.settle();
    this.started = performance.now();
    this.base = await this.clock();
    this.watching = this.watch(warmupMs);
  }

  private async watch(warmupMs: number): Promise<void> {
    let warm = warmupMs === 0;
    for (let next = pointEveryMs; !this.timer.signal.aborted; next += pointEveryMs) {
      const elapsed = performance.now() - this.started;
      await sleep(Math.max(50, next - elapsed), undefined, { signal: this.timer.signal }).catch(() => undefined);
      if (this.timer.signal.aborted) return;
      await this.point().catch(() => undefined); // a component that restarts does not answer for a moment
      if (!warm && performance.now() - this.started >= warmupMs) {
        warm = true;
        this.base = await this.clock();
        this.sentAtBase = this.recent.at(-1)?.sent ?? 0;
      }
    }
  }

  private async point(): Promise<void> {
    if (this.live === null) return;
    const { sent, visible, latencyMs } = await this.live();
    const t = (performance.now() - this.started) / 1000;
    if (Math.round(t) % 2 === 0) await this.observe();
    const previous = this.recent.at(-ratePoints) ?? this.recent[0] ?? null;
    const perSecond = (now: number | null, before: number | null | undefined) =>
      now === null || before === null || before === undefined || previous === null || t <= previous.t
        ? null
        : Math.max(0, (now - before) / (t - previous.t));
    const point: SeriesPoint = {
      t: Math.round(t * 10) / 10,
      sentRate: perSecond(sent, previous?.sent),
      visibleRate: perSecond(visible, previous?.visible),
      lag: sent === null || visible === null ? null : Math.max(0, sent - visible),
      latencyMs,
      cpuPercent: this.latest.cpuPercent,
      pssBytes: this.latest.pssBytes,
    };
    this.recent = [...this.recent.slice(1 - ratePoints), { t, sent, visible }];
    this.series.push(point);
    this.onPoint(point);
  }

  /** Reads the components' figures and adds them up; a restart of one starts its clock anew, and what it had counts. */
  private async observe(): Promise<void> {
    const { services, supervisorPssBytes } = await this.runtime.observe();
    let sum = supervisorPssBytes ?? 0;
    for (const { name, pid, startedAt, cpuSeconds, pssBytes } of services) {
      if (cpuSeconds !== null) {
        const process = `${pid} ${startedAt}`;
        const known = this.cpu.get(name) ?? { process, last: 0, before: 0 };
        const before = known.process === process ? known.before : known.before + known.last;
        this.cpu.set(name, { process, last: cpuSeconds, before });
      }
      sum += pssBytes ?? 0;
      if (pssBytes !== null) this.peaks.set(name, Math.max(this.peaks.get(name) ?? 0, pssBytes));
    }
    this.sumPeak = Math.max(this.sumPeak, sum);
    const cpuPercent = Object.fromEntries(services.map(({ name, cpuPercent: percent }) => [name, percent ?? 0]));
    this.latest = { services, cpuPercent, pssBytes: sum };
  }

  private async settle(): Promise<void> {
    await this.observe();
    await sleep(freshAfterMs);
    await this.observe();
  }

  private async clock(): Promise<Clock> {
    await this.observe();
    const { user, system } = process.cpuUsage();
    const thread = process.threadCpuUsage();
    const own = (user + system) / 1e6;
    const row = listProcesses().find(({ pid }) => pid === process.pid);
    return {
      at: performance.now(),
      busy: busySeconds(),
      own,
      bench: (thread.user + thread.system) / 1e6,
      children: Math.max(0, (row?.cpuSeconds ?? own) - own),
      components: new Map([...this.cpu].map(([name, { last, before }]) => [name, last + before])),
    };
  }

  /** Ends the watching; what comes later costs nothing any more. */
  async stop(): Promise<void> {
    this.timer.abort();
    await this.watching;
    await this.settle();
    this.final = await this.clock();
  }

  /**
   * What the measured part cost.
   * @param records of the whole run; those of the warm-up are taken off
   * @param work what this process did besides measuring
   */
  report(records: number, work: 'generator' | 'jobs' | null): Measured {
    const [from, to] = [this.base, this.final];
    if (from === null || to === null) throw new Error('nothing was measured');
    const counted = Math.max(0, records - this.sentAtBase);
    const perMillion = (seconds: number) => (counted === 0 ? null : (seconds / counted) * 1e6);
    const components = [...to.components].map(([name, seconds]) => {
      const cpuSeconds = seconds - (from.components.get(name) ?? 0);
      const peakPssBytes = this.peaks.get(name) ?? null;
      return { name, cpuSeconds, cpuSecondsPerMillion: perMillion(cpuSeconds), peakPssBytes };
    });
    const bench = to.bench - from.bench;
    const workSeconds = work === null ? 0 : to.own - from.own - bench + (to.children - from.children);
    if (work !== null) {
      const cpuSecondsPerMillion = perMillion(workSeconds);
      components.unshift({ name: work, cpuSeconds: workSeconds, cpuSecondsPerMillion, peakPssBytes: null });
    }
    const chain = components.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    const capacity = ((to.at - from.at) / 1000) * hostFacts().cores;
    const outside = to.busy === null || from.busy === null ? null : to.busy - from.busy - chain - bench;
    return {
      resources: {
        components,
        cpuSecondsPerMillion: perMillion(chain),
        peakPssBytes: this.sumPeak,
        benchCpuPercent: (bench / capacity) * 100,
      },
      outsideCpuPercent: outside === null ? null : Math.max(0, (outside / capacity) * 100),
    };
  }
}

export interface Measured {
  resources: ResourceReport;
  /** Percent of all cores. */
  outsideCpuPercent: number | null;
}
