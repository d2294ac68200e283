import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { JobDefinition } from '../../components/contract.ts';
import { externalError, messageOf } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import type { StackPaths } from '../../state/paths.ts';
import { spawnRequest } from '../../supervisor/accounts.ts';
import { LogFile } from '../../supervisor/log-file.ts';
import { endTree } from '../../supervisor/process-tree.ts';
import { makeDirectory, writeIfChanged } from '../../system/files.ts';
import { describeExit, type ExitStatus, type RunningChild, spawnSession } from '../../system/process.ts';
import type { JobRequest, JobResult } from '../contract.ts';
import { loadTemplates } from '../templates.ts';
import { readWanted } from '../wanted.ts';
import { type EmbeddedOptions, renderContext } from './context.ts';

const keptLines = 10_000;
const stopGraceMs = 10_000;
const logLimit = { bytes: 10 * 1024 * 1024, files: 3 };
/** After the end, descendants that hold the pipes open are waited for no longer than this. */
const lastWordsMs = 500;

/** Runs one job as a process group of its own, which dies with this process; its stderr is the log named like the job. */
export async function runJob(
  options: EmbeddedOptions,
  paths: StackPaths,
  job: JobDefinition,
  request: JobRequest,
  { signal }: OperationContext,
): Promise<JobResult> {
  signal.throwIfAborted();
  const wanted = await readWanted(paths);
  const template = await loadTemplates(`${options.projectRoot}/templates`);
  const { files, command } = job.render(renderContext(options, paths, wanted, template), request.args);
  for (const kind of ['data', 'conf', 'run', 'cache'] as const) await makeDirectory(paths.dir(job.name, kind), 0o700);
  for (const { path, content, mode } of files) await writeIfChanged(path, content, { mode });

  const started = performance.now();
  const log = new LogFile(`${paths.logDir}/${job.name}.log`, logLimit);
  log.note(`${job.name} ${request.args.join(' ')}`);
  const marker = `LAMBDACTL_RUN=job-${randomUUID()}`;
  const child = await spawnSession(
    spawnRequest(command, { account: { kind: 'own' }, marker, deathSignal: 'SIGTERM', nice: 5 }),
  ).catch((error: unknown) => {
    throw externalError(`${job.title} cannot be started: ${messageOf(error)}`, {
      code: 'JOB_NOT_STARTED',
      details: { executable: command.executable },
      actions: ['lambdactl up'],
      cause: error,
    });
  });
  const end = (grace: number) => endTree({ roots: [child.identity], marker, signal: 'SIGTERM', graceMs: grace });
  const onAbort = () => void end(stopGraceMs);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    log.follow(child.stderr, 'E');
    const lines: string[] = [];
    const exit = await ended(child, (line) => {
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
      request.onLine?.(line);
    });
    log.note(describeExit(exit));
    signal.throwIfAborted();
    return {
      exitCode: exit.code ?? 128,
      lines,
      errorTail: log.lastLines(20).join('\n'),
      elapsedMs: performance.now() - started,
    };
  } finally {
    signal.removeEventListener('abort', onAbort);
    await end(signal.aborted ? stopGraceMs : 0);
    await log.close();
  }
}

async function ended(child: RunningChild, onLine: (line: string) => void): Promise<ExitStatus> {
  const reader = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY });
  reader.on('line', onLine);
  const read = new Promise<void>((settle) => reader.once('close', settle));
  const exit = await child.exited;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((settle) => {
    timer = setTimeout(settle, lastWordsMs);
  });
  await Promise.race([Promise.all([read, closed(child.stderr)]), late]);
  clearTimeout(timer);
  return exit;
}

const closed = (stream: Readable): Promise<void> =>
  stream.destroyed ? Promise.resolve() : new Promise((settle) => stream.once('close', settle));
