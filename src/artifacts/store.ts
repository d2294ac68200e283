import { join } from 'node:path';
import type { OperationContext } from '../core/events.ts';
import { hashText, namesIn, platformName } from '../system/store-files.ts';
import { ensureArtifacts } from './ensure.ts';
import { type BuiltName, isBuilt, type JavaSources, readJavaSources } from './java-build.ts';
import { pruneArtifacts, unusedArtifacts, verifyArtifacts } from './keep.ts';
import { type LockedArtifact, type LockFile, lockedArtifact, readLockFile } from './lock-file.ts';
import { readManifest } from './manifest.ts';
import { type ArtifactName, artifactNames, artifactNeeds, type InstalledArtifact, withNeeds } from './names.ts';
import { lookUpPython } from './python.ts';

export interface ArtifactStatus {
  name: ArtifactName;
  kind: 'pypi' | 'npm' | 'maven' | 'python' | 'built';
  version: string;
  installed: boolean;
  /** Something is there; not installed and present: damaged. */
  present: boolean;
  /** Where it is or would be. */
  path: string;
  /** On disk: measured when installed, estimated otherwise; 0 of what is built. */
  bytes: number;
  downloadBytes: number;
}

export interface VerifyResult {
  name: string;
  ok: boolean;
  problems: string[];
}

export interface ArtifactStore {
  list(): Promise<ArtifactStatus[]>;
  /** Of the names and what they need, those that are not installed. */
  missing(
    names: readonly ArtifactName[],
  ): Promise<{ name: ArtifactName; downloadBytes: number; installedBytes: number }[]>;
  /** Installs what is missing or has lost files; without network when there is nothing to do. The map holds needs too. */
  ensure(
    names: readonly ArtifactName[],
    context: OperationContext,
  ): Promise<ReadonlyMap<ArtifactName, InstalledArtifact>>;
  /** Reads every installed file; what differs is installed anew by the next ensure. */
  verify(context: OperationContext): Promise<VerifyResult[]>;
  /** Installed, and not in the present lock. Bytes on disk. */
  unused(): Promise<{ label: string; bytes: number }[]>;
  /** Removes everything that is not in the present lock, and what interrupted installations left. */
  prune(context: OperationContext): Promise<{ removed: string[]; bytes: number }>;
}

/** One artifact as this machine would have it. */
export interface Wanted {
  name: ArtifactName;
  kind: ArtifactStatus['kind'];
  version: string;
  key: string;
  root: string;
  downloadBytes: number;
  installedBytes: number;
  /** Absent of what is built. */
  locked?: LockedArtifact;
  sources?: JavaSources;
}

export interface StoreOptions {
  /** Shared by all stacks: artifacts are in its directory `artifacts`. */
  home: string;
  projectRoot: string;
  /** Python >= 3.11 for pip; found on PATH without. */
  python?: string;
}

/** What every part of the store works with. */
export interface StoreFrame extends StoreOptions {
  /** `<home>/artifacts` */
  directory: string;
  /**
   * @throws LambdaError PYTHON_MISSING, PYTHON_UNSUPPORTED where packages are wanted; not for an `overview`, which then assumes
   * a Python that they exist for.
   */
  wanted(names: readonly ArtifactName[], overview?: 'overview'): Promise<Wanted[]>;
}

/** No I/O until one of its functions is called. */
export function openArtifactStore(options: StoreOptions): ArtifactStore {
  const directory = join(options.home, 'artifacts');
  const frame: StoreFrame = {
    ...options,
    directory,
    wanted: (names, overview) => resolveWanted(options, directory, names, overview === 'overview'),
  };
  return {
    list: () => listArtifacts(frame),
    missing: async (names) => {
      const absent = await absentOf(await frame.wanted(withNeeds(names)));
      return absent.map(({ name, downloadBytes, installedBytes }) => ({ name, downloadBytes, installedBytes }));
    },
    ensure: (names, context) => ensureArtifacts(frame, names, context),
    verify: (context) => verifyArtifacts(frame, context),
    unused: async () => (await unusedArtifacts(frame)).map(({ label, bytes }) => ({ label, bytes })),
    prune: (context) => pruneArtifacts(frame, context),
  };
}

async function resolveWanted(
  options: StoreOptions,
  directory: string,
  names: readonly ArtifactName[],
  overview: boolean,
): Promise<Wanted[]> {
  const lock = await readLockFile(options.projectRoot);
  const platform = platformName();
  const python = await pythonVersion(options, lock, names, overview);
  const lockedOf = (name: ArtifactName) => lockedArtifact(lock, name, platform, python);
  const wanted: Wanted[] = [];
  for (const name of names) {
    if (isBuilt(name)) {
      wanted.push(await wantedBuild(options.projectRoot, directory, name, lockedOf));
      continue;
    }
    const locked = lockedOf(name);
    const { version, key, downloadBytes, installedBytes, source } = locked;
    const root = join(directory, name, key);
    wanted.push({ name, kind: source.kind, version, key, root, downloadBytes, installedBytes, locked });
  }
  return wanted;
}

/** Of this machine's Python; it is only asked where packages are wanted. '' where none are. */
async function pythonVersion(
  options: StoreOptions,
  lock: LockFile,
  names: readonly ArtifactName[],
  overview: boolean,
): Promise<string> {
  const sets = names.flatMap((name) => {
    const entry = lock.artifacts[name];
    return entry?.kind === 'python' ? [entry] : [];
  });
  const [first] = sets;
  if (first === undefined) return '';
  try {
    const { version } = await lookUpPython(options.python);
    if (!overview || sets.every(({ pythons }) => pythons.includes(version))) return version;
  } catch (error) {
    if (!overview) throw error;
  }
  return first.pythons[0] ?? '';
}

/** Keyed by what it is made of, so that an edited source or another Spark makes another one. */
async function wantedBuild(
  projectRoot: string,
  directory: string,
  name: BuiltName,
  lockedOf: (name: ArtifactName) => LockedArtifact,
): Promise<Wanted> {
  const sources = await readJavaSources(projectRoot, name);
  const needs = (artifactNeeds[name] ?? []).map((need) => lockedOf(need).key);
  const key = hashText([sources.hash, ...needs].join('\n')).slice(0, 12);
  const root = join(directory, name, key);
  return { name, kind: 'built', version: key, key, root, downloadBytes: 0, installedBytes: 0, sources };
}

async function absentOf(wanted: readonly Wanted[]): Promise<Wanted[]> {
  const manifests = await Promise.all(wanted.map(({ root }) => readManifest(root)));
  return wanted.filter((_, index) => manifests[index] === undefined);
}

async function listArtifacts(frame: StoreFrame): Promise<ArtifactStatus[]> {
  const wanted = await frame.wanted(artifactNames, 'overview');
  return Promise.all(
    wanted.map(async ({ name, kind, version, root, downloadBytes, installedBytes }) => {
      const manifest = await readManifest(root);
      const installed = manifest !== undefined;
      const present = installed || (await namesIn(root)).length > 0;
      return {
        name,
        kind,
        version,
        installed,
        present,
        path: root,
        bytes: manifest?.bytes ?? installedBytes,
        downloadBytes,
      };
    }),
  );
}
