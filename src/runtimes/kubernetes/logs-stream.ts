import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterClient } from './client.ts';
import { ApiError } from './client-errors.ts';
import type { ContainerStatus, Pod } from './client-types.ts';

export interface ContainerRef {
  namespace: string;
  pod: string;
  container: string;
}

export interface LogRead {
  follow: boolean;
  /** Of the container's run before the present one. */
  previous?: boolean;
  /** Last N lines first; all when absent. */
  tail?: number;
  /** Epoch ms. */
  since?: number;
}

export interface ContainerLine {
  /** Epoch ms at which the node got the line. */
  time: number;
  text: string;
}

const reopenMs = 1_000;

/**
 * Lines of one container, taken up again where a connection broke. Ends at the end of the log; when following, at the end of the container or
 * with the signal. A container that has no log (yet) has no lines.
 * @throws LambdaError CLUSTER_…
 */
export async function* linesOf(
  client: ClusterClient,
  ref: ContainerRef,
  read: LogRead,
  signal: AbortSignal,
): AsyncGenerator<ContainerLine, void, void> {
  let last = '';
  for (;;) {
    const resumed = last !== '';
    const body = await open(client, ref, resumed ? { ...read, since: Date.parse(last) } : read, signal);
    if (body !== null) {
      try {
        for await (const line of createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY })) {
          const parsed = parse(line);
          // Times are to the nanosecond and of equal length, so they compare as text: what was read before the break is not read again.
          if (parsed === null || (resumed && parsed.stamp <= last)) continue;
          last = parsed.stamp;
          yield parsed;
        }
      } catch (error) {
        if (!read.follow && !signal.aborted) throw error;
      } finally {
        body.destroy();
      }
    }
    if (!read.follow || signal.aborted) return;
    const status = await statusOf(client, ref, signal);
    if (status === null || status.state?.terminated !== undefined) {
      if (!resumed && body === null) return;
      // What was written after the connection broke and before the end.
      if (body === null || last === '') return;
      yield* rest(client, ref, last, signal);
      return;
    }
    await delay(reopenMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
  }
}

async function* rest(
  client: ClusterClient,
  ref: ContainerRef,
  last: string,
  signal: AbortSignal,
): AsyncGenerator<ContainerLine> {
  const body = await open(client, ref, { follow: false, since: Date.parse(last) }, signal);
  if (body === null) return;
  for await (const line of createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY })) {
    const parsed = parse(line);
    if (parsed !== null && parsed.stamp > last) yield parsed;
  }
}

/** null where there is no log: the container was not started yet, or is gone. */
async function open(
  client: ClusterClient,
  { namespace, pod, container }: ContainerRef,
  read: LogRead,
  signal: AbortSignal,
) {
  const { follow, previous = false, tail, since } = read;
  const query = {
    container,
    follow,
    previous,
    timestamps: true,
    tailLines: tail === undefined || !Number.isFinite(tail) ? undefined : tail,
    sinceTime: since === undefined ? undefined : new Date(since).toISOString(),
  };
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log`;
  try {
    return await client.stream(path, { query, signal, what: `read the log of ${pod}` });
  } catch (error) {
    if (error instanceof ApiError || signal.aborted) return null;
    throw error;
  }
}

async function statusOf(
  client: ClusterClient,
  { namespace, pod, container }: ContainerRef,
  signal: AbortSignal,
): Promise<ContainerStatus | null> {
  const ref = { apiVersion: 'v1', kind: 'Pod', metadata: { name: pod, namespace } };
  const found = await client.read<Pod>(ref, signal).catch((error: unknown) => {
    if (signal.aborted) return null;
    throw error;
  });
  const all = [...(found?.status?.containerStatuses ?? []), ...(found?.status?.initContainerStatuses ?? [])];
  return all.find(({ name }) => name === container) ?? null;
}

/** The kubelet puts the time before each line: RFC 3339 with nine digits. */
function parse(line: string): (ContainerLine & { stamp: string }) | null {
  const [, stamp, text = ''] = /^(\d{4}-\d\d-\d\dT[\d:]+(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?(.*)$/s.exec(line) ?? [];
  return stamp === undefined ? null : { stamp: nanoseconds(stamp), time: Date.parse(stamp), text };
}

/** Trailing zeros are left out by some: filled up, times compare as text. */
function nanoseconds(stamp: string): string {
  const [, seconds = '', fraction = '', zone = ''] = /^([^.Z+]+)(?:\.(\d+))?(.*)$/.exec(stamp) ?? [];
  return `${seconds}.${fraction.padEnd(9, '0')}${zone}`;
}

/** The last lines a container said; empty where it has none. Never throws: it explains another failure. */
export async function lastWords(
  client: ClusterClient,
  { previous, ...ref }: ContainerRef & { previous: boolean },
  lines: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const words: string[] = [];
  try {
    for await (const { text } of linesOf(client, ref, { follow: false, tail: lines, previous }, signal))
      words.push(text);
    if (words.length === 0 && previous) return await lastWords(client, { ...ref, previous: false }, lines, signal);
  } catch {
    signal.throwIfAborted();
  }
  return words;
}
