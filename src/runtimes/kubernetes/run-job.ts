import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { JobDefinition } from '../../components/contract.ts';
import type { KubernetesObject } from '../../components/kubernetes.ts';
import { externalError, type LambdaError, preflightError } from '../../core/errors.ts';
import { LogFile } from '../../supervisor/log-file.ts';
import type { JobRequest, JobResult } from '../contract.ts';
import { type ClusterClient, nameOf } from './client.ts';
import type { Pod, Workload } from './client-types.ts';
import { refusedPods, type Trouble, troubleOf, warningsIn } from './events.ts';
import { labelNames } from './labels.ts';
import { linesOf } from './logs-stream.ts';

const keptLines = 10_000;
const errorLines = 20;
const logLimit = { bytes: 10 * 1024 * 1024, files: 3 };
const pollMs = 500;
/** Longer than a line is under way from a container to here. */
const lastWordsMs = 5_000;
/** Deleting what a run made must not keep an interrupted command waiting. */
const cleanUpMs = 15_000;

/**
 * A pod's log is one stream: in front of each line this says whether it came from standard output (O) or from standard error (E). The program
 * runs in the background, because a shell takes signals only between its commands.
 */
const tellApart = `d=$(mktemp -d) && mkfifo "$d/o" "$d/e" || exit 126
sed -u 's/^/O /' <"$d/o" & o=$!
sed -u 's/^/E /' <"$d/e" >&2 & e=$!
"$@" >"$d/o" 2>"$d/e" & p=$!
trap 'kill -TERM $p' TERM INT
wait $p; c=$?
while kill -0 $p 2>/dev/null; do wait $p; c=$?; done
wait $o $e; rm -rf "$d"; exit $c`;

export interface JobRun {
  job: JobDefinition;
  request: JobRequest;
  /** Secret and Job, as rendered for this run. */
  objects: readonly KubernetesObject[];
  /** Where the job's standard error is kept. */
  logFile: string;
}

/** Lower-case, unique among the runs of a stack. */
export const newRunId = (): string => randomBytes(5).toString('hex');

/** A pod sees no file of this machine. @throws LambdaError NOT_HERE */
export function refuseLocalFiles({ title }: JobDefinition, { args }: JobRequest, stackDir: string): void {
  const file = args.find((arg) => arg.startsWith(`${stackDir}/`));
  if (file === undefined) return;
  throw preflightError(
    `${title} would read ${file}, which a pod does not see: this works with the embedded runtime only.`,
    {
      code: 'NOT_HERE',
      details: { file },
      actions: ['Do the same through the streams, which every runtime has (docs/kubernetes.md).'],
    },
  );
}

/** Runs a job's objects to their end, and deletes them, whatever that end is. @throws LambdaError IMAGE_PULL, QUOTA, …; the signal's reason */
export async function runJobInCluster(client: ClusterClient, run: JobRun, signal: AbortSignal): Promise<JobResult> {
  signal.throwIfAborted();
  const started = performance.now();
  const log = new LogFile(run.logFile, logLimit);
  log.note(`${run.job.name} ${run.request.args.join(' ')}`);
  const errors = new PassThrough();
  log.follow(errors, 'E');
  const lines: string[] = [];
  try {
    await submit(client, run.objects.map(wrapped), signal);
    const pod = await startedPod(client, run, signal);
    const container = pod.spec?.containers[0]?.name ?? run.job.name;
    const ref = { namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name, container };
    const end = endOf(client, pod, container, signal);
    const hearing = new AbortController();
    let heardAt = performance.now();
    // Not every log that is followed ends with its container: once it has said nothing for a while it has said everything.
    const silence = end.then(() => silent(() => heardAt, hearing.signal)).catch(() => {});
    void silence.then(() => hearing.abort());
    for await (const { text } of linesOf(client, ref, { follow: true }, AbortSignal.any([signal, hearing.signal]))) {
      heardAt = performance.now();
      if (!text.startsWith('O ')) {
        errors.write(`${text.replace(/^E /, '')}\n`);
        continue;
      }
      lines.push(text.slice(2));
      if (lines.length > keptLines) lines.shift();
      run.request.onLine?.(text.slice(2));
    }
    hearing.abort();
    signal.throwIfAborted();
    const { exitCode, reason } = await end;
    log.note(reason === undefined ? `exit code ${exitCode}` : `exit code ${exitCode} (${reason})`);
    if (reason === 'OOMKilled') errors.write('killed, because it took more memory than its limit\n');
    const errorTail = log.lastLines(errorLines).join('\n');
    return { exitCode, lines, errorTail, elapsedMs: performance.now() - started };
  } finally {
    errors.end();
    await cleanUp(client, run.objects);
    await log.close();
  }
}

