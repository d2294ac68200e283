/**
 * The stack as objects of a cluster: pure functions from what is wanted to what is applied; nothing here speaks to a cluster.
 *
 * What the images hold (src/operations/images makes them, src/runtimes/kubernetes/image-layout.ts says it to components):
 *   /opt/lambdactl/artifacts/<name>/…    the installed artifact's root, copied whole: relative paths and file names stay
 *   /opt/lambdactl/{templates,schemas,dags-repo}/…
 *   /var/lib/lambdactl/{data,conf,run,cache}/   empty, owned by 10001; every instance's directories are mounted below
 * Class paths are directories with wildcards in a fixed order (image-layout.ts), which the JVM's launcher expands: so rendering needs no
 * artifact to be installed, and a pod's command stays readable. No list of jars, argument file or renamed jar is needed in an image.
 */
import type {
  ArtifactName,
  ComponentDefinition,
  InstalledArtifact,
  JobDefinition,
  RenderContext,
} from '../../components/contract.ts';
import type { HelmRelease, KubernetesContext, KubernetesObject } from '../../components/kubernetes.ts';
import { type Addon, addonsOf } from '../../components/operators/index.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import type { Credentials } from '../../state/secrets.ts';
import { accountSecrets } from './accounts.ts';
import { createContext, deliveryOf, nodePortAt } from './context.ts';
import { guardObjects } from './guards.ts';
import { inClusterStack } from './in-cluster.ts';
import { jobObjects } from './jobs.ts';
import { namespaceObjects } from './namespaces.ts';
import { networkPolicies } from './network-policies.ts';
import { accountObjects } from './rbac.ts';
import { otherCredentials } from './secrecy.ts';
import { type Contexts, plainObjects } from './workload.ts';

export interface ClusterRenderOptions {
  stack: string;
  profile: Profile;
  /** The chosen ones. */
  components: readonly ComponentDefinition[];
  credentials: Credentials;
  /** Paths as they are in the images: `imageArtifacts(imageTag)`. */
  artifacts: ReadonlyMap<ArtifactName, InstalledArtifact>;
  /** Directory that holds templates, schemas and dags-repo: their hashes are in config files, so that a change restarts. */
  projectRoot: string;
  template: RenderContext['template'];
  imageTag: string;
  /** Where users reach ports: by port id. null when nobody outside the cluster is to. */
  outside: { host: string; ports: Readonly<Record<string, number>> } | null;
  /** Services of type NodePort, as kind's port mappings want them. */
  nodePorts: boolean;
}

export interface RenderedCluster {
  /** Namespaces, service accounts, RBAC, NetworkPolicies, keys of a cloud account, guards of rights: to be applied first, in this order. */
  base: readonly KubernetesObject[];
  /** Charts that belong to no component; installed after the base. */
  addons: readonly Addon[];
  components: ReadonlyMap<ComponentName, { releases: readonly HelmRelease[]; objects: readonly KubernetesObject[] }>;
}

/**
 * Everything that the stack consists of in the cluster, in a stable order.
 * @param present components that are there from before and go on: they keep their accounts and flows, and nothing else is rendered of them
 */
export function renderCluster(
  options: ClusterRenderOptions,
  present: readonly ComponentDefinition[] = [],
): RenderedCluster {
  const contexts = bothContexts(options);
  const { context } = contexts;
  const all = [...new Set([...options.components, ...present])];
  return {
    base: [
      ...namespaceObjects(context),
      ...accountObjects(all, context),
      ...networkPolicies(all, context),
      ...accountSecrets(options.credentials, context),
      ...guardObjects(all, context),
    ],
    addons: addonsOf(context),
    components: new Map(options.components.map((definition) => [definition.name, componentOf(definition, contexts)])),
  };
}

function componentOf(definition: ComponentDefinition, contexts: Contexts) {
  const { context } = contexts;
  const operator = deliveryOf(definition.name, context.profile);
  if (operator === null) return { releases: [], objects: plainObjects(definition, contexts) };
  return { releases: operator.releases(context), objects: operator.objects(context) };
}

/** What components see when they render for the cluster: addresses and paths as they are inside it. */
export function clusterContext(options: ClusterRenderOptions): KubernetesContext {
  return createContext(options);
}

function bothContexts(options: ClusterRenderOptions): Contexts {
  const others = { ...options, credentials: otherCredentials(options.credentials) };
  return { context: createContext(options), other: createContext(others), cli: inClusterStack(options) };
}

/**
 * @param runId lower-case letters and digits, at most 20: part of the objects' names
 * @returns objects of one run of a job: its files and environment, and the Job last; all carry the label `lambdactl.dev/run`
 */
export function renderJob(
  options: ClusterRenderOptions,
  job: JobDefinition,
  args: readonly string[],
  runId: string,
): readonly KubernetesObject[] {
  return jobObjects(job, args, runId, bothContexts(options));
}

/**
 * The NodePort of a port: 30000 + its place among all port ids that the profile knows, whichever components were chosen, so that a
 * component added later moves nobody's.
 */
export function nodePortOf(portId: string, profile: Profile, components: readonly ComponentDefinition[]): number {
  return nodePortAt(portId, profile, components);
}
