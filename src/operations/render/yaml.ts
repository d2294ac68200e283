import { stringify } from 'yaml';
import type { HelmRelease, KubernetesObject } from '../../components/kubernetes.ts';

/** First line of every file that is written: files that begin so are replaced, others never are. */
export const fileHeader = '# Rendered by lambdactl; changes here are lost.';

const toYaml = (value: unknown): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

/** "Secret data/postgres-env" */
export const nameOf = ({ kind, metadata: { namespace, name } }: KubernetesObject): string =>
  namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;

/** One document an object. @param notes further lines of the head, without "#" */
export function objectsYaml(objects: readonly KubernetesObject[], notes: readonly string[] = []): string {
  const head = [fileHeader, ...notes.map((note) => `# ${note}`)].join('\n');
  return `${head}\n${objects.map((object) => `---\n${toYaml(object)}`).join('')}`;
}

export function kustomizationYaml(resources: readonly string[], notes: readonly string[]): string {
  const head = [fileHeader, ...notes.map((note) => `# ${note}`)].join('\n');
  return `${head}\n${toYaml({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources })}`;
}

export function valuesYaml({ name, chart, version, repository, namespace, values }: HelmRelease): string {
  const source = chart.startsWith('oci://') || repository === undefined ? chart : `${name}/${chart}`;
  const add = repository === undefined ? [] : [`# helm repo add ${name} ${repository}`];
  const install = `# helm upgrade --install ${name} ${source} --version ${version} --namespace ${namespace} --values FILE`;
  return [fileHeader, ...add, install, toYaml(values)].join('\n');
}

/** All releases in the order in which they are installed, for tools that make their own objects of them. */
export function releasesYaml(releases: readonly HelmRelease[]): string {
  const list = releases.map(({ name, namespace, chart, repository, version }) => ({
    name,
    namespace,
    chart,
    ...(repository === undefined ? {} : { repository }),
    version,
    values: `${name}.values.yaml`,
  }));
  return `${fileHeader}\n${toYaml({ releases: list })}`;
}
