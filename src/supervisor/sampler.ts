import { listProcesses, memoryOf, treeOf } from '../system/process-table.ts';
import type { Service } from './service.ts';

/** Reads CPU and memory of the services' process trees now and then, spending at most a 250th of the time on it. */
export class Sampler {
  private readonly intervalMs: number;
  private readonly services: () => Iterable<Service>;
  private readonly sampled: () => void;
  private readonly before = new Map<string, { at: number; cpuSeconds: number; pid: number | undefined }>();
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;
  private sampledAt = 0;

  constructor(intervalMs: number, services: () => Iterable<Service>, sampled: () => void) {
    this.intervalMs = intervalMs;
    this.services = services;
    this.sampled = sampled;
    this.schedule(intervalMs);
  }

  /** Takes a sample of one service at once, for a figure to show when it has just become healthy. */
  sampleNow(service: Service): void {
    this.sample([service]);
  }

  /** For somebody who looks: figures at most two seconds old. */
  freshen(): void {
    if (performance.now() - this.sampledAt > 2_000) this.sampleAll();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private schedule(ms: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      const begin = performance.now();
      this.sampleAll();
      this.sampled();
      this.schedule(Math.max(this.intervalMs, (performance.now() - begin) * 250));
    }, ms);
  }

  private sampleAll(): void {
    this.sampledAt = performance.now();
    this.sample([...this.services()]);
  }

  private sample(services: readonly Service[]): void {
    const running = services.filter(({ processes }) => processes.members.length > 0);
    if (running.length === 0) return;
    const rows = listProcesses();
    const at = performance.now();
    for (const service of running) {
      const leader = service.processes.members[0];
      const tree = treeOf(service.processes.members, rows);
      if (tree.length === 0) continue;
      const before = this.before.get(service.name);
      const same = before !== undefined && before.pid === leader?.pid;
      // What an orphan used is lost with it; time does not run backwards all the same.
      const cpuSeconds = Math.max(
        same ? before.cpuSeconds : 0,
        tree.reduce((sum, row) => sum + row.cpuSeconds, 0),
      );
      const cpuPercent =
        same && at > before.at ? ((cpuSeconds - before.cpuSeconds) / (at - before.at)) * 100_000 : null;
      this.before.set(service.name, { at, cpuSeconds, pid: leader?.pid });
      service.usage = { pssBytes: memoryOf(tree.map(({ pid }) => pid)), cpuPercent, cpuSeconds };
      const others = tree.filter(({ pid }) => pid !== leader?.pid);
      service.processes.members = [...(leader === undefined ? [] : [leader]), ...others].map(({ pid, started }) => ({
        pid,
        started,
      }));
    }
  }
}