/** Files and environment first; then they are given to the Job, so that they go with it even when nobody is left to delete them. */
async function submit(client: ClusterClient, objects: readonly KubernetesObject[], signal: AbortSignal): Promise<void> {
  const [job] = objects.filter(({ kind }) => kind === 'Job');
  const others = objects.filter((object) => object !== job);
  for (const object of others) await client.apply(object, signal);
  if (job === undefined) return;
  const { metadata, apiVersion, kind } = await client.apply(job, signal);
  const ownerReferences = [{ apiVersion, kind, name: metadata.name, uid: metadata.uid }];
  for (const object of others)
    await client.apply({ ...object, metadata: { ...object.metadata, ...{ ownerReferences } } }, signal);
}

/** The Job with its command wrapped; other objects as they are. */
export function wrapped(object: KubernetesObject): KubernetesObject {
  if (object.kind !== 'Job') return object;
  const job = object as unknown as JobObject;
  const { template } = job.spec;
  const [first, ...others] = template.spec.containers;
  if (first === undefined) throw new Error(`${nameOf(object)} has no container`);
  const command = ['/bin/sh', '-c', tellApart, 'job', ...(first.command ?? []), ...(first.args ?? [])];
  const { args: _, ...rest } = first;
  const spec = {
    ...job.spec,
    template: { ...template, spec: { ...template.spec, containers: [{ ...rest, command }, ...others] } },
  };
  return { ...object, spec };
}

interface JobObject {
  spec: {
    template: { spec: { containers: readonly { command?: readonly string[]; args?: readonly string[] }[] } };
  };
}

function jobOf({ objects, job }: JobRun): KubernetesObject {
  const found = objects.find(({ kind }) => kind === 'Job');
  if (found === undefined) throw new Error(`the run of ${job.name} has no Job`);
  return found;
}

/** Waits until the job's container runs or has ended. */
async function startedPod(client: ClusterClient, run: JobRun, signal: AbortSignal): Promise<Pod> {
  const job = jobOf(run);
  const { name, namespace = '' } = job.metadata;
  const labels = `${labelNames.run}=${job.metadata.labels?.[labelNames.run] ?? ''}`;
  const since = new Map<string, number>();
  for (;;) {
    const [pod] = await client.list<Pod>({ apiVersion: 'v1', kind: 'Pod' }, { namespace, labels }, signal);
    const status = pod?.status?.containerStatuses?.[0]?.state;
    if (pod !== undefined && (status?.running !== undefined || status?.terminated !== undefined)) return pod;
    if (pod?.status?.phase === 'Failed')
      throw notStarted(run, pod.status.message ?? pod.status.reason ?? 'its pod failed');
    const warnings = await warningsIn(client, namespace, signal);
    const trouble = pod === undefined ? refusedPods({ kind: 'Job', name }, warnings) : troubleOf(pod, warnings);
    if (trouble !== null) {
      const begin = since.get(trouble.code) ?? performance.now();
      since.set(trouble.code, begin);
      if (performance.now() - begin >= patienceWith(trouble)) throw refused(run, trouble);
    } else since.clear();
    if (pod === undefined && (await client.read<Workload>(job, signal)) === null)
      throw notStarted(run, 'it was deleted meanwhile');
    await delay(pollMs, undefined, { signal });
  }
}

/** Room for a run may be taken by others, which end. */
const queueMs = 180_000;

const patienceWith = ({ code, patienceMs }: Trouble): number =>
  code === 'UNSCHEDULABLE' ? Math.max(queueMs, patienceMs) : patienceMs;

function refused({ job }: JobRun, { code, message, actions, details }: Trouble): LambdaError {
  return externalError(`${job.title}: ${message}`, {
    code,
    actions: [...actions, 'Then run the same command again.'],
    details,
    retryable: true,
  });
}

function notStarted({ job }: JobRun, why: string): LambdaError {
  return externalError(`${job.title} cannot be started: ${why}`, {
    code: 'JOB_NOT_STARTED',
    actions: ['lambdactl up', 'lambdactl doctor'],
  });
}

async function endOf(client: ClusterClient, pod: Pod, container: string, signal: AbortSignal) {
  for (;;) {
    const present = await client.read<Pod>(pod, signal);
    const ended = present?.status?.containerStatuses?.find(({ name }) => name === container)?.state?.terminated;
    if (ended !== undefined) return ended;
    // A node that went away takes the pod's end with it.
    if (present === null) return { exitCode: 128, reason: 'its pod was deleted' };
    if (present.status?.phase === 'Failed') return { exitCode: 128, reason: present.status.reason ?? 'its pod failed' };
    await delay(pollMs, undefined, { signal });
  }
}

/** Waits until nothing was heard for a while. */
async function silent(heardAt: () => number, signal: AbortSignal): Promise<void> {
  const since = performance.now();
  while (performance.now() - Math.max(heardAt(), since) < lastWordsMs) await delay(pollMs, undefined, { signal });
}

/** With the Job goes its pod, and with that the program, which gets SIGTERM first. */
async function cleanUp(client: ClusterClient, objects: readonly KubernetesObject[]): Promise<void> {
  const signal = AbortSignal.timeout(cleanUpMs);
  for (const object of objects.toReversed()) {
    // What could not be deleted carries a time to live; the job's own end is what counts here.
    await client.remove(object, 'Background', signal).catch(() => false);
  }
}
