import { messageOf } from '../core/errors.ts';
import type { ProbeResult, ProbeSpec } from '../core/service-spec.ts';
import type { Probe } from './options.ts';

/** One probe that always answers: a throw or no answer within `timeoutMs` is an unhealthy result. */
export async function probeOnce(
  probe: Probe,
  spec: ProbeSpec,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const begin = performance.now();
  const cut = new AbortController();
  const failed = (detail: string): ProbeResult => ({ healthy: false, detail, latencyMs: performance.now() - begin });
  // A probe that ignores its signal must not hold up the supervisor.
  const late = new Promise<ProbeResult>((settle) => {
    const end = (detail: string) => {
      settle(failed(detail));
      cut.abort();
    };
    const timer = setTimeout(() => end(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    cut.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
    if (signal.aborted) end('cancelled');
    else signal.addEventListener('abort', () => end('cancelled'), { once: true, signal: cut.signal });
  });
  try {
    return await Promise.race([probe(spec, cut.signal).catch((error: unknown) => failed(messageOf(error))), late]);
  } finally {
    cut.abort();
  }
}
