import { setTimeout as delay } from 'node:timers/promises';
import { readObserved } from '../../state/observed.ts';
import type { StackPaths } from '../../state/paths.ts';
import { entriesOf } from '../../system/files.ts';
import type { LogLine, LogQuery } from '../contract.ts';
import { type LogSource, LogTail, matches, newestLines } from './log-reader.ts';

const defaultTail = 100;
const pollMs = 200;

/** Lines of the chosen logs merged by time: first what is there, then, with follow, what comes, until the signal. */
export async function* readLogs(paths: StackPaths, query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> {
  const sources = await chooseSources(paths, query.components);
  // Taken first, so that no line falls between what is there and what comes.
  const tails = query.follow ? await Promise.all(sources.map((source) => LogTail.open(source))) : [];
  try {
    const tail = query.tail ?? (query.since === undefined ? defaultTail : Number.POSITIVE_INFINITY);
    const past = await Promise.all(sources.map((source, index) => newestLines(source, query, tail, tails[index])));
    yield* past.flat().sort((a, b) => a.time - b.time);
    while (query.follow && !signal.aborted) {
      const fresh = (await Promise.all(tails.map((each) => each.read()))).flat();
      yield* fresh.filter((line) => matches(line, query)).sort((a, b) => a.time - b.time);
      await delay(pollMs, undefined, { signal }).catch(() => {});
      await addNewSources(paths, query, sources, tails);
    }
  } finally {
    await Promise.all(tails.map((each) => each.close()));
  }
}

/** Every log of the stack, or those of the named components and instances. */
async function chooseSources(paths: StackPaths, names: readonly string[] | undefined): Promise<LogSource[]> {
  const files = await entriesOf(paths.logDir);
  // A damaged state file must not keep anyone from the logs.
  const services = (await readObserved(paths).catch(() => null))?.services ?? [];
  const componentOf = new Map(services.map(({ status }) => [status.name, status.component]));
  return files
    .filter((file) => file.endsWith('.log'))
    .map((file) => file.slice(0, -'.log'.length))
    .filter((name) => {
      if (names === undefined) return name !== 'supervisor';
      return names.includes(name) || names.includes(componentOf.get(name) ?? name.replace(/-\d+$/, ''));
    })
    .sort()
    .map((name) => ({ name, path: `${paths.logDir}/${name}.log` }));
}

async function addNewSources(paths: StackPaths, query: LogQuery, known: LogSource[], tails: LogTail[]): Promise<void> {
  for (const source of await chooseSources(paths, query.components)) {
    if (known.some(({ path }) => path === source.path)) continue;
    known.push(source);
    tails.push(await LogTail.open(source, 0));
  }
}
