import { setTimeout as delay } from 'node:timers/promises';

/** Waits, at most until the signal; never throws. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}

/** Calls `run` after `ms` unless the signal came first. */
export function after(ms: number, signal: AbortSignal, run: () => void): void {
  const timer = setTimeout(run, ms);
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}
