import { join } from 'node:path';
import { LambdaError } from '../core/errors.ts';
import { writeZip } from '../system/archive.ts';
import { exec } from '../system/exec.ts';
import {
  hashText,
  listTree,
  makeDirectory,
  readBytes,
  removeTree,
  writeTextAtomically,
} from '../system/store-files.ts';
import { type ArtifactName, artifactNeeds, type InstalledArtifact } from './names.ts';

/** Java version of the class files: that of the locked JRE, the only one whose API a bare JRE can compile against. */
const release = '21';

export type BuiltName = 'speed-job' | 'connect-transforms';

/** Folder of dags-repo/ whose src is compiled. */
const folders: Record<BuiltName, string> = { 'speed-job': 'spark', 'connect-transforms': 'connect' };

export const isBuilt = (name: ArtifactName): name is BuiltName => name in folders;

/** What the sources are compiled against: all that the artifact needs but the tools. */
export function compiledAgainst(name: BuiltName): readonly ArtifactName[] {
  return (artifactNeeds[name] ?? []).filter((need) => need !== 'jre' && need !== 'ecj');
}

export interface JavaSources {
  name: BuiltName;
  directory: string;
  /** Below the directory, sorted. */
  files: readonly string[];
  /** Of their names and contents. */
  hash: string;
}

/**
 * Everything below dags-repo/<folder>/src: *.java is compiled, other files go into the jar as they are. Where there is no such
 * directory the list is empty: only building is then an error.
 */
export async function readJavaSources(projectRoot: string, name: BuiltName): Promise<JavaSources> {
  const directory = join(projectRoot, 'dags-repo', folders[name], 'src');
  const files = (await listTree(directory).catch(() => []))
    .map(({ path }) => path)
    .filter((path) => !/(^|\/)\./.test(path));
  const parts: string[] = [];
  for (const path of files) parts.push(path, hashText((await readBytes(join(directory, path))).toString('base64')));
  return { name, directory, files, hash: hashText(parts.join('\n')) };
}

export interface BuildTools {
  jre: InstalledArtifact;
  ecj: InstalledArtifact;
  /** Absolute jars, in the order in which the program will see them. */
  classPath: readonly string[];
}

/**
 * Compiles the sources into `tree`/<name>.jar; the same sources give the same bytes.
 * @throws LambdaError JOB_SOURCES_MISSING, JOB_COMPILE (the compiler's messages in its text and details)
 */
export async function buildJar(
  sources: JavaSources,
  tools: BuildTools,
  places: { scratch: string; tree: string },
  signal: AbortSignal,
): Promise<string[]> {
  const java = sources.files.filter((path) => path.endsWith('.java'));
  if (java.length === 0) {
    throw new LambdaError(`${sources.directory} holds no Java source to build ${sources.name} from.`, {
      code: 'JOB_SOURCES_MISSING',
      category: 'usage',
      actions: [`Restore dags-repo/${folders[sources.name]}/src from version control.`],
      details: { directory: sources.directory },
    });
  }
  const classes = join(places.scratch, 'classes');
  await removeTree(classes);
  await makeDirectory(classes);
  // An argument file: 160 jars are longer than some systems' command line may be.
  const list = join(places.scratch, 'sources.txt');
  await writeTextAtomically(list, java.map((path) => quoted(join(sources.directory, path))).join('\n'));
  const options = ['--release', release, '-encoding', 'UTF-8', '-g', '-nowarn'];
  const compiler = ['-XX:TieredStopAtLevel=1', '-Xshare:auto', '-jar', tools.ecj.classPath[0] ?? ''];
  const args = [...compiler, ...options, '-cp', tools.classPath.join(':'), '-d', classes, `@${list}`];
  const result = await exec(join(tools.jre.root, 'bin', 'java'), args, { signal });
  if (result.failure !== undefined) throw compileError(sources, `${result.stdout}\n${result.stderr}`);
  const entries = new Map<string, Uint8Array>();
  for (const path of sources.files.filter((each) => !each.endsWith('.java'))) {
    entries.set(path, await readBytes(join(sources.directory, path)));
  }
  for (const { path } of await listTree(classes)) entries.set(path, await readBytes(join(classes, path)));
  const jar = `${sources.name}.jar`;
  await writeZip(join(places.tree, jar), entries);
  return [jar];
}

const quoted = (path: string) => `"${path.replaceAll('"', '\\"')}"`;

function compileError({ name, directory }: JavaSources, output: string): LambdaError {
  const text = output.replaceAll(`${directory}/`, '').trim();
  return new LambdaError(`${name} does not compile:\n${text.split('\n').slice(0, 40).join('\n')}`, {
    code: 'JOB_COMPILE',
    category: 'usage',
    actions: [`Correct the source in ${directory}; what runs is left as it was.`],
    details: { directory, output: text.slice(0, 20_000) },
  });
}
