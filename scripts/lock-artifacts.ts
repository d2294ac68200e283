// Writes locks/artifacts.json from locks/wanted.json: `node scripts/lock-artifacts.ts [name …]` (all names without).
// Needs npm, mvn, uv and python3 with pip, each in the developer's own configuration. What is fetched is trusted on first use;
// every later install must match it.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LockFile } from '../src/artifacts/lock-file.ts';
import { unpackTarGz, unpackZip } from '../src/system/archive.ts';
import { exec } from '../src/system/exec.ts';
import { fileSize, hashFile, readBytes, treeBytes } from '../src/system/store-files.ts';
import { fetchAlone, type MavenWanted, resolveMaven } from './lock-maven.ts';
import { lockPython, type PythonWanted } from './lock-python.ts';

type Wanted =
  | ({ kind: 'python' } & PythonWanted)
  | ({ version: string; subdirectory: string; platforms: Record<string, string> } & (
      | { kind: 'pypi'; package: string }
      | { kind: 'npm' }
      | ({ kind: 'maven' } & (MavenWanted | { file: string; unpack: boolean }))
    ));
type Entry = LockFile['artifacts'][string];

const locks = join(import.meta.dirname, '..', 'locks');
const work = mkdtempSync(join(tmpdir(), 'lambdactl-lock-'));

async function must(command: string, args: string[]): Promise<string> {
  const { failure, stdout, stderr } = await exec(command, args, { cwd: work });
  if (failure !== undefined) throw new Error(`${failure}\n${stderr}`);
  return stdout;
}

async function lockNpm(name: string, wanted: Extract<Wanted, { kind: 'npm' }>): Promise<Entry> {
  const platforms: Extract<Entry, { kind: 'npm' }>['platforms'] = {};
  for (const [platform, id] of Object.entries(wanted.platforms)) {
    const directory = join(work, name, platform);
    mkdirSync(join(directory, 'tree'), { recursive: true });
    await must('npm', ['pack', `${id}@${wanted.version}`, '--ignore-scripts', '--pack-destination', directory]);
    const file = join(directory, readdirSync(directory).find((each) => each.endsWith('.tgz')) ?? '');
    await unpackTarGz(file, join(directory, 'tree'), wanted.subdirectory);
    platforms[platform] = {
      package: id,
      integrity: `sha512-${createHash('sha512')
        .update(await readBytes(file))
        .digest('base64')}`,
      downloadBytes: (await fileSize(file)) ?? 0,
      installedBytes: await treeBytes(join(directory, 'tree')),
    };
  }
  return { kind: 'npm', version: wanted.version, subdirectory: wanted.subdirectory, platforms };
}

async function lockPypi(name: string, wanted: Extract<Wanted, { kind: 'pypi' }>): Promise<Entry> {
  const platforms: Extract<Entry, { kind: 'pypi' }>['platforms'] = {};
  for (const [platform, tag] of Object.entries(wanted.platforms)) {
    const directory = join(work, name, platform);
    mkdirSync(join(directory, 'tree'), { recursive: true });
    const options = [
      '--no-deps',
      '--only-binary',
      ':all:',
      '--platform',
      tag,
      '--python-version',
      '3.11',
      '--dest',
      directory,
    ];
    await must('python3', ['-m', 'pip', 'download', ...options, `${wanted.package}==${wanted.version}`]);
    const file = join(directory, readdirSync(directory).find((each) => each.endsWith('.whl')) ?? '');
    await unpackZip(file, join(directory, 'tree'), wanted.subdirectory);
    const sizes = {
      downloadBytes: (await fileSize(file)) ?? 0,
      installedBytes: await treeBytes(join(directory, 'tree')),
    };
    platforms[platform] = { sha256: await hashFile(file), ...sizes };
  }
  const { version, subdirectory } = wanted;
  return { kind: 'pypi', version, package: wanted.package, subdirectory, platforms };
}

async function lockMaven(name: string, wanted: Extract<Wanted, { kind: 'maven' }>): Promise<Entry> {
  const directory = join(work, name);
  const { version } = wanted;
  if ('roots' in wanted) {
    const beside = lock.artifacts[wanted.beside ?? ''];
    if (wanted.beside !== undefined && beside?.kind !== 'maven')
      throw new Error(`${name}: lock ${wanted.beside} first`);
    const [first, ...rest] = await resolveMaven(wanted, directory, beside?.kind === 'maven' ? beside.files : []);
    if (first === undefined) throw new Error(`${name}: nothing resolved`);
    return { kind: 'maven', version, files: [first, ...rest] };
  }
  mkdirSync(join(directory, 'tree'), { recursive: true });
  const file = await fetchAlone(wanted.file, join(directory, 'file'));
  if (!wanted.unpack) return { kind: 'maven', version, files: [file] };
  await unpackTarGz(join(directory, 'file'), join(directory, 'tree'));
  return {
    kind: 'maven',
    version,
    unpack: 'tar.gz',
    installedBytes: await treeBytes(join(directory, 'tree')),
    files: [file],
  };
}

/** One file a line: a changed version is then a changed line. */
function format(lock: LockFile): string {
  const text = JSON.stringify(lock, null, 2);
  return `${text.replace(/\{\s+"coordinate"[^}]+\}/g, (each) => each.replace(/\s*\n\s*/g, ' '))}\n`;
}

const wanted: Record<string, Wanted> = JSON.parse(readFileSync(join(locks, 'wanted.json'), 'utf8'));
const target = join(locks, 'artifacts.json');
const chosen = process.argv.slice(2);
const lock: LockFile =
  chosen.length === 0 ? { schemaVersion: 1, artifacts: {} } : JSON.parse(readFileSync(target, 'utf8'));
try {
  for (const [name, each] of Object.entries(wanted)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    if (each.kind === 'npm') lock.artifacts[name] = await lockNpm(name, each);
    else if (each.kind === 'pypi') lock.artifacts[name] = await lockPypi(name, each);
    else if (each.kind === 'python') lock.artifacts[name] = await lockPython(name, each, locks, work);
    else lock.artifacts[name] = await lockMaven(name, each);
    console.error(`${name} ${each.version}`);
  }
  writeFileSync(target, format(lock));
} finally {
  rmSync(work, { recursive: true, force: true });
}
