import { isAbsolute, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dagBundle } from '../../components/airflow/environment.ts';
import { externalError, LambdaError, usageError } from '../../core/errors.ts';
import { type OperationContext, step } from '../../core/events.ts';
import type { AirflowClient } from '../../probes/airflow/client.ts';
import { type DagImportError, importErrorLine, readImportErrors } from '../../probes/airflow/import-errors.ts';
import { exists } from '../../system/files.ts';
import { requireEmbedded } from '../cluster-stack.ts';
import { openStack, projectRoot, type StackRef } from '../stack.ts';
import { openAirflow, requireAirflow } from './airflow.ts';
import { requireGit } from './git.ts';
import {
  branch,
  commitSnapshot,
  dagFiles,
  headOf,
  isClone,
  pushClone,
  repositoriesOf,
  updateMirror,
} from './repository.ts';

export interface SyncRequest extends StackRef {
  /** Directory with dags/, spark/, dbt/; the project's own when absent. */
  from: string | undefined;
  message: string | undefined;
  force: boolean;
  /** Until Airflow has read the commit. */
  wait: boolean;
}

export interface SyncReport {
  stack: string;
  from: string;
  origin: string;
  branch: string;
  commit: string;
  /** false: the repository had this state already. */
  changed: boolean;
  /** From the push until Airflow had read every file of it; null when not waited for. */
  visibleMs: number | null;
  importErrors: readonly DagImportError[];
}

const patienceMs = 120_000;
const pollMs = 500;

/**
 * Makes a directory's state the stack's DAG repository's next commit, and waits until Airflow runs it.
 * @throws LambdaError GIT_MISSING, BAD_DAGS_DIR, DAGS_DIVERGED, AIRFLOW_MISSING, DAGS_NOT_VISIBLE
 */
export async function syncDags(request: SyncRequest, context: OperationContext): Promise<SyncReport> {
  const stack = await openStack(request);
  requireEmbedded(stack, 'dags sync', [
    'In a cluster DAGs come with the image: lambdactl images build, then lambdactl up.',
    "With delivery: operator they come by git-sync from the repository of the profile's kubernetes section (docs/operators.md).",
  ]);
  await requireGit();
  const directory = sourceOf(request.from);
  await requireAirflow(stack);
  const repositories = repositoriesOf(stack);
  if (repositories === null) throw neverStarted(stack.name);
  const { origin } = repositories;
  const before = await headOf(origin);
  const message = request.message ?? 'lambdactl dags sync';
  const commit = await step(context, { id: 'push', title: 'Push' }, async () => {
    const snapshot = { origin, directory, message, force: request.force };
    const value = (await isClone(directory)) ? await pushClone(snapshot) : await commitSnapshot(snapshot);
    await updateMirror(repositories);
    return { value, detail: value === before ? 'nothing new' : value.slice(0, 12) };
  });
  const pushed = { commit, at: Date.now() };
  const report = { stack: stack.name, from: directory, origin, branch, commit, changed: commit !== before };
  if (!request.wait) return { ...report, visibleMs: null, importErrors: [] };
  const airflow = await openAirflow(stack);
  const importErrors = await step(context, { id: 'read', title: 'Airflow reads it' }, async () => {
    const value = await waitUntilRead(airflow, origin, pushed, context.signal);
    return { value, detail: value.length === 0 ? 'all files loaded' : `${value.length} cannot be loaded` };
  });
  for (const error of importErrors) context.emit({ type: 'warning', message: importErrorLine(error) });
  return { ...report, visibleMs: Date.now() - pushed.at, importErrors };
}

function sourceOf(from: string | undefined): string {
  const given = from ?? join(projectRoot, 'dags-repo');
  const directory = isAbsolute(given) ? given : resolve(given);
  if (exists(join(directory, dagBundle.subdir))) return directory;
  throw usageError(`${directory} has no directory "${dagBundle.subdir}".`, {
    code: 'BAD_DAGS_DIR',
    actions: ['Name the directory that holds dags/, spark/ and dbt/: --from DIR'],
  });
}

function neverStarted(stack: string) {
  return new LambdaError(`Airflow of stack "${stack}" was never started: it has no DAG repository yet.`, {
    code: 'NOT_UP',
    category: 'preflight',
    actions: ['lambdactl up'],
  });
}

/** @returns what of the commit could not be loaded */
async function waitUntilRead(
  airflow: AirflowClient,
  origin: string,
  { commit, at }: { commit: string; at: number },
  signal: AbortSignal,
): Promise<DagImportError[]> {
  const files = await dagFiles(origin, commit);
  for (const end = Date.now() + patienceMs; Date.now() < end; ) {
    signal.throwIfAborted();
    const [dags, errors] = await Promise.all([airflow.dags(), readImportErrors(airflow)]);
    const isRead = (file: string): boolean =>
      dags.some((dag) => dag.relative_fileloc === file && dag.bundle_version === commit) ||
      errors.some((error) => error.file === file && Date.parse(error.time) >= at);
    const isGone = (file: string | null): boolean => file !== null && !file.includes('/') && !files.all.includes(file);
    const wait = !files.dags.every(isRead) || dags.some(({ relative_fileloc: file }) => isGone(file));
    if (!wait) return errors;
    await sleep(pollMs, undefined, { signal }).catch(() => {});
  }
  throw externalError(`Airflow has not read commit ${commit.slice(0, 12)} within ${patienceMs / 1000} s.`, {
    code: 'DAGS_NOT_VISIBLE',
    actions: ['lambdactl health', 'lambdactl logs airflow'],
    retryable: true,
  });
}
