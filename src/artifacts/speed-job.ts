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
import type { InstalledArtifact } from './names.ts';

/** Java version of the class files: that of the locked JRE, the only one whose API a bare JRE can compile against. */
const release = '21';

export interface JobSources {
  directory: string;
  /** Below the directory, sorted. */
  files: readonly string[];
  /** Of their names and contents. */
  hash: string;
}

/** Everything below dags-repo/spark/src: *.java is compiled, other files go into the jar as they are. */
export async function readJobSources(projectRoot: string): Promise<JobSources> {
  const directory = join(projectRoot, 'dags-repo', 'spark', 'src');
  const files = (await listTree(directory).catch(() => []))
    .map(({ path }) => path)
    .filter((path) => !/(^|\/)\./.test(path));
  const parts: string[] = [];
  for (const path of files) parts.push(path, hashText((await readBytes(join(directory, path))).toString('base64')));
  return { directory, files, hash: hashText(parts.join('\n')) };
}

/**
 * Compiles the sources against the Spark jars into `tree`/speed-job.jar; the same sources give the same bytes.
 * @throws LambdaError SPEED_JOB_SOURCES_MISSING, SPEED_JOB_COMPILE (the compiler's messages in its text and details)
 */
export async function buildSpeedJob(
  sources: JobSources,
  tools: { jre: InstalledArtifact; ecj: InstalledArtifact; spark: InstalledArtifact },
  places: { scratch: string; tree: string },
  signal: AbortSignal,
): Promise<string[]> {
  const java = sources.files.filter((path) => path.endsWith('.java'));
  if (java.length === 0) {
    throw new LambdaError(`${sources.directory} holds no Java source to build the speed job from.`, {
      code: 'SPEED_JOB_SOURCES_MISSING',
      category: 'usage',
      actions: ['Restore dags-repo/spark/src from version control.'],
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
  const args = [...compiler, ...options, '-cp', tools.spark.classPath.join(':'), '-d', classes, `@${list}`];
  const result = await exec(join(tools.jre.root, 'bin', 'java'), args, { signal });
  if (result.failure !== undefined) throw compileError(sources.directory, `${result.stdout}\n${result.stderr}`);
  const entries = new Map<string, Uint8Array>();
  for (const path of sources.files.filter((each) => !each.endsWith('.java'))) {
    entries.set(path, await readBytes(join(sources.directory, path)));
  }
  for (const { path } of await listTree(classes)) entries.set(path, await readBytes(join(classes, path)));
  await writeZip(join(places.tree, 'speed-job.jar'), entries);
  return ['speed-job.jar'];
}

const quoted = (path: string) => `"${path.replaceAll('"', '\\"')}"`;

function compileError(directory: string, output: string): LambdaError {
  const text = output.replaceAll(`${directory}/`, '').trim();
  return new LambdaError(`The speed job does not compile:\n${text.split('\n').slice(0, 40).join('\n')}`, {
    code: 'SPEED_JOB_COMPILE',
    category: 'usage',
    actions: [`Correct the source in ${directory}; what runs is left as it was.`],
    details: { directory, output: text.slice(0, 20_000) },
  });
}
