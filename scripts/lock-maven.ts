// Resolves Maven roots transitively once, with the developer's own mvn, into a flat list of coordinates with hashes.
// Installing needs no Maven.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { MavenFile } from '../src/artifacts/lock-file.ts';
import { parseCoordinate } from '../src/artifacts/maven.ts';
import { mavenSource } from '../src/artifacts/maven-settings.ts';
import { exec } from '../src/system/exec.ts';
import { fileSize, hashFile } from '../src/system/store-files.ts';
import { clashes, type NamedJar } from './lock-clashes.ts';

/** Netty's names of platforms, ours; a classifier that is in neither is of a platform we do not run on. */
const platformOf: Record<string, string> = { 'linux-x86_64': 'linux-x64', 'linux-aarch_64': 'linux-arm64' };
const otherPlatform = /^(linux|osx|windows)-/;

export interface MavenWanted {
  /** Coordinates whose runtime dependencies belong to the artifact. */
  roots: readonly string[];
  /** group:artifact or group:* of what nobody loads here. */
  leaveOut?: readonly string[];
  /** Name of the artifact whose class path this one is added to: what that one has is left out, in whatever version. */
  beside?: string;
  /** group:artifact of jars that may have classes of others in another version; see lock-clashes.ts. */
  shadows?: readonly string[];
}

/**
 * Flat list of jars in class path order. `work` is a scratch directory whose local repository may be kept between runs;
 * `beside` holds the locked files of `wanted.beside`.
 * @throws Error when a class would be on the common class path in two versions.
 */
export async function resolveMaven(
  wanted: MavenWanted,
  work: string,
  beside: readonly MavenFile[] = [],
): Promise<MavenFile[]> {
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'pom.xml'), pom(wanted.roots));
  writeFileSync(join(work, 'settings.xml'), await settings());
  const listed = join(work, 'list.txt');
  const result = await exec(
    'mvn',
    [
      '--quiet',
      '--batch-mode',
      '--strict-checksums',
      '--settings',
      join(work, 'settings.xml'),
      `-Dmaven.repo.local=${join(work, '..', 'repository')}`,
      'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:list',
      '-DincludeScope=runtime',
      '-DoutputAbsoluteArtifactFilename=true',
      `-DoutputFile=${listed}`,
    ],
    { cwd: work },
  );
  if (result.failure !== undefined) throw new Error(`${result.failure}\n${result.stdout}\n${result.stderr}`);
  const files: MavenFile[] = [];
  const leaveOut = [...(wanted.leaveOut ?? []), ...beside.map(idOf)];
  for (const line of readFileSync(listed, 'utf8').split('\n')) {
    const file = await fileOf(line, leaveOut);
    if (file !== undefined) files.push(file);
  }
  assertUniqueNames(files);
  if (beside.length > 0) await assertNoClash(beside, files, wanted.shadows ?? [], work);
  return files;
}

const idOf = ({ coordinate }: MavenFile) => coordinate.split(':').slice(0, 2).join(':');

/** Reads the jars from the local repository that Maven has just filled; those of `beside` that are not there are fetched. */
async function assertNoClash(
  beside: readonly MavenFile[],
  files: readonly MavenFile[],
  shadows: readonly string[],
  work: string,
): Promise<void> {
  const place = async (file: MavenFile): Promise<NamedJar> => {
    const cached = join(work, '..', 'repository', parseCoordinate(file.coordinate).path);
    const path = (await fileSize(cached)) === undefined ? join(work, basename(cached)) : cached;
    if (path !== cached) await fetchAlone(file.coordinate, path);
    return { id: idOf(file), path };
  };
  const jars: NamedJar[][] = [[], []];
  for (const [index, list] of [beside, files].entries()) {
    for (const file of list) jars[index]?.push(await place(file));
  }
  const found = clashes(jars[0] ?? [], jars[1] ?? [], shadows);
  if (found.length > 0) throw new Error(`classes in two versions:\n${found.join('\n')}`);
}

/** One file by its coordinate alone: some archives have a parent pom that was never published, so Maven cannot read them. */
export async function fetchAlone(coordinate: string, target: string): Promise<MavenFile> {
  const { base, headers } = await mavenSource();
  const response = await fetch(base + parseCoordinate(coordinate).path, { headers });
  if (!response.ok) throw new Error(`${coordinate}: status ${response.status}`);
  const content = Buffer.from(await response.arrayBuffer());
  writeFileSync(target, content);
  return { coordinate, sha256: await hashFile(target), bytes: content.length };
}

/** "   group:artifact:type[:classifier]:version:scope:/path[ -- module …]" */
async function fileOf(line: string, leaveOut: readonly string[]): Promise<MavenFile | undefined> {
  const match = /^\s+(\S+):(?:compile|runtime):(\/.*?)(?: -- module .*)?$/.exec(line);
  const [, coordinate = '', path = ''] = match ?? [];
  if (path === '') return undefined;
  const { group, artifact, classifier } = parseCoordinate(coordinate);
  if (leaveOut.some((each) => each === `${group}:${artifact}` || each === `${group}:*`)) return undefined;
  const platform = platformOf[classifier ?? ''];
  if (platform === undefined && otherPlatform.test(classifier ?? '')) return undefined;
  const size = await fileSize(path);
  if (size === undefined) throw new Error(`${path} is missing`);
  return { coordinate, sha256: await hashFile(path), bytes: size, ...(platform === undefined ? {} : { platform }) };
}

function assertUniqueNames(files: readonly MavenFile[]): void {
  const names = files.map(({ coordinate }) => basename(parseCoordinate(coordinate).path));
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0) throw new Error(`two files of one name: ${twice.join(', ')}`);
}

function pom(coordinates: readonly string[]): string {
  const dependencies = coordinates.map((each) => {
    const { group, artifact, extension, classifier, version } = parseCoordinate(each);
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>
<type>${extension}</type>${classifier === undefined ? '' : `<classifier>${classifier}</classifier>`}</dependency>`;
  });
  return `<project><modelVersion>4.0.0</modelVersion><groupId>lock</groupId><artifactId>lock</artifactId><version>1</version>
<packaging>pom</packaging><dependencies>${dependencies.join('\n')}</dependencies></project>`;
}

/** Some poms name repositories of their own: everything comes from one base. */
async function settings(): Promise<string> {
  const { base } = await mavenSource();
  return `<settings><mirrors><mirror><id>base</id><mirrorOf>external:*</mirrorOf><url>${base}</url></mirror></mirrors></settings>`;
}
