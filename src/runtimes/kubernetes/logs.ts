import { setTimeout as delay } from 'node:timers/promises';
import type { LogLine, LogQuery } from '../contract.ts';
import type { ClusterClient } from './client.ts';
import type { Pod } from './client-types.ts';
import { labelNames } from './labels.ts';
import { type ContainerRef, linesOf } from './logs-stream.ts';

const defaultTail = 100;
const lookForPodsMs = 2_000;

export interface LogScope {
  stack: string;
  namespaces: readonly string[];
}

interface Source extends ContainerRef {
  /** Instance, as `status` names it. */
  name: string;
}

/** Lines of the chosen containers merged by time: first what is there, then, with follow, what comes, until the signal. */
export async function* readLogs(
  client: ClusterClient,
  scope: LogScope,
  query: LogQuery,
  signal: AbortSignal,
): AsyncIterable<LogLine> {
  const sources = await findSources(client, scope, query.components, signal);
  const tail = query.tail ?? (query.since === undefined ? defaultTail : Number.POSITIVE_INFINITY);
  const begin = Date.now();
  const past = await Promise.all(sources.map((source) => pastOf(client, source, query, tail, signal)));
  const lines = past.flat().sort((a, b) => a.time - b.time);
  yield* lines;
  if (!query.follow || signal.aborted) return;
  const seen = new Map(sources.map((source, index) => [keyOf(source), past[index]?.at(-1)?.time ?? null]));
  yield* follow(client, { scope, query, seen, begin }, signal);
}

const keyOf = ({ namespace, pod, container }: ContainerRef): string => `${namespace}/${pod}/${container}`;

/** A pattern is looked for in all lines, a tail counts those that match. */
async function pastOf(
  client: ClusterClient,
  source: Source,
  query: LogQuery,
  tail: number,
  signal: AbortSignal,
): Promise<LogLine[]> {
  if (tail <= 0) return [];
  const read = {
    follow: false,
    ...(query.grep === undefined ? { tail } : {}),
    ...(query.since === undefined ? {} : { since: query.since }),
  };
  const lines: LogLine[] = [];
  for await (const { time, text } of linesOf(client, source, read, signal)) {
    const line = { time, component: source.name, stream: 'stdout' as const, text };
    if (!matches(line, query)) continue;
    lines.push(line);
    if (lines.length > tail) lines.shift();
  }
  return lines;
}

/** Whether the query asks for this line. */
export function matches({ time, text }: LogLine, { since, grep }: LogQuery): boolean {
  // A global pattern would go on from its last match.
  if (grep !== undefined) grep.lastIndex = 0;
  return (since === undefined || time >= since) && (grep === undefined || grep.test(text));
}

interface Following {
  scope: LogScope;
  query: LogQuery;
  /** Containers read so far, and the time of the last line seen of each. */
  seen: Map<string, number | null>;
  /** Epoch ms from which lines of those without any are new. */
  begin: number;
}

/** One reader a container, new ones as pods come; lines in the order in which they arrive. */
async function* follow(client: ClusterClient, following: Following, signal: AbortSignal): AsyncGenerator<LogLine> {
  const arrived: LogLine[] = [];
  const failures: unknown[] = [];
  const running = new Set<string>();
  let wake: () => void = () => {};
  const read = async (source: Source) => {
    const key = keyOf(source);
    running.add(key);
    // Of a container that came later everything is new.
    const known = following.seen.has(key);
    const last = following.seen.get(key) ?? following.begin;
    const since = known ? { since: last } : {};
    for await (const { time, text } of linesOf(client, source, { follow: true, ...since }, signal)) {
      const line = { time, component: source.name, stream: 'stdout' as const, text };
      if (known && time <= last) continue;
      following.seen.set(key, time);
      if (matches(line, following.query)) arrived.push(line);
      wake();
    }
    running.delete(key);
  };
  const look = async () => {
    while (!signal.aborted) {
      for (const source of await findSources(client, following.scope, following.query.components, signal)) {
        if (running.has(keyOf(source))) continue;
        read(source)
          .catch((error: unknown) => failures.push(error))
          .finally(() => wake());
      }
      await delay(lookForPodsMs, undefined, { signal }).catch(() => {});
    }
  };
  signal.addEventListener('abort', () => wake(), { once: true });
  const looking = look()
    .catch((error: unknown) => failures.push(error))
    .finally(() => wake());
  while (!signal.aborted && failures.length === 0) {
    yield* arrived.splice(0).sort((a, b) => a.time - b.time);
    await new Promise<void>((settle) => {
      wake = settle;
      if (arrived.length > 0 || signal.aborted || failures.length > 0) settle();
    });
  }
  await looking;
  yield* arrived.splice(0);
  if (!signal.aborted && failures.length > 0) throw failures[0];
}

/** Containers of the stack's pods, or those of the named components and instances. */
async function findSources(
  client: ClusterClient,
  { stack, namespaces }: LogScope,
  names: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Source[]> {
  const labels = `${labelNames.stack}=${stack}`;
  const kind = { apiVersion: 'v1', kind: 'Pod' };
  const listed = await Promise.all(
    namespaces.map((namespace) => client.list<Pod>(kind, { namespace, labels }, signal)),
  ).catch((error: unknown) => {
    if (signal.aborted) return [];
    throw error;
  });
  return listed.flat().flatMap((pod) => {
    const component = pod.metadata.labels?.[labelNames.component] ?? pod.metadata.name;
    return (pod.spec?.containers ?? [])
      .map(({ name }) => ({
        name: instanceOf(pod, name),
        namespace: pod.metadata.namespace ?? '',
        pod: pod.metadata.name,
        container: name,
      }))
      .filter(({ name }) => names === undefined || names.includes(name) || names.includes(component));
  });
}

/** A pod of our own has a container for each instance, named like it; an operator's pod is an instance itself. */
export function instanceOf(pod: Pod, container: string): string {
  const run = pod.metadata.labels?.[labelNames.run];
  if (run !== undefined) return pod.metadata.labels?.[labelNames.job] ?? run;
  if (pod.metadata.labels?.[labelNames.instance] !== undefined) return container;
  const containers = pod.spec?.containers ?? [];
  return containers.length <= 1 ? pod.metadata.name : `${pod.metadata.name}/${container}`;
}
