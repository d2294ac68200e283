import { join } from 'node:path';
import { LambdaError } from '../core/errors.ts';
import { type ExecResult, exec } from '../system/exec.ts';
import { hashFile, makeDirectory, move, namesIn, removeTree } from '../system/store-files.ts';
import { corrupt, installFailed } from './errors.ts';
import type { LockedArtifact, PythonSource } from './lock-file.ts';
import { uvSettings } from './pip-config.ts';

export interface PackageTools {
  /** Absolute path of the locked list, locks/python/<name>.txt. */
  requirements: string;
  /** Absolute path of the interpreter the packages are for. */
  python: string;
  /** Absolute path of uv's program. */
  uv: string;
  signal: AbortSignal;
  /** Says that uv did not get through, and pip tries. */
  onFallback: (reason: string) => void;
  /** Bytes of the download that are there. */
  onProgress: (done: number) => void;
}

/** Directory of the packages, below the artifact's root: what PYTHONPATH is set to. */
const sitePackages = 'site-packages';

/** Wheels of exactly the locked versions and hashes: nothing is resolved, built or run. */
const exactly = ['--require-hashes', '--no-deps', '--only-binary', ':all:'];

/**
 * Installs the locked packages into `tree`/site-packages, with their bytecode, which nobody then needs to write at run time.
 * uv fetches and unpacks them in parallel; where only pip gets through (a keyring, a login of its own), pip does it.
 * @throws LambdaError ARTIFACT_CORRUPT, ARTIFACT_INSTALL_FAILED, LOCK_INVALID
 */
export async function installPackages(
  locked: LockedArtifact,
  source: PythonSource,
  places: { downloads: string; tree: string },
  tools: PackageTools,
): Promise<void> {
  await assertUnchanged(tools.requirements, source.sha256);
  // Of this process alone: uv goes on for a while when a kill -9 has taken its parent, and must not write into a later tree.
  const target = join(places.downloads, `${sitePackages}-${process.pid}`);
  await removeTree(target);
  const cache = join(places.downloads, 'uv');
  const stop = watch(cache, source.packages, (share) => tools.onProgress(Math.floor(share * locked.downloadBytes)));
  const byUv = await runUv(target, places.downloads, cache, tools).finally(stop);
  if (byUv.failure !== undefined) {
    throwIfCorrupt(locked, byUv);
    tools.onFallback(lastLine(byUv));
    await removeTree(target);
    await makeDirectory(target);
    const byPip = await runPip(target, tools);
    throwIfCorrupt(locked, byPip);
    if (byPip.failure !== undefined) {
      const reason = `neither uv nor pip could install it for ${source.python} (both speak in the details).`;
      throw installFailed(locked.name, reason, `${tail(byUv)}\n${tail(byPip)}`);
    }
  }
  await move(target, join(places.tree, sitePackages));
  tools.onProgress(locked.downloadBytes);
}

/** uv's cache lies beside the tree: what has arrived is kept when this is interrupted, and its files become the tree by hard links. */
async function runUv(target: string, cwd: string, cache: string, tools: PackageTools): Promise<ExecResult> {
  const { python, signal, requirements } = tools;
  const settings = await uvSettings(python, signal);
  const env = {
    ...settings.env,
    UV_CACHE_DIR: cache,
    UV_PYTHON_DOWNLOADS: 'never',
    // Every file is held to its locked hash, so which of several indexes it comes from does not matter.
    UV_INDEX_STRATEGY: 'unsafe-best-match',
  };
  const options = ['--compile-bytecode', '--link-mode', 'hardlink', '--no-progress', '--python', python];
  const where = ['--target', target, '--requirement', requirements];
  const args = ['pip', 'install', ...exactly, ...settings.options, ...options, ...where];
  await makeDirectory(cache);
  return exec(tools.uv, args, { cwd, env, signal });
}

async function runPip(target: string, { python, signal, requirements }: PackageTools): Promise<ExecResult> {
  const options = ['--no-cache-dir', '--disable-pip-version-check', '--no-input', '--compile'];
  const args = ['-m', 'pip', 'install', ...exactly, ...options, '--target', target, '--requirement', requirements];
  return exec(python, args, { cwd: target, signal });
}

/** The list belongs to the lock by its hash, so that an edited one is not taken for the one whose name the directory bears. */
async function assertUnchanged(requirements: string, sha256: string): Promise<void> {
  if ((await hashFile(requirements).catch(() => '')) === sha256) return;
  throw new LambdaError(`${requirements} is not the list that locks/artifacts.json was made with.`, {
    code: 'LOCK_INVALID',
    category: 'bug',
    actions: ['Restore both from version control, or make them anew with scripts/lock-artifacts.ts.'],
    details: { path: requirements },
  });
}

function throwIfCorrupt(locked: LockedArtifact, result: ExecResult): void {
  const text = `${result.stdout}\n${result.stderr}`;
  const mismatch = /Hash mismatch for `([^`]+)`|DO NOT MATCH THE HASHES/i.exec(text);
  if (result.failure === undefined || mismatch === null) return;
  throw corrupt(locked.name, mismatch[1] ?? 'a package', 'the package index', 'sha256 is not the locked one');
}

const tail = ({ stdout, stderr }: ExecResult) => `${stdout}\n${stderr}`.trim().split('\n').slice(-10).join('\n');
const lastLine = (result: ExecResult) => tail(result).split('\n').at(-1) ?? '';

/** uv says nothing while it works; it keeps one directory for every package that has arrived. Returns how to end watching. */
function watch(cache: string, packages: number, report: (share: number) => void): () => void {
  let last = 0;
  const timer = setInterval(async () => {
    const arrived = (await namesIn(join(cache, 'archive-v0'))).length;
    if (arrived > last) report(Math.min(1, arrived / packages));
    last = arrived;
  }, 200);
  return () => clearInterval(timer);
}
