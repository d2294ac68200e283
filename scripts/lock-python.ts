// Locks a set of Python packages: locks/python/<name>.in → locks/python/<name>.txt, for every platform and Python at once, with
// hashes and without addresses. `uv` is the developer's own (pip install uv), in the developer's own configuration.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LockFile } from '../src/artifacts/lock-file.ts';
import { exec } from '../src/system/exec.ts';
import { hashFile, listTree, treeBytes } from '../src/system/store-files.ts';

export interface PythonWanted {
  version: string;
  /** Python versions that must have a wheel of every package, oldest first. */
  pythons: string[];
  /** Ours → uv's name of the platform. */
  platforms: Record<string, string>;
}
type Entry = Extract<LockFile['artifacts'][string], { kind: 'python' }>;

const exactly = ['--require-hashes', '--no-deps', '--only-binary', ':all:'];

export async function lockPython(name: string, wanted: PythonWanted, locks: string, work: string): Promise<Entry> {
  const uv = uvIn(work);
  const [source, target] = [join(locks, 'python', `${name}.in`), join(locks, 'python', `${name}.txt`)];
  const [oldest = ''] = wanted.pythons;
  // The present list is read as preferences: only what is wanted otherwise changes. Remove it to take the newest of everything.
  const compile = ['--universal', '--generate-hashes', '--no-header', '--quiet', '--python-version', oldest];
  await uv(['pip', 'compile', ...compile, '--output-file', target, source]);
  const platforms: Entry['platforms'] = {};
  for (const [platform, tag] of Object.entries(wanted.platforms)) {
    for (const python of wanted.pythons) {
      const there = ['--dry-run', '--target', join(work, 'none'), '--python-version', python, '--python-platform', tag];
      await uv(['pip', 'install', ...exactly, ...there, '--requirement', target]);
    }
    platforms[platform] = await sizesOf(uv, { target, python: oldest, tag }, join(work, name, platform));
  }
  const packages = readFileSync(target, 'utf8').match(/^[a-z0-9].*==/gm)?.length ?? 0;
  const { version, pythons } = wanted;
  return { kind: 'python', version, sha256: await hashFile(target), packages, pythons, platforms };
}

type Uv = (args: string[]) => Promise<void>;

function uvIn(work: string): Uv {
  return async (args) => {
    const env = { UV_CACHE_DIR: join(work, 'uv-cache') };
    const { failure, stderr } = await exec('uv', args, { cwd: work, env });
    if (failure !== undefined) throw new Error(`${failure}\n${stderr}`);
  };
}

/** What it takes with the oldest Python: installed with bytecode, and the wheels, which pip leaves as they come. */
async function sizesOf(uv: Uv, { target, python, tag }: { target: string; python: string; tag: string }, work: string) {
  const [tree, wheels] = [join(work, 'tree'), join(work, 'wheels')];
  mkdirSync(wheels, { recursive: true });
  const where = ['--target', tree, '--python-version', python, '--python-platform', tag, '--compile-bytecode'];
  await uv(['pip', 'install', ...exactly, ...where, '--requirement', target]);
  const [machine = ''] = tag.split('-');
  const manylinux = ['1', '2010', '2014', '_2_12', '_2_17', '_2_24', '_2_26', '_2_27', '_2_28'];
  const tags = [...manylinux.map((each) => `manylinux${each}_${machine}`), `linux_${machine}`];
  const only = [...tags.flatMap((each) => ['--platform', each]), '--python-version', python, '--dest', wheels];
  const args = ['-m', 'pip', 'download', '--quiet', ...exactly, ...only, '--requirement', target];
  const { failure, stderr } = await exec('python3', args, { cwd: work });
  if (failure !== undefined) throw new Error(`${failure}\n${stderr}`);
  if (!existsSync(tree) || (await listTree(wheels)).length === 0) throw new Error(`${target}: nothing came`);
  return { downloadBytes: await treeBytes(wheels), installedBytes: await treeBytes(tree) };
}
