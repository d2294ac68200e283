import { join } from 'node:path';
import type { OperationContext } from '../core/events.ts';
import { hashText, platformName } from '../system/store-files.ts';
import { ensureArtifacts } from './ensure.ts';
import { pruneArtifacts, verifyArtifacts } from './keep.ts';
import { type LockedArtifact, lockedArtifact, readLockFile } from './lock-file.ts';
import { readManifest } from './manifest.ts';
import { type ArtifactName, artifactNames, type InstalledArtifact, withNeeds } from './names.ts';
import { type JobSources, readJobSources } from './speed-job.ts';

export interface ArtifactStatus {
  name: ArtifactName;
  kind: 'pypi' | 'npm' | 'maven' | 'built';
  version: string;
  installed: boolean;
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
  job?: JobSources;
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
  wanted(names: readonly ArtifactName[]): Promise<Wanted[]>;
}

/** No I/O until one of its functions is called. */
export function openArtifactStore(options: StoreOptions): ArtifactStore {
  const directory = join(options.home, 'artifacts');
  const frame: StoreFrame = {
    ...options,
    directory,
    wanted: (names) => resolveWanted(options.projectRoot, directory, names),
  };
  return {
    list: () => listArtifacts(frame),
    missing: async (names) => {
      const absent = await absentOf(await frame.wanted(withNeeds(names)));
      return absent.map(({ name, downloadBytes, installedBytes }) => ({ name, downloadBytes, installedBytes }));
    },
    ensure: (names, context) => ensureArtifacts(frame, names, context),
    verify: (context) => verifyArtifacts(frame, context),
    prune: (context) => pruneArtifacts(frame, context),
  };
}

async function resolveWanted(
  projectRoot: string,
  directory: string,
  names: readonly ArtifactName[],
): Promise<Wanted[]> {
  const lock = await readLockFile(projectRoot);
  const platform = platformName();
  const wanted: Wanted[] = [];
  for (const name of names) {
    if (name === 'speed-job') {
      wanted.push(await wantedJob(projectRoot, directory, (need) => lockedArtifact(lock, need, platform)));
      continue;
    }
    const locked = lockedArtifact(lock, name, platform);
    const { version, key, downloadBytes, installedBytes, source } = locked;
    const root = join(directory, name, key);
    wanted.push({ name, kind: source.kind, version, key, root, downloadBytes, installedBytes, locked });
  }
  return wanted;
}

/** Keyed by what it is made of, so that an edited source or another Spark makes another one. */
async function wantedJob(
  projectRoot: string,
  directory: string,
  lockedOf: (name: ArtifactName) => LockedArtifact,
): Promise<Wanted> {
  const job = await readJobSources(projectRoot);
  const key = hashText(
    [
      job.hash,
      ...withNeeds(['speed-job'])
        .slice(0, -1)
        .map((need) => lockedOf(need).key),
    ].join('\n'),
  ).slice(0, 12);
  const root = join(directory, 'speed-job', key);
  return { name: 'speed-job', kind: 'built', version: key, key, root, downloadBytes: 0, installedBytes: 0, job };
}

async function absentOf(wanted: readonly Wanted[]): Promise<Wanted[]> {
  const manifests = await Promise.all(wanted.map(({ root }) => readManifest(root)));
  return wanted.filter((_, index) => manifests[index] === undefined);
}

async function listArtifacts(frame: StoreFrame): Promise<ArtifactStatus[]> {
  const wanted = await frame.wanted(artifactNames);
  return Promise.all(
    wanted.map(async ({ name, kind, version, root, downloadBytes, installedBytes }) => {
      const manifest = await readManifest(root);
      const installed = manifest !== undefined;
      return { name, kind, version, installed, path: root, bytes: manifest?.bytes ?? installedBytes, downloadBytes };
    }),
  );
}
