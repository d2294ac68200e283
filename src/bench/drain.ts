import { setTimeout as sleep } from 'node:timers/promises';

export interface Drain {
  /** How much has arrived by now. @throws Error ends the waiting */
  arrived(): number | Promise<number>;
  /** How much has been sent. */
  sent: number;
  /** From one look to the next, ms. */
  everyMs: number;
  /** Without anything new for so long, what is missing is taken as lost, ms; default 45 s. */
  stalledAfterMs?: number;
  signal: AbortSignal;
}

/**
 * Waits until everything has arrived, nothing new does, or the signal comes.
 * @returns the most that had arrived
 */
export async function drained({ arrived, sent, everyMs, stalledAfterMs = 45_000, signal }: Drain): Promise<number> {
  let [most, since] = [-1, performance.now()];
  for (;;) {
    const now = await arrived();
    if (now > most) [most, since] = [now, performance.now()];
    if (now >= sent || signal.aborted || performance.now() - since > stalledAfterMs) return most;
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}
