import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { exec } from '../../../src/system/exec.ts';
import { findExecutable } from '../../../src/system/paths.ts';
import { withFileLock } from '../../../src/system/store-files.ts';
import { rigDirectory } from './cache.ts';
import { gatherSources, type SourceReport } from './crds.ts';
import { type RigTool, rigTools } from './tools.ts';

export interface BuildOptions {
  say(line: string): void;
  signal: AbortSignal;
  /** Compilations at once; Go takes every core without. */
  jobs?: number;
}

export interface BuildReport {
  dir: string;
  /** Whether anything had to be made. */
  built: boolean;
  /** Seconds that each program took in the run that made it; marginal, as the programs share packages. */
  seconds: Readonly<Record<string, number>>;
  sources: readonly SourceReport[];
}

/**
 * Makes what is missing of the rig: programs first, then custom resource definitions. An interrupted build goes on where it
 * was; two builds at once wait for each other.
 * @throws Error with the compiler's last lines, or when Go is not there
 */
export async function buildRig({ say, signal, jobs = availableParallelism() }: BuildOptions): Promise<BuildReport> {
  const dir = rigDirectory();
  await mkdir(join(dir, 'bin'), { recursive: true });
  const onWait = () => say('another build of the control plane runs; waiting for it');
  return withFileLock(join(dir, 'build.lock'), { signal, onWait }, async () => {
    const missing = rigTools.filter(({ name }) => !existsSync(join(dir, 'bin', name)));
    if (missing.length > 0) await checkGo(say, signal);
    const seconds = await readTimes(dir);
    for (const tool of missing) {
      const started = performance.now();
      await buildTool(tool, join(dir, 'bin'), { jobs, signal });
      seconds[tool.name] = Math.round((performance.now() - started) / 100) / 10;
      await writeFile(join(dir, 'times.json'), JSON.stringify(seconds));
      say(`built ${tool.name} in ${seconds[tool.name]} s`);
    }
    const gathered = existsSync(join(dir, 'sources.json'));
    const sources = await gatherSources(dir, { say, signal });
    return { dir, built: missing.length > 0 || !gathered, seconds, sources };
  });
}

async function checkGo(say: (line: string) => void, signal: AbortSignal): Promise<void> {
  if (findExecutable('go') === null) {
    throw new Error('Go is not on PATH. The control plane of the tests is compiled: install Go 1.26 or newer.');
  }
  const { stdout, failure } = await exec('go', ['env', 'GOVERSION'], { signal });
  if (failure !== undefined) throw new Error(failure);
  say(
    `building with ${stdout.trim()}; the first time takes many minutes (docs/kubernetes-testing.md) and about 6 GB of disk`,
  );
}

async function buildTool(
  tool: RigTool,
  bin: string,
  { jobs, signal }: { jobs: number; signal: AbortSignal },
): Promise<void> {
  const part = join(bin, `.${tool.name}.part`);
  const stamps = Object.entries(tool.stamps ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  const args = [
    'build',
    '-mod=readonly',
    '-trimpath',
    '-buildvcs=false',
    `-p=${jobs}`,
    `-ldflags=${['-s', '-w', ...stamps].join(' ')}`,
    `-o=${part}`,
    tool.package,
  ];
  const result = await exec('go', args, {
    cwd: join(import.meta.dirname, 'go', tool.module),
    // The compiler of the biggest packages takes more than a small machine has when the collector lets it.
    env: { CGO_ENABLED: '0', GOMEMLIMIT: '3GiB', GOFLAGS: '', GOWORK: 'off' },
    signal,
  });
  if (result.failure !== undefined) {
    await rm(part, { force: true });
    throw new Error(`${tool.name} did not build:\n${result.stderr.split('\n').slice(-20).join('\n')}`);
  }
  await rename(part, join(bin, tool.name));
}

async function readTimes(dir: string): Promise<Record<string, number>> {
  const text = await readFile(join(dir, 'times.json'), 'utf8').catch(() => '{}');
  // Written by us alone.
  return JSON.parse(text) as Record<string, number>;
}
