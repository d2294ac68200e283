import { join } from 'node:path';
import { type OperationContext, step } from '../core/events.ts';
import {
  freeBytes,
  makeDirectory,
  makeReadable,
  move,
  removeTree,
  treeBytes,
  withFileLock,
} from '../system/store-files.ts';
import { describeFailure, diskFull } from './errors.ts';
import { createFetcher, type Fetcher } from './fetcher.ts';
import { finishing } from './finish.ts';
import { installTree } from './install.ts';
import { buildJar, compiledAgainst, isBuilt } from './java-build.ts';
import { createLender, type Lender } from './lend.ts';
import type { PythonSource } from './lock-file.ts';
import { installedFrom, type Manifest, readManifest, writeManifest } from './manifest.ts';
import { mavenSource } from './maven-settings.ts';
import { type ArtifactName, artifactNeeds, type InstalledArtifact, withNeeds } from './names.ts';
import { findPython } from './python.ts';
import { installPackages } from './python-packages.ts';
import type { StoreFrame, Wanted } from './store.ts';

const parentStep = { id: 'artifacts', title: 'Artifacts' };
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`;

type Installed = Map<ArtifactName, InstalledArtifact>;

/** Everything one run shares. */
interface Run {
  frame: StoreFrame;
  context: OperationContext;
  fetcher: Fetcher;
  maven: () => ReturnType<typeof mavenSource>;
  python: () => Promise<string>;
  lend: Lender;
  /** Settles when the artifact is there; a need is awaited here. */
  pending: Map<ArtifactName, Promise<InstalledArtifact>>;
}

export async function ensureArtifacts(
  frame: StoreFrame,
  names: readonly ArtifactName[],
  context: OperationContext,
): Promise<Installed> {
  const wanted = await frame.wanted(withNeeds(names));
  const manifests = await Promise.all(wanted.map(({ root }) => readManifest(root)));
  const installed: Installed = new Map();
  const absent: Wanted[] = [];
  for (const [index, each] of wanted.entries()) {
    const manifest = manifests[index];
    if (manifest === undefined) absent.push(each);
    else installed.set(each.name, installedFrom(each.root, manifest));
  }
  if (absent.length > 0) await installAll(frame, absent, installed, context);
  return new Map(wanted.flatMap(({ name }) => entryOf(name, installed.get(name))));
}

const entryOf = (name: ArtifactName, artifact: InstalledArtifact | undefined): [ArtifactName, InstalledArtifact][] =>
  artifact === undefined ? [] : [[name, artifact]];

async function installAll(
  frame: StoreFrame,
  absent: readonly Wanted[],
  installed: Installed,
  outer: OperationContext,
): Promise<void> {
  const failure = new AbortController();
  const context = { emit: outer.emit, signal: AbortSignal.any([outer.signal, failure.signal]) };
  await step(context, parentStep, async () => {
    try {
      await preflight(frame, absent);
      // The JRE and what is built with it take longest after the download; then by size, so that the end has no long tail.
      const order = [...absent].sort((a, b) => rank(b) - rank(a));
      const run = newRun(frame, context, order);
      for (const [name, artifact] of installed) run.pending.set(name, Promise.resolve(artifact));
      for (const each of order) run.pending.set(each.name, deferInstall(run, each, failure));
      await Promise.allSettled(run.pending.values());
      for (const each of absent) installed.set(each.name, await settled(run, each.name));
    } catch (error) {
      outer.signal.throwIfAborted();
      // The first failure stopped the others, whose own errors only tell that.
      throw describeFailure(failure.signal.aborted ? failure.signal.reason : error, frame.home);
    }
    const bytes = absent.reduce((sum, each) => sum + each.downloadBytes, 0);
    return { value: undefined, detail: bytes === 0 ? 'built' : `${mebibytes(bytes)} fetched` };
  });
}

const rank = ({ name, downloadBytes }: Wanted) => (name === 'jre' ? Number.MAX_SAFE_INTEGER : downloadBytes);

function newRun(frame: StoreFrame, context: OperationContext, order: readonly Wanted[]): Run {
  const once = <T>(make: () => Promise<T>) => {
    let made: Promise<T> | undefined;
    return () => {
      made ??= make();
      return made;
    };
  };
  const pending: Run['pending'] = new Map();
  return {
    frame,
    context,
    fetcher: createFetcher(context),
    maven: once(() => mavenSource()),
    python: once(() => findPython(frame.python)),
    lend: createLender(frame, order, (name) => settled({ pending }, name)),
    pending,
  };
}

/** Room for the trees and for the archives they come from, less what an interrupted run has left. */
async function preflight(frame: StoreFrame, absent: readonly Wanted[]): Promise<void> {
  await makeDirectory(frame.directory);
  let needed = 0;
  for (const each of absent) {
    const { downloads } = placesOf(frame, each);
    // Jars are moved into the tree; an archive stands beside what comes out of it until it is removed.
    const archives = each.installedBytes > each.downloadBytes ? each.downloadBytes : 0;
    needed += Math.max(0, each.installedBytes + archives - (await treeBytes(downloads)));
  }
  const free = await freeBytes(frame.directory);
  if (needed > free) throw diskFull(frame.home, { needed, free });
}

function placesOf(frame: StoreFrame, { name, key }: Wanted) {
  const staging = join(frame.directory, '.staging', `${name}-${key}`);
  return { staging, downloads: join(staging, 'downloads'), tree: join(staging, 'tree') };
}

/** Starts at the next tick, when every other one is in `pending`; a failure stops all. */
async function deferInstall(run: Run, wanted: Wanted, failure: AbortController): Promise<InstalledArtifact> {
  await Promise.resolve();
  try {
    const needs: Installed = new Map();
    for (const need of artifactNeeds[wanted.name] ?? []) needs.set(need, await settled(run, need));
    const descriptor = {
      id: `artifacts/${wanted.name}`,
      title: `${wanted.name} ${wanted.version}`,
      parent: parentStep.id,
    };
    return await step(run.context, descriptor, async () => {
      const manifest = await installLocked(run, wanted, needs, descriptor.id).catch((error: unknown) => {
        throw describeFailure(error, run.frame.home);
      });
      return { value: installedFrom(wanted.root, manifest), detail: mebibytes(manifest.bytes) };
    });
  } catch (error) {
    if (!failure.signal.aborted) failure.abort(error);
    throw error;
  }
}

function settled(run: Pick<Run, 'pending'>, name: ArtifactName): Promise<InstalledArtifact> {
  return run.pending.get(name) ?? Promise.reject(new Error(`${name} is not part of this run`));
}

/** Under the artifact's lock: a second process waits here, then finds it installed. */
async function installLocked(run: Run, wanted: Wanted, needs: Installed, id: string): Promise<Manifest> {
  const { frame, context } = run;
  const onWait = () =>
    context.emit({ type: 'progress', id, done: 0, unit: 'bytes', detail: 'another process is installing it; waiting' });
  return withFileLock(join(frame.directory, '.locks', wanted.name), { signal: context.signal, onWait }, async () => {
    const present = await readManifest(wanted.root);
    if (present !== undefined) return present;
    const places = placesOf(frame, wanted);
    await removeTree(places.tree);
    await makeDirectory(places.tree);
    await makeDirectory(places.downloads);
    const classPath = await makeTree(run, wanted, needs, places, id);
    await makeReadable(places.tree);
    const { name, version, key } = wanted;
    const manifest = await writeManifest(places.tree, { name, version, key, classPath });
    context.signal.throwIfAborted();
    await replace(places.tree, wanted.root, places.staging);
    await removeTree(places.staging);
    return manifest;
  });
}

async function makeTree(
  run: Run,
  wanted: Wanted,
  needs: Installed,
  places: { downloads: string; tree: string },
  id: string,
): Promise<string[]> {
  const { context, fetcher, maven, python } = run;
  if (wanted.locked === undefined) return build(wanted, needs, places, context.signal);
  const total = wanted.downloadBytes;
  const onProgress = throttled(
    (done) => context.emit({ type: 'progress', id, done: Math.min(done, total), total, unit: 'bytes' }),
    total,
  );
  const { source } = wanted.locked;
  if (source.kind === 'python') {
    await installSet(run, wanted, source, needs, places, onProgress);
    return [];
  }
  const lent = (sha256: string) => run.lend(wanted.name, sha256);
  const tools = { context, fetcher, maven, python, lent, onProgress };
  const classPath = await installTree({ ...wanted.locked, source }, places, tools);
  await finishing[wanted.name]?.(places.tree, context.signal);
  return classPath;
}

function build(
  { name, sources }: Wanted,
  needs: Installed,
  places: { downloads: string; tree: string },
  signal: AbortSignal,
): Promise<string[]> {
  const [jre, ecj] = [needs.get('jre'), needs.get('ecj')];
  if (sources === undefined || !isBuilt(name) || jre === undefined || ecj === undefined) {
    throw new Error(`${name} lacks what it is built from`);
  }
  const classPath = compiledAgainst(name).flatMap((need) => needs.get(need)?.classPath ?? []);
  return buildJar(sources, { jre, ecj, classPath }, { scratch: places.downloads, tree: places.tree }, signal);
}

async function installSet(
  run: Run,
  { name, locked }: Wanted,
  source: PythonSource,
  needs: Installed,
  places: { downloads: string; tree: string },
  onProgress: (done: number) => void,
): Promise<void> {
  const uv = needs.get('uv');
  if (locked === undefined || uv === undefined) throw new Error(`${name} lacks what it is installed with`);
  const onFallback = (reason: string) =>
    run.context.emit({ type: 'log', level: 'debug', message: `uv could not fetch ${name} (${reason}); pip tries.` });
  await installPackages(locked, source, places, {
    requirements: join(run.frame.projectRoot, 'locks', 'python', `${name}.txt`),
    python: await run.python(),
    uv: join(uv.root, 'uv'),
    signal: run.context.signal,
    onFallback,
    onProgress,
  });
}

/** The finished tree takes its place in one rename; a damaged one that stands there is moved aside first. */
async function replace(tree: string, root: string, staging: string): Promise<void> {
  await makeDirectory(join(root, '..'));
  const aside = join(staging, 'damaged');
  await removeTree(aside);
  await move(root, aside).catch(() => undefined);
  await move(tree, root);
}

/** At most ten reports a second, and the last one always. */
function throttled(report: (done: number) => void, total: number): (done: number) => void {
  let last = 0;
  return (done) => {
    const now = performance.now();
    if (now - last < 100 && done < total) return;
    last = now;
    report(done);
  };
}
