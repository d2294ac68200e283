import { basename, join } from 'node:path';
import { LambdaError, preflightError } from '../core/errors.ts';
import type { OperationContext } from '../core/events.ts';
import { unpackTarGz, unpackZip } from '../system/archive.ts';
import { exec, findOnPath } from '../system/exec.ts';
import {
  copy,
  linkOrCopy,
  listTree,
  makeDirectory,
  move,
  namesIn,
  removeTree,
  writeTextAtomically,
} from '../system/store-files.ts';
import { corrupt, installFailed } from './errors.ts';
import { type Expected, type Fetcher, isExpected } from './fetcher.ts';
import type { LockedArtifact, MavenFile, MavenSource, NpmSource, PypiSource } from './lock-file.ts';
import { parseCoordinate } from './maven.ts';
import type { MavenSource as MavenOrigin } from './maven-settings.ts';

export interface InstallTools {
  context: OperationContext;
  fetcher: Fetcher;
  maven: () => Promise<MavenOrigin>;
  python: () => Promise<string>;
  /** Where another artifact has a file with that sha256. */
  lent: (sha256: string) => Promise<string | undefined>;
  /** Bytes of the whole artifact that are there. */
  onProgress: (done: number) => void;
}

export interface Places {
  /** Downloads; kept when interrupted, so that the next run continues. */
  downloads: string;
  /** Empty directory that becomes the artifact. */
  tree: string;
}

/** Everything but sets of packages, which python-packages.ts installs. */
export type LockedTree = LockedArtifact & { source: MavenSource | NpmSource | PypiSource };

/** Fetches, verifies and unpacks one artifact into `places.tree`; returns its class path, relative. */
export async function installTree(locked: LockedTree, places: Places, tools: InstallTools): Promise<string[]> {
  const { source } = locked;
  if (source.kind === 'maven') return installMaven(locked, source, places, tools);
  const archive =
    source.kind === 'npm'
      ? await fetchNpm(locked, source, places, tools)
      : await fetchPypi(locked, source, places, tools);
  const unpack = source.kind === 'npm' ? unpackTarGz : unpackZip;
  await unpack(archive, places.tree, source.subdirectory);
  return [];
}

async function installMaven(
  locked: LockedArtifact,
  source: MavenSource,
  places: Places,
  tools: InstallTools,
): Promise<string[]> {
  const origin = await tools.maven();
  const progress = new Map<string, number>();
  const biggestFirst = [...source.files].sort((a, b) => b.bytes - a.bytes);
  const fetchOne = async (file: MavenFile) => {
    const { path } = parseCoordinate(file.coordinate);
    const expected: Expected = { algorithm: 'sha256', digest: file.sha256, bytes: file.bytes };
    const onProgress = (done: number) => {
      progress.set(path, done);
      tools.onProgress(progress.values().reduce((sum, each) => sum + each, 0));
    };
    const target = join(places.downloads, basename(path));
    const local = join(origin.localRepository, path);
    if (!(await isExpected(target, expected))) {
      const lent = await tools.lent(file.sha256);
      if (lent !== undefined && (await isExpected(lent, expected))) await linkOrCopy(lent, target);
      else if (await isExpected(local, expected)) await copy(local, target);
    }
    const job = { artifact: locked.name, file: basename(path), directory: places.downloads };
    await tools.fetcher.fetch({ ...job, url: origin.base + path, headers: origin.headers, expected, onProgress });
  };
  await Promise.all(biggestFirst.map(fetchOne));
  const names = source.files.map(({ coordinate }) => basename(parseCoordinate(coordinate).path));
  if (!source.unpack) {
    for (const name of names) await linkOrCopy(join(places.downloads, name), join(places.tree, name));
    return names;
  }
  for (const name of names) await unpackTarGz(join(places.downloads, name), places.tree);
  return jarsIn(places.tree);
}

/** Quarkus rewrites some classes of its libraries: on a flat class path the rewritten ones must come first. */
const earlier = ['quarkus/transformed-bytecode.jar', 'quarkus/generated-bytecode.jar', 'app/', 'lib/boot/'];

/** Jars of an unpacked archive by name; launchers at its top, which name the others themselves, are no part of a class path. */
async function jarsIn(tree: string): Promise<string[]> {
  const rank = (path: string) => {
    const at = earlier.findIndex((prefix) => path.startsWith(prefix));
    return at < 0 ? earlier.length : at;
  };
  const paths = (await listTree(tree)).map(({ path }) => path);
  return paths.filter((path) => path.endsWith('.jar') && path.includes('/')).sort((a, b) => rank(a) - rank(b));
}

/**
 * npm says where its tarball is, in the user's own configuration (registry, scope, mirror), and we fetch it with progress
 * and resumption. Where only npm itself gets through (login, its own proxy or CA settings), npm fetches it.
 */
