import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseCoordinate } from '../../../src/artifacts/maven.ts';
import { mavenSource } from '../../../src/artifacts/maven-settings.ts';
import { openArtifactStore } from '../../../src/artifacts/store.ts';
import { messageOf } from '../../../src/core/errors.ts';
import { exec } from '../../../src/system/exec.ts';
import { resolveHome } from '../../../src/system/paths.ts';
import { hashFile } from '../../../src/system/store-files.ts';
import sources from './crds.json' with { type: 'json' };

export interface SourceReport {
  name: string;
  version: string;
  /** Custom resource definitions that it gave. */
  definitions: number;
  chart: boolean;
}

interface GatherContext {
  say(line: string): void;
  signal: AbortSignal;
}

type ModuleSource = (typeof sources.modules)[number];

/**
 * Puts the operators' custom resource definitions and charts below `<dir>/crds` and `<dir>/charts`. They come out of the
 * operators' own Go modules (checked against the sums in crds.json) and, of Strimzi, out of its generator run on its API's
 * classes, as its own build does. Nothing of them is kept in this repository.
 */
export async function gatherSources(dir: string, context: GatherContext): Promise<SourceReport[]> {
  const marker = join(dir, 'sources.json');
  const done = await readFile(marker, 'utf8').catch(() => null);
  // Written below, by us alone.
  if (done !== null) return JSON.parse(done) as SourceReport[];
  for (const kind of ['crds', 'charts']) await rm(join(dir, kind), { recursive: true, force: true });
  await mkdir(join(dir, 'charts'), { recursive: true });
  const reports: SourceReport[] = [];
  for (const source of sources.modules) reports.push(await fromModule(source, dir, context));
  reports.push(await strimzi(dir, context));
  for (const { name, version, definitions } of reports) context.say(`${name} ${version}: ${definitions} definitions`);
  await writeFile(`${marker}.part`, JSON.stringify(reports));
  await rename(`${marker}.part`, marker);
  return reports;
}

async function fromModule(source: ModuleSource, dir: string, { signal }: GatherContext): Promise<SourceReport> {
  const { name, module, version, sum } = source;
  const { stdout, stderr } = await exec('go', ['mod', 'download', '-json', `${module}@${version}`], {
    cwd: dir,
    env: { GOFLAGS: '', GOWORK: 'off' },
    signal,
  });
  const answer: { Dir?: string; Sum?: string; Error?: string } = stdout === '' ? { Error: stderr } : JSON.parse(stdout);
  if (answer.Dir === undefined) throw new Error(`${module}@${version}: ${answer.Error}`);
  if (answer.Sum !== sum) throw new Error(`${module}@${version} is ${answer.Sum}, not ${sum} as crds.json says`);
  const definitions = await takeDefinitions(join(answer.Dir, source.crds), join(dir, 'crds', name));
  if (source.chart !== undefined)
    await cp(join(answer.Dir, source.chart), join(dir, 'charts', name), { recursive: true });
  if (source.chart !== undefined) await exec('chmod', ['-R', 'u+w', join(dir, 'charts', name)], { signal });
  return { name, version, definitions, chart: source.chart !== undefined };
}

/** Copies the YAML files that define a kind; charts and kustomizations keep others beside them. */
async function takeDefinitions(from: string, to: string): Promise<number> {
  await mkdir(to, { recursive: true });
  let taken = 0;
  for (const file of await readdir(from)) {
    if (!/\.ya?ml$/.test(file)) continue;
    const text = await readFile(join(from, file), 'utf8');
    if (!/^kind: "?CustomResourceDefinition/m.test(text)) continue;
    await writeFile(join(to, file), text);
    taken++;
  }
  if (taken === 0) throw new Error(`no custom resource definition in ${from}`);
  return taken;
}

async function strimzi(dir: string, context: GatherContext): Promise<SourceReport> {
  const { version, jars, classes } = sources.strimzi;
  const work = join(dir, 'strimzi');
  const target = join(dir, 'crds', 'strimzi');
  for (const path of [work, target]) await mkdir(path, { recursive: true });
  const classPath: string[] = [];
  for (const jar of jars) classPath.push(await fetchJar(jar, work, context.signal));
  const store = openArtifactStore({
    home: resolveHome(process.env.LAMBDACTL_HOME),
    projectRoot: resolve(import.meta.dirname, '../../..'),
  });
  const installed = await store.ensure(['jre'], { signal: context.signal, emit: () => {} });
  const java = join(installed.get('jre')?.root ?? '/usr', 'bin', 'java');
  const outputs = classes.map((name) => {
    const file = `${name.split('.').at(-1)?.toLowerCase()}.yaml`;
    return `io.strimzi.api.kafka.model.${name}=${join(target, file)}`;
  });
  const result = await exec(
    java,
    [
      '-cp',
      classPath.join(':'),
      'io.strimzi.crdgenerator.CrdGenerator',
      ...['--target-kube', '1.30+', '--crd-api-version', 'v1', '--api-versions', 'v1', '--storage-version', 'v1'],
      '--yaml',
      ...outputs,
    ],
    { signal: context.signal },
  );
  if (result.failure !== undefined) throw new Error(`${result.failure}\n${result.stderr}`);
  return { name: 'strimzi', version, definitions: (await readdir(target)).length, chart: false };
}

async function fetchJar(
  { coordinate, sha256 }: { coordinate: string; sha256: string },
  dir: string,
  signal: AbortSignal,
): Promise<string> {
  const { path } = parseCoordinate(coordinate);
  const target = join(dir, path.split('/').at(-1) ?? path);
  if ((await hashFile(target).catch(() => '')) === sha256) return target;
  const { base, headers } = await mavenSource();
  try {
    const response = await fetch(base + path, { headers, signal });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    await writeFile(target, Buffer.from(await response.arrayBuffer()));
  } catch (error) {
    throw new Error(`${coordinate}: ${messageOf(error)}`, { cause: error });
  }
  const found = await hashFile(target);
  if (found !== sha256) throw new Error(`${coordinate} has sha256 ${found}, not ${sha256} as crds.json says`);
  return target;
}
