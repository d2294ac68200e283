import { basename, join } from 'node:path';
import { dagBundle, mirrorOf, originOf } from '../../components/airflow/environment.ts';
import { usageError } from '../../core/errors.ts';
import { exists, remove } from '../../system/files.ts';
import type { OpenStack } from '../stack.ts';
import { askGit, git } from './git.ts';

export const branch = dagBundle.branch;
const reference = `refs/heads/${branch}`;

/** In the message of a commit that was made from a plain directory, and that the next one may follow unasked. */
const trailer = 'Synced-By: lambdactl';

export interface Repositories {
  /** The bare repository that users push to. */
  origin: string;
  mirror: string;
}

/** null when the stack's Airflow was never up. */
export function repositoriesOf(stack: OpenStack): Repositories | null {
  const context = { dir: stack.paths.dir };
  const repositories = { origin: originOf(context), mirror: mirrorOf(context) };
  return exists(repositories.origin) && exists(repositories.mirror) ? repositories : null;
}

export const headOf = (origin: string): Promise<string> => git([`--git-dir=${origin}`, 'rev-parse', reference]);

export interface Snapshot {
  origin: string;
  /** Absolute. */
  directory: string;
  message: string;
  /** Follow also a commit that somebody else pushed. */
  force: boolean;
}

/**
 * Makes the state of a plain directory the next commit of the branch, without a clone and without touching the directory.
 * @returns the commit; the present one when nothing differs
 * @throws LambdaError DAGS_DIVERGED when the last commit came from somewhere else and would be undone
 */
export async function commitSnapshot({ origin, directory, message, force }: Snapshot): Promise<string> {
  const index = join(origin, `sync-index-${process.pid}`);
  const env = { GIT_DIR: origin, GIT_WORK_TREE: directory, GIT_INDEX_FILE: index };
  const head = await headOf(origin);
  try {
    await git(['read-tree', head], { env });
    await git(['add', '--all', '.'], { env, cwd: directory });
    const tree = await git(['write-tree'], { env });
    if (tree === (await git([`--git-dir=${origin}`, 'rev-parse', `${head}^{tree}`]))) return head;
    const last = await git([`--git-dir=${origin}`, 'log', '-1', '--format=%an: %s%n%B', head]);
    if (!force && !last.includes(trailer)) throw diverged(origin, directory, last.split('\n', 1)[0] ?? head);
    const commit = await git(['commit-tree', tree, '-p', head, '-m', `${message}\n\n${trailer}`], {
      env: { ...env, ...(await identity()) },
    });
    // Fails when somebody pushed in between.
    await git([`--git-dir=${origin}`, 'update-ref', '-m', 'lambdactl dags sync', reference, commit, head]);
    return commit;
  } finally {
    await remove(index);
  }
}

function diverged(origin: string, directory: string, last: string) {
  return usageError(`The stack's DAG repository has a commit that ${directory} does not come from (${last}).`, {
    code: 'DAGS_DIVERGED',
    actions: [
      `Work in a clone, and sync from there: git clone ${origin}`,
      'Or put this directory in its place (the commit stays in the history): lambdactl dags sync --force',
    ],
  });
}

/** Whether the directory is a git work tree of its own, not a part of a larger one. */
export async function isClone(directory: string): Promise<boolean> {
  return (await askGit(['rev-parse', '--show-prefix'], { cwd: directory })) === '' && exists(join(directory, '.git'));
}

/**
 * Commits what is not yet committed in a clone and pushes its head.
 * @throws LambdaError DAGS_DIVERGED when the branch has commits that the clone has not
 */
export async function pushClone({ origin, directory, message, force }: Snapshot): Promise<string> {
  const options = { cwd: directory };
  await git(['add', '--all', '.'], options);
  if ((await askGit(['diff', '--cached', '--quiet'], options)) === null) {
    await git(['commit', '--quiet', '-m', message], { ...options, env: await identity(directory) });
  }
  const head = await headOf(origin);
  const contained = (await askGit(['merge-base', '--is-ancestor', head, 'HEAD'], options)) !== null;
  if (!contained && !force) {
    throw usageError(`The stack's DAG repository has commits that ${directory} has not.`, {
      code: 'DAGS_DIVERGED',
      actions: [
        `Take them in first: git -C ${directory} pull --rebase ${origin} ${branch}`,
        'Or overwrite them: lambdactl dags sync --force',
      ],
    });
  }
  const refspec = `${contained ? '' : '+'}HEAD:${reference}`;
  await git(['push', '--quiet', origin, refspec], options);
  return git(['rev-parse', 'HEAD'], options);
}

/** Lets Airflow's mirror follow at once; on failure its own loop does within ten seconds. */
export async function updateMirror({ origin, mirror }: Repositories): Promise<void> {
  await askGit([`--git-dir=${mirror}`, 'fetch', '--quiet', '--prune', origin, '+refs/heads/*:refs/heads/*']);
}

/** Files right in dags/ of a commit: all, and those in which a DAG is made. */
export async function dagFiles(origin: string, commit: string): Promise<{ all: string[]; dags: string[] }> {
  const path = `:(glob)${dagBundle.subdir}/*.py`;
  const strip = (name: string) => basename(name);
  const listed = await git([`--git-dir=${origin}`, 'ls-tree', '--name-only', commit, `${dagBundle.subdir}/`]);
  const making = await askGit([`--git-dir=${origin}`, 'grep', '-lE', '@dag\\b|\\bDAG\\(', commit, '--', path]);
  return {
    all: listed
      .split('\n')
      .filter((name) => name.endsWith('.py'))
      .map(strip),
    dags: (making ?? '')
      .split('\n')
      .filter((name) => name !== '')
      .map(strip),
  };
}

/** The user's own name where git knows it. */
async function identity(cwd?: string): Promise<Record<string, string>> {
  const options = cwd === undefined ? {} : { cwd };
  const name = (await askGit(['config', '--get', 'user.name'], options)) ?? 'lambdactl';
  const email = (await askGit(['config', '--get', 'user.email'], options)) ?? 'lambdactl@localhost';
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
}