async function fetchNpm(
  locked: LockedArtifact,
  source: NpmSource,
  places: Places,
  tools: InstallTools,
): Promise<string> {
  const { signal } = tools.context;
  const id = `${source.package}@${source.version}`;
  const expected: Expected = {
    algorithm: 'sha512',
    digest: Buffer.from(source.integrity.replace('sha512-', ''), 'base64').toString('hex'),
    bytes: locked.downloadBytes,
  };
  const file = `${locked.name}.tgz`;
  const target = join(places.downloads, file);
  if (await isExpected(target, expected)) return target;
  const npm = await findOnPath('npm');
  if (npm === undefined) {
    throw preflightError(`npm is needed to fetch ${locked.name} and was not found on PATH.`, {
      code: 'NPM_MISSING',
      actions: ['Install Node.js with npm, or add its directory to PATH.'],
    });
  }
  const viewed = await exec(npm, ['view', id, 'dist.tarball', '--json'], { signal, cwd: places.downloads });
  const url = /"(https?:[^"]+)"/.exec(viewed.stdout)?.[1];
  if (url !== undefined) {
    try {
      const job = { artifact: locked.name, file, directory: places.downloads, url, expected };
      return await tools.fetcher.fetch({ ...job, onProgress: tools.onProgress });
    } catch (error) {
      if (!(error instanceof LambdaError) || error.code !== 'ARTIFACT_UNREACHABLE') throw error;
      tools.context.emit({ type: 'log', level: 'debug', message: `${error.message} npm itself tries.` });
    }
  }
  const packed = join(places.downloads, 'npm');
  await makeDirectory(packed);
  const options = ['--ignore-scripts', '--pack-destination', packed];
  const result = await exec(npm, ['pack', id, ...options], { signal, cwd: packed });
  const tarball = (await namesIn(packed)).find((name) => name.endsWith('.tgz'));
  if (result.failure !== undefined || tarball === undefined) {
    throw installFailed(locked.name, `npm could not fetch ${id}.`, result.stderr || viewed.stderr);
  }
  return accept(join(packed, tarball), target, expected, locked.name, `npm package ${id}`);
}

/** pip fetches in the user's own configuration, held to the locked hash. */
async function fetchPypi(
  locked: LockedArtifact,
  source: PypiSource,
  places: Places,
  tools: InstallTools,
): Promise<string> {
  const { signal } = tools.context;
  const expected: Expected = { algorithm: 'sha256', digest: source.sha256, bytes: locked.downloadBytes };
  const target = join(places.downloads, `${locked.name}.whl`);
  if (await isExpected(target, expected)) return target;
  const python = await tools.python();
  const wheels = join(places.downloads, 'pip');
  await removeTree(wheels);
  await makeDirectory(wheels);
  const requirements = join(places.downloads, 'requirements.txt');
  const id = `${source.package}==${source.version}`;
  await writeTextAtomically(requirements, `${id} --hash=sha256:${source.sha256}\n`);
  const options = [
    '--require-hashes',
    '--no-deps',
    '--only-binary',
    ':all:',
    '--no-cache-dir',
    '--disable-pip-version-check',
  ];
  const args = ['-m', 'pip', 'download', ...options, '--dest', wheels, '--requirement', requirements];
  const result = await exec(python, args, { signal, cwd: wheels });
  const wheel = (await namesIn(wheels)).find((name) => name.endsWith('.whl'));
  if (result.failure !== undefined || wheel === undefined) throw pipFailed(locked.name, id, python, result.stderr);
  tools.onProgress(expected.bytes);
  return accept(join(wheels, wheel), target, expected, locked.name, `PyPI package ${id}`);
}

function pipFailed(artifact: string, id: string, python: string, stderr: string): LambdaError {
  if (/No module named pip/.test(stderr)) {
    return preflightError(`${python} has no pip, which is needed to fetch ${artifact}.`, {
      code: 'PIP_MISSING',
      actions: [
        'Install pip for it (python3 -m ensurepip, or the package python3-pip), or name another Python in LAMBDACTL_PYTHON.',
      ],
      details: { python },
    });
  }
  if (/DO NOT MATCH THE HASHES/.test(stderr))
    return corrupt(artifact, id, 'the package index', 'sha256 is not the locked one');
  return installFailed(artifact, `pip could not fetch ${id}.`, stderr);
}

async function accept(
  path: string,
  target: string,
  expected: Expected,
  artifact: string,
  what: string,
): Promise<string> {
  if (!(await isExpected(path, expected))) {
    await removeTree(path);
    throw corrupt(artifact, what, 'the configured registry', `${expected.algorithm} is not the locked one`);
  }
  await move(path, target);
  return target;
}
