import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchScenario } from '../../core/bench-report.ts';
import { LambdaError, preflightError } from '../../core/errors.ts';
import { type OperationContext, step } from '../../core/events.ts';
import { withLock } from '../../state/lock.ts';
import { freeDiskBytes } from '../../system/host.ts';
import type { OpenStack } from '../stack.ts';
import { definitions } from './definitions.ts';
import { type Asked, withDefaults } from './request.ts';

/** @throws LambdaError NOT_UP naming what is missing or not healthy */
export async function requireHealthy(stack: OpenStack, scenarios: readonly BenchScenario[]): Promise<void> {
  await stack.requireUp();
  const { services } = await stack.runtime.observe();
  const needed = new Set(scenarios.flatMap((name) => definitions[name].needs));
  const missing = [...needed].filter((name) => {
    const instances = services.filter(({ component }) => component === name);
    return instances.length === 0 || instances.some(({ state }) => state !== 'healthy');
  });
  if (missing.length === 0) return;
  throw new LambdaError(`Stack "${stack.name}": not up or not healthy: ${missing.join(', ')}.`, {
    code: 'NOT_UP',
    category: 'preflight',
    actions: ['lambdactl up', 'lambdactl health'],
    details: { missing },
  });
}

const spareBytes = 1024 ** 3;

/** Records that a scenario may write, warm-up included. */
export function recordsOf(name: BenchScenario, asked: Asked): number {
  const { defaultRecords, durationMs: timed } = definitions[name];
  const { events, rate, warmupMs, durationMs } = withDefaults(name, asked);
  return events ?? (rate === null || timed === null ? defaultRecords : (rate * (warmupMs + durationMs)) / 1000);
}

/** @throws LambdaError BENCH_DISK: a disk that fills during a run would stop the stack */
export async function requireDisk(stack: OpenStack, scenarios: readonly BenchScenario[], asked: Asked): Promise<void> {
  const needed = scenarios.reduce((sum, name) => {
    return sum + recordsOf(name, asked) * definitions[name].bytesPerRecord;
  }, spareBytes);
  const free = await freeDiskBytes(stack.home);
  if (free >= needed) return;
  const gibibytes = (bytes: number) => (bytes / 1024 ** 3).toFixed(1);
  throw preflightError(
    `This run may write ${gibibytes(needed)} GiB and ${stack.home} has ${gibibytes(free)} GiB free; nothing was started.`,
    {
      code: 'BENCH_DISK',
      details: { needed, free },
      actions: ['Free some space, or run a lower --rate or a shorter --duration.', 'lambdactl doctor host'],
    },
  );
}

/** 90 s after its first healthy start a JVM writes the archive of its classes and stands still for it, many seconds on a busy machine. */
const settledAfterMs = 150_000;

/** Waits until no component is so young that its own housekeeping would be measured. @throws the signal's reason */
export async function settle(stack: OpenStack, context: OperationContext): Promise<void> {
  const { services } = await stack.runtime.observe();
  const youngest = Math.max(0, ...services.map(({ startedAt }) => (startedAt === null ? 0 : Date.parse(startedAt))));
  const waitMs = youngest + settledAfterMs - Date.now();
  if (waitMs <= 0) return;
  await step(context, { id: 'settle', title: 'Wait until what has just started has settled' }, async () => {
    await sleep(waitMs, undefined, { signal: context.signal });
    return { value: undefined, detail: '--warmup 0s does not wait' };
  });
}

/** One bench at a time on a machine: two would measure each other. @throws LambdaError BENCH_BUSY */
export async function alone<T>(stack: OpenStack, command: string, work: () => Promise<T>): Promise<T> {
  try {
    return await withLock(join(stack.home, 'bench', 'lock'), { command }, work);
  } catch (error) {
    if (!(error instanceof LambdaError) || error.code !== 'STACK_BUSY') throw error;
    const { pid, command: other, since } = error.details;
    throw preflightError(`\`${other}\` (pid ${pid}) has been measuring since ${since}; two would measure each other.`, {
      code: 'BENCH_BUSY',
      actions: ['Wait for it to end, then run the same command again.'],
      details: error.details,
      retryable: true,
    });
  }
}
