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

/**
 * One file a part, Helm values by release; Secrets in files of their own, or nowhere. Over the whole stack a kustomization, and a list of the
 * releases: a part alone leaves those of an earlier rendering as they are.
 */
export function filesOf(
  parts: readonly Part[],
  { withSecrets, whole }: { withSecrets: boolean; whole: boolean },
): OutputFile[] {
  const open = parts.map(({ path, objects }) => ({ path, ...openPart(objects) })).filter(({ objects }) => objects > 0);
  const secrets = parts.flatMap(({ objects }) => objects.filter(isSecret));
  const secretFiles = withSecrets ? parts.map(secretFile).filter(({ objects }) => objects > 0) : [];
  const releases = parts.flatMap((part) => part.releases);
  const resources = [...open, ...secretFiles].map(({ path }) => path);
  const plain = (path: string, text: string): OutputFile => ({ path, text, mode: 0o644, objects: 0 });
  return [
    ...(whole ? [plain('kustomization.yaml', kustomizationYaml(resources, leftOut(withSecrets ? [] : secrets)))] : []),
    ...open.map((file) => ({ ...file, mode: 0o644 })),
    ...secretFiles,
    ...(whole && releases.length > 0 ? [plain('helm/releases.yaml', releasesYaml(releases))] : []),
    ...releases.map((release) => plain(`helm/${release.name}.values.yaml`, valuesYaml(release))),
  ];
}

function secretFile({ name, objects }: Part): OutputFile {
  const secrets = objects.filter(isSecret);
  return { path: `secrets/${name}.yaml`, text: objectsYaml(secrets), mode: 0o600, objects: secrets.length };
}

function openPart(objects: readonly KubernetesObject[]): { text: string; objects: number } {
  const open = objects.filter((object) => !isSecret(object));
  return { text: objectsYaml(open, leftOut(objects.filter(isSecret))), objects: open.length };
}

function leftOut(secrets: readonly KubernetesObject[]): string[] {
  if (secrets.length === 0) return [];
  return [
    'Secrets are not here; these must be there before (docs/kubernetes-objects.md):',
    ...secrets.map((each) => `  ${nameOf(each)}`),
  ];
}

/** Everything as one stream of documents. */
export function streamOf(parts: readonly Part[], withSecrets: boolean): string {
  const objects = parts.flatMap((part) => part.objects);
  const releases = parts.flatMap((part) => part.releases);
  const notes = [
    ...(withSecrets ? [] : leftOut(objects.filter(isSecret))),
    ...(releases.length === 0
      ? []
      : [
          'Helm releases are not part of this stream:',
          ...releases.map(({ name, chart, version }) => `  ${name}: ${chart} ${version}`),
        ]),
  ];
  return objectsYaml(
    objects.filter((object) => withSecrets || !isSecret(object)),
    notes,
  );
}

const directories = ['', 'addons', 'components', 'helm', 'secrets'] as const;

/** @throws LambdaError DISK_FULL, HOME_NOT_WRITABLE */
export async function writeFiles(directory: string, files: readonly OutputFile[]): Promise<void> {
  for (const { path, text, mode } of files) {
    await makeDirectory(join(directory, path, '..'));
    await writeAtomic(join(directory, path), text, { mode });
  }
}

/** Removes what an earlier rendering left and this one has not; other files stay. @returns what was removed */
export async function removeOthers(directory: string, files: readonly OutputFile[]): Promise<string[]> {
  const wanted = new Set(files.map(({ path }) => path));
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
  return removed;
}
