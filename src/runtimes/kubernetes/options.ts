import { type ComponentDefinition, dependenciesOf } from '../../components/contract.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import type { ClusterRef } from '../../state/desired.ts';
import { loadTemplates } from '../templates.ts';
import type { Wanted } from '../wanted.ts';
import type { ClusterClient } from './client.ts';
import { complaintsIn } from './events.ts';
import { Helm } from './helm.ts';
import { imageArtifacts } from './image-layout.ts';
import type { ClusterRenderOptions } from './render.ts';

export interface KubernetesOptions {
  /** Absolute. */
  home: string;
  stack: string;
  /** Directory that holds templates, schemas and dags-repo. */
  projectRoot: string;
  components: readonly ComponentDefinition[];
  cluster: ClusterRef;
  /** The user's own when absent. */
  kubeconfig?: string;
  /** Of the images that belong to these artifacts and this version of lambdactl; asked for where objects are rendered. */
  imageTag(): Promise<string>;
  /** Path of Helm's binary; asked for where a chart is delivered. @throws LambdaError when it is not to be had */
  helm(): Promise<string>;
}

/** Where users reach the stack's ports, whether kind maps them or we lead them in. */
export const localHost = '127.0.0.1';

/** What the renderer needs to know of a stack. @param imageTag '' where no object is rendered, only addresses */
export async function renderOptions(
  { stack, projectRoot, components, cluster }: KubernetesOptions,
  { desired, profile, credentials }: Wanted,
  imageTag: string,
): Promise<ClusterRenderOptions> {
  return {
    stack,
    profile,
    components: components.filter(({ name }) => desired.components.includes(name)),
    credentials,
    artifacts: imageArtifacts(imageTag),
    projectRoot,
    template: await loadTemplates(`${projectRoot}/templates`),
    imageTag,
    outside: { host: localHost, ports: desired.ports },
    nodePorts: cluster.kind !== null,
  };
}

/** Helm on the stack's cluster, which tells what pods complain of when a release does not get ready. */
export async function openHelm(
  client: ClusterClient,
  { helm, kubeconfig }: Pick<KubernetesOptions, 'helm' | 'kubeconfig'>,
): Promise<Helm> {
  return new Helm({
    path: await helm(),
    kubeContext: client.context,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    explain: (namespace, signal) => complaintsIn(client, namespace, signal),
  });
}

/** Components in groups, those on which nothing else depends first. */
export function stopOrder(components: readonly ComponentDefinition[], profile: Profile): ComponentName[][] {
  const depth = (name: ComponentName): number => {
    const definition = components.find((each) => each.name === name);
    const needs = definition === undefined ? [] : dependenciesOf(definition, profile);
    return needs.length === 0 ? 0 : 1 + Math.max(...needs.map(depth));
  };
  const levels = new Map<number, ComponentName[]>();
  for (const { name } of components) levels.set(depth(name), [...(levels.get(depth(name)) ?? []), name]);
  return [...levels].sort(([a], [b]) => b - a).map(([, names]) => names);
}
