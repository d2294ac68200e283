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

const lockFile = z.strictObject({
  schemaVersion: z.literal(1),
  artifacts: z.record(z.string(), z.discriminatedUnion('kind', [maven, npm, pypi])),
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
  source: MavenSource | NpmSource | PypiSource;
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

/** @throws preflight error PLATFORM_UNSUPPORTED when the artifact does not exist for `platform`. */
export function lockedArtifact(lock: LockFile, name: ArtifactName, platform: string): LockedArtifact {
  const entry = lock.artifacts[name];
  if (entry === undefined) {
    throw new LambdaError(`locks/artifacts.json has no ${name}.`, { code: 'LOCK_INVALID', category: 'bug' });
  }
  if (entry.kind === 'maven') {
    const files = entry.files.filter((file) => (file.platform ?? platform) === platform);
    const downloadBytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const source: MavenSource = { kind: 'maven', unpack: entry.unpack !== undefined, files };
    return finish(name, entry.version, downloadBytes, entry.installedBytes ?? downloadBytes, source);
  }
  const there = entry.platforms[platform];
  if (there === undefined) {
    throw preflightError(`${name} ${entry.version} does not exist for ${platform}.`, {
      code: 'PLATFORM_UNSUPPORTED',
      actions: [`Run lambdactl on one of: ${Object.keys(entry.platforms).join(', ')}.`],
      details: { artifact: name, platform, available: Object.keys(entry.platforms) },
    });
  }
  const { version, subdirectory } = entry;
  const source: NpmSource | PypiSource =
    'integrity' in there
      ? { kind: 'npm', package: there.package, version, integrity: there.integrity, subdirectory }
      : {
          kind: 'pypi',
          package: entry.kind === 'pypi' ? entry.package : '',
          version,
          sha256: there.sha256,
          subdirectory,
        };
  return finish(name, version, there.downloadBytes, there.installedBytes, source);
}

function finish(
  name: ArtifactName,
  version: string,
  downloadBytes: number,
  installedBytes: number,
  source: LockedArtifact['source'],
): LockedArtifact {
  const key = `${version}-${hashText(JSON.stringify(source)).slice(0, 10)}`;
  return { name, version, key, downloadBytes, installedBytes, source };
}
