import { setTimeout as sleep } from 'node:timers/promises';

/** Redraws `render()` in place on a terminal, or appends it in a pipe, until the signal is aborted. */
export async function watch(render: () => Promise<string>, intervalMs: number, signal: AbortSignal): Promise<void> {
  const terminal = process.stdout.isTTY === true;
  while (!signal.aborted) {
    const text = await render();
    // Home, text with every line cleared to its end, then clear what is left of the last picture: no flicker.
    process.stdout.write(terminal ? `\x1b[H${text.replaceAll('\n', '\x1b[K\n')}\x1b[K\n\x1b[J` : `${text}\n\n`);
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}
