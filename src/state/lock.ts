import { setTimeout as delay } from 'node:timers/promises';
import { preflightError } from '../core/errors.ts';
import {
  createExclusive,
  entriesOf,
  exists,
  makeDirectory,
  readIfExists,
  remove,
  writeAtomic,
} from '../system/files.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from '../system/process.ts';
import { isRecord } from './json-file.ts';

export interface LockHolder extends ProcessIdentity {
  /** What it is doing, e.g. "lambdactl up". */
  command: string;
  /** ISO time. */
  since: string;
}

export interface LockOptions {
  /** Told to whoever finds the lock taken. */
  command: string;
  /** How long to wait for the present holder; default 0. */
  waitMs?: number;
  signal?: AbortSignal;
}

export interface Lock {
  release(): Promise<void>;
}

/**
 * Exclusion between processes by files alone. The directory holds numbered files; who created the highest number owns the
 * lock. A number is free to follow when its holder released it or is dead (pid and start time), and creating the next one
 * is atomic, so of two who find the same dead holder one wins. The highest number is never removed: nobody can begin again
 * at a lower one unseen.
 * @throws LambdaError STACK_BUSY naming the holder; HOME_NOT_WRITABLE, DISK_FULL
 */
export async function acquireLock(dir: string, options: LockOptions): Promise<Lock> {
  const end = performance.now() + (options.waitMs ?? 0);
  await makeDirectory(dir, 0o700);
  for (;;) {
    options.signal?.throwIfAborted();
    const holder = await tryAcquire(dir, options.command);
    if ('release' in holder) return holder;
    if (performance.now() >= end) throw busy(holder);
    await delay(50);
  }
}

async function tryAcquire(dir: string, command: string): Promise<Lock | LockHolder> {
  const [highest = 0] = await numbers(dir);
  const holder = highest === 0 ? null : await holderOf(dir, highest);
  if (holder !== null && isAlive(holder)) return holder;
  const mine = highest + 1;
  const path = `${dir}/${mine}`;
  const self: LockHolder = { ...ownIdentity(), command, since: new Date().toISOString() };
  if (!(await createExclusive(path, JSON.stringify(self)))) return tryAcquire(dir, command);
  const [newest = mine, ...older] = await numbers(dir);
  if (newest !== mine) {
    // Our look at the directory was old: somebody went on from a number that we had not seen.
    await remove(path);
    return tryAcquire(dir, command);
  }
  // One below is left, for whoever reads the directory at this moment.
  for (const number of older.slice(1)) await remove(`${dir}/${number}`);
  return {
    release: async () => {
      // Gone together with its stack, perhaps.
      if (exists(path)) await writeAtomic(path, '', { mode: 0o600 });
    },
  };
}

/** Who works on the stack now; null when nobody does. Looks only. */
export async function lockHolder(dir: string): Promise<LockHolder | null> {
  const [highest = 0] = await numbers(dir);
  const holder = highest === 0 ? null : await holderOf(dir, highest);
  return holder !== null && isAlive(holder) ? holder : null;
}

/** Descending. */
async function numbers(dir: string): Promise<number[]> {
  const names = await entriesOf(dir);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => b - a);
}

/** null when released (empty), gone, or not to be understood. */
async function holderOf(dir: string, number: number): Promise<LockHolder | null> {
  const text = await readIfExists(`${dir}/${number}`);
  if (text === null || text === '') return null;
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return null;
    const { pid, started, command, since } = value;
    return { pid: Number(pid), started: String(started), command: String(command), since: String(since) };
  } catch {
    return null;
  }
}

function busy(holder: LockHolder) {
  const { pid, command, since } = holder;
  return preflightError(`The stack is busy: \`${command}\` (pid ${pid}) has been working on it since ${since}.`, {
    code: 'STACK_BUSY',
    actions: ['Wait for it to end, then run the same command again.', `Or end it: kill ${pid}`],
    details: { pid, command, since },
    retryable: true,
  });
}

/** Runs `work` with the lock held. */
export async function withLock<T>(dir: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const lock = await acquireLock(dir, options);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
