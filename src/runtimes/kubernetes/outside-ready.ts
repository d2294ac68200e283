import { setTimeout as delay } from 'node:timers/promises';
import { staysOpen } from '../../system/net.ts';

/** kube-proxy takes up a pod that became ready within a second or two. */
const limitMs = 30_000;
/** Something that listens on this machine's side accepts at once, and hangs up as soon as it finds nobody within the cluster. */
const settledMs = 300;

/**
 * Waits until ports of this machine lead to a program: a pod is ready before the rules that lead to it are written. Ends after half a
 * minute all the same; whoever connects then says better what is wrong.
 */
export async function untilOutsideAnswers(ports: readonly number[], signal: AbortSignal): Promise<void> {
  const end = performance.now() + limitMs;
  await Promise.all(
    ports.map(async (port) => {
      while (!(await staysOpen('127.0.0.1', port, settledMs)) && performance.now() < end) {
        await delay(200, undefined, { signal });
      }
    }),
  );
}
