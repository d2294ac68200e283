import { join } from 'node:path';
import { z } from 'zod';
import { LambdaError, preflightError } from '../core/errors.ts';
import { hashText, readTextIfPresent } from '../system/store-files.ts';
import type { ArtifactName } from './names.ts';

const bytes = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const mavenFile = z.strictObject({
  /** group:artifact:extension[:classifier]:version */
  coordinate: z.string().regex(/^[\w.-]+:[\w.-]+:[\w.]+(:[\w.-]+)?:[\w.-]+$/),
  sha256,
  bytes,
  /** Only on this platform, e.g. "linux-x64". */
  platform: z.string().optional(),
});

const maven = z.strictObject({
  kind: z.literal('maven'),
  version: z.string(),
  /** The one file is an archive; without it the files are jars, in the order of the class path. */
  unpack: z.literal('tar.gz').optional(),
  /** Unpacked, where archives are. */
  installedBytes: bytes.optional(),
  files: z.array(mavenFile).nonempty(),
});

const npm = z.strictObject({
  kind: z.literal('npm'),
  version: z.string(),
  /** The part of the package that is kept. */
  subdirectory: z.string(),
  platforms: z.record(
    z.string(),
    z.strictObject({
      package: z.string(),
      integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]+=*$/),
      downloadBytes: bytes,
      installedBytes: bytes,
    }),
  ),
});

const pypi = z.strictObject({
  kind: z.literal('pypi'),
  version: z.string(),
  package: z.string(),
  subdirectory: z.string(),
  platforms: z.record(z.string(), z.strictObject({ sha256, downloadBytes: bytes, installedBytes: bytes })),
});

const python = z.strictObject({
  kind: z.literal('python'),
  version: z.string(),
  /** Of locks/python/<name>.txt, which lists the packages. */
  sha256,
  packages: z.int().positive(),
  /** Python versions they exist for, e.g. "3.12". */
  pythons: z.array(z.string()).nonempty(),
  platforms: z.record(z.string(), z.strictObject({ downloadBytes: bytes, installedBytes: bytes })),
});

const lockFile = z.strictObject({
  schemaVersion: z.literal(1),
  artifacts: z.record(z.string(), z.discriminatedUnion('kind', [maven, npm, pypi, python])),
});

export type LockFile = z.infer<typeof lockFile>;
export type MavenFile = z.infer<typeof mavenFile>;

/** One artifact as it is on one platform. */
export interface LockedArtifact {
  name: ArtifactName;
  version: string;
  /** Directory name: version and a hash of everything locked, so that any change makes a new one. */
  key: string;
  downloadBytes: number;
  installedBytes: number;
  source: MavenSource | NpmSource | PypiSource | PythonSource;
}
export interface MavenSource {
  kind: 'maven';
  unpack: boolean;
  files: readonly MavenFile[];
}
export interface NpmSource {
  kind: 'npm';
  package: string;
  version: string;
  integrity: string;
  subdirectory: string;
}
export interface PypiSource {
  kind: 'pypi';
  package: string;
  version: string;
  sha256: string;
  subdirectory: string;
}

export interface PythonSource {
  kind: 'python';
  /** "3.12", the interpreter's. */
  python: string;
  platform: string;
  /** Hash of the list below. */
  sha256: string;
  packages: number;
}

/** @throws LambdaError LOCK_INVALID when the file is missing or not of its form. */
export async function readLockFile(projectRoot: string): Promise<LockFile> {
  const path = join(projectRoot, 'locks', 'artifacts.json');
  try {
    return lockFile.parse(JSON.parse((await readTextIfPresent(path)) ?? 'null'));
  } catch (error) {
    throw new LambdaError(`${path} is not a valid artifact lock.`, {
      code: 'LOCK_INVALID',
      category: 'bug',
      actions: ['Restore the file from version control.'],
      details: { path },
      cause: error,
    });
  }
}

/**
 * `python` is the version of this machine's Python ("3.12"), of which only sets of packages depend.
 * @throws preflight error PLATFORM_UNSUPPORTED when the artifact does not exist for `platform`, PYTHON_UNSUPPORTED for `python`
 */
export function lockedArtifact(lock: LockFile, name: ArtifactName, platform: string, python: string): LockedArtifact {
  const entry = lock.artifacts[name];
  if (entry === undefined) {
    throw new LambdaError(`locks/artifacts.json has no ${name}.`, { code: 'LOCK_INVALID', category: 'bug' });
  }
  if (entry.kind === 'maven') {
    const files = entry.files.filter((file) => (file.platform ?? platform) === platform);
    const downloadBytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const source: MavenSource = { kind: 'maven', unpack: entry.unpack !== undefined, files };
    return finish(
      name,
      entry.version,
      { downloadBytes, installedBytes: entry.installedBytes ?? downloadBytes },
      source,
    );
  }
  const sizes = entry.platforms[platform];
  if (sizes === undefined) throw unsupported(name, entry.version, platform, Object.keys(entry.platforms));
  return finish(name, entry.version, sizes, sourceOf(entry, name, platform, python));
}

function unsupported(name: ArtifactName, version: string, platform: string, available: string[]): LambdaError {
  return preflightError(`${name} ${version} does not exist for ${platform}.`, {
    code: 'PLATFORM_UNSUPPORTED',
    actions: [`Run lambdactl on one of: ${available.join(', ')}.`],
    details: { artifact: name, platform, available },
  });
}

function sourceOf(
  entry: Exclude<LockFile['artifacts'][string], { kind: 'maven' }>,
  name: ArtifactName,
  platform: string,
  python: string,
): NpmSource | PypiSource | PythonSource {
  const { version } = entry;
  if (entry.kind === 'python') {
    const { pythons, sha256, packages } = entry;
    if (pythons.includes(python)) return { kind: 'python', python, platform, sha256, packages };
    throw preflightError(`${name} ${version} does not exist for Python ${python}.`, {
      code: 'PYTHON_UNSUPPORTED',
      actions: [`Install Python ${pythons.join(', ')}, or name one of these in LAMBDACTL_PYTHON.`],
      details: { artifact: name, python, available: pythons },
    });
  }
  const { subdirectory } = entry;
  if (entry.kind === 'npm') {
    const { package: id = '', integrity = '' } = entry.platforms[platform] ?? {};
    return { kind: 'npm', package: id, version, integrity, subdirectory };
  }
  return {
    kind: 'pypi',
    package: entry.package,
    version,
    sha256: entry.platforms[platform]?.sha256 ?? '',
    subdirectory,
  };
}

function finish(
  name: ArtifactName,
  version: string,
  { downloadBytes, installedBytes }: { downloadBytes: number; installedBytes: number },
  source: LockedArtifact['source'],
): LockedArtifact {
  const hash = hashText(JSON.stringify(source)).slice(0, 10);
  const key = source.kind === 'python' ? `${version}-${hash}-py${source.python}` : `${version}-${hash}`;
  return { name, version, key, downloadBytes, installedBytes, source };
}
