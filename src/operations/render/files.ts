import { join } from 'node:path';
import type { HelmRelease, KubernetesObject } from '../../components/kubernetes.ts';
import type { RenderedCluster } from '../../runtimes/kubernetes/render.ts';
import { entriesOf, makeDirectory, readIfExists, remove, writeAtomic } from '../../system/files.ts';
import { fileHeader, kustomizationYaml, nameOf, objectsYaml, releasesYaml, valuesYaml } from './yaml.ts';

export interface OutputFile {
  /** Below the directory. */
  path: string;
  text: string;
  /** Secrets are for their owner only. */
  mode: number;
  objects: number;
}

export const isSecret = ({ kind }: KubernetesObject): boolean => kind === 'Secret';

export interface Part {
  /** "base", or a component's or an addon's name. */
  name: string;
  path: string;
  objects: readonly KubernetesObject[];
  releases: readonly HelmRelease[];
}

/** The parts in the order in which they are applied. */
export function partsOf(cluster: RenderedCluster, components: readonly string[]): Part[] {
  return [
    { name: 'base', path: 'base.yaml', objects: cluster.base, releases: [] },
    ...cluster.addons.map(({ name, objects, releases }) => ({ name, path: `addons/${name}.yaml`, objects, releases })),
    ...[...cluster.components].map(([name, part]) => ({ name, path: `components/${name}.yaml`, ...part })),
  ].filter(({ name }) => components.length === 0 || name === 'base' || components.includes(name));
}

/** One file a part, Helm values by release, and a kustomization over them; Secrets in a file of their own, or nowhere. */
export function filesOf(parts: readonly Part[], withSecrets: boolean): OutputFile[] {
  const objectFiles = parts.map(({ path, objects }) => ({ path, ...openPart(objects) })).filter(({ objects }) => objects > 0);
  const secrets = parts.flatMap(({ objects }) => objects.filter(isSecret));
  const releases = parts.flatMap((part) => part.releases);
  const withFile = withSecrets && secrets.length > 0;
  const resources = [...objectFiles.map(({ path }) => path), ...(withFile ? ['secrets.yaml'] : [])];
  return [
    { path: 'kustomization.yaml', text: kustomizationYaml(resources, leftOut(withFile ? [] : secrets)), mode: 0o644, objects: 0 },
    ...objectFiles.map((file) => ({ ...file, mode: 0o644 })),
    ...(withFile ? [{ path: 'secrets.yaml', text: objectsYaml(secrets), mode: 0o600, objects: secrets.length }] : []),
    ...(releases.length === 0 ? [] : [{ path: 'helm/releases.yaml', text: releasesYaml(releases), mode: 0o644, objects: 0 }]),
    ...releases.map((release) => ({
      path: `helm/${release.name}.values.yaml`,
      text: valuesYaml(release),
      mode: 0o644,
      objects: 0,
    })),
  ];
}

function openPart(objects: readonly KubernetesObject[]): { text: string; objects: number } {
  const open = objects.filter((object) => !isSecret(object));
  return { text: objectsYaml(open, leftOut(objects.filter(isSecret))), objects: open.length };
}

function leftOut(secrets: readonly KubernetesObject[]): string[] {
  if (secrets.length === 0) return [];
  return ['Secrets are not here; these must be there before (docs/kubernetes-objects.md):', ...secrets.map((each) => `  ${nameOf(each)}`)];
}

/** Everything as one stream of documents. */
export function streamOf(parts: readonly Part[], withSecrets: boolean): string {
  const objects = parts.flatMap((part) => part.objects);
  const releases = parts.flatMap((part) => part.releases);
  const notes = [
    ...(withSecrets ? [] : leftOut(objects.filter(isSecret))),
    ...(releases.length === 0 ? [] : ['Helm releases are not part of this stream:', ...releases.map(({ name, chart, version }) => `  ${name}: ${chart} ${version}`)]),
  ];
  return objectsYaml(
    objects.filter((object) => withSecrets || !isSecret(object)),
    notes,
  );
}

const directories = ['', 'addons', 'components', 'helm'] as const;

/**
 * Writes the files; what an earlier rendering left and this one has not is removed, other files stay.
 * @throws LambdaError DISK_FULL, HOME_NOT_WRITABLE
 */
export async function writeFiles(directory: string, files: readonly OutputFile[]): Promise<{ removed: string[] }> {
  const wanted = new Set(files.map(({ path }) => path));
  for (const { path, text, mode } of files) {
    await makeDirectory(join(directory, path, '..'));
    await writeAtomic(join(directory, path), text, { mode });
  }
  const removed: string[] = [];
  for (const part of directories) {
    for (const name of await entriesOf(join(directory, part))) {
      const path = part === '' ? name : `${part}/${name}`;
      if (!name.endsWith('.yaml') || wanted.has(path)) continue;
      const text = await readIfExists(join(directory, path));
      if (text?.startsWith(fileHeader) !== true) continue;
      await remove(join(directory, path));
      removed.push(path);
    }
  }
  return { removed };
}
