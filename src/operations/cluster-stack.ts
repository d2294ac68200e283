import { catalogue } from '../components/catalogue.ts';
import { preflightError } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import type { Profile } from '../platform/profile.ts';
import type { Runtime } from '../runtimes/contract.ts';
import type { ClusterRef } from '../state/desired.ts';
import type { OpenStack } from './stack.ts';

export interface ClusterStack {
  /** Absolute. */
  home: string;
  stack: string;
  cluster: ClusterRef;
  projectRoot: string;
}

/** Loaded where a stack runs in a cluster: everything else does without. */
export async function openKubernetes(options: ClusterStack): Promise<Runtime> {
  const [{ createKubernetesRuntime }, { imageTagVariable }] = await Promise.all([
    import('../runtimes/kubernetes/runtime.ts'),
    import('../runtimes/kubernetes/in-cluster.ts'),
  ]);
  return createKubernetesRuntime({
    ...options,
    components: catalogue,
    imageTag: async () => {
      // A pod is told which images it is one of; what they are made of is not all in it.
      const told = process.env[imageTagVariable];
      return told === undefined || told === '' ? (await import('./images/tag.ts')).imageTag(options) : told;
    },
    helm: async () => {
      const { home, projectRoot } = options;
      const { findTool } = await import('../runtimes/kubernetes/tools.ts');
      return (await findTool('helm', { home, projectRoot })).path;
    },
  });
}

/** @throws LambdaError NOT_HERE of what works with processes of this machine only. @param what e.g. "dags sync" */
export function requireEmbedded({ cluster }: OpenStack, what: string, instead: readonly string[] = []): void {
  if (cluster === null) return;
  throw preflightError(
    `${what} works with the embedded runtime only; this stack runs in the cluster of context ${cluster.context}.`,
    {
      code: 'NOT_HERE',
      details: { context: cluster.context },
      actions: instead,
    },
  );
}

/**
 * The cluster and the images that a stack needs before anything of it can start: of kind both are made where they are missing; any other
 * cluster is there, and gets its images from a registry.
 * @throws LambdaError as `ensureKindCluster` and `loadImages` of kind
 */
export async function prepareCluster(
  {
    stack,
    projectRoot,
    confirm,
    force,
  }: { stack: OpenStack; projectRoot: string; confirm: (question: string) => Promise<boolean>; force: boolean },
  { profile, components }: { profile: Profile; components: readonly string[] },
  context: OperationContext,
): Promise<void> {
  const { cluster, home, name, ports } = stack;
  if (cluster === null || cluster.kind === null) return;
  const [{ ensureKindCluster }, { nodePortOf }] = await Promise.all([
    import('../runtimes/kubernetes/kind.ts'),
    import('../runtimes/kubernetes/render.ts'),
  ]);
  const ids = catalogue.flatMap((definition) => definition.ports(profile)).map(({ id }) => id);
  const mapped = ids.flatMap((id) => {
    const hostPort = ports[id];
    return hostPort === undefined ? [] : [{ hostPort, nodePort: nodePortOf(id, profile, catalogue) }];
  });
  await step(context, { id: 'kind', title: `Cluster ${cluster.kind}` }, async () => {
    const request = { name: cluster.kind ?? '', home, projectRoot, confirm, profile, ports: mapped, components, force };
    const { created, unmapped } = await ensureKindCluster(request, context);
    const missing = unmapped.map(({ hostPort }) => hostPort);
    if (missing.length > 0) {
      context.emit({
        type: 'warning',
        message: `The cluster was made without ports ${missing.join(', ')}: what listens there is not reached from here.`,
      });
    }
    return { value: undefined, detail: created ? 'made' : 'is there' };
  });
  const { loadImages } = await import('./images/load.ts');
  await step(context, { id: 'images', title: 'Images' }, async () => {
    const request = { home, stack: name, profile, components, cluster: cluster.kind ?? '', confirm };
    const { loaded, present } = await loadImages(request, context);
    return { value: undefined, detail: `${loaded.length} loaded, ${present.length} there` };
  });
}
