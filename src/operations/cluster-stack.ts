import { catalogue } from '../components/catalogue.ts';
import { preflightError } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import type { Profile } from '../platform/profile.ts';
import type { Runtime } from '../runtimes/contract.ts';
import { removeStackFiles } from '../runtimes/stack-files.ts';
import type { ClusterRef } from '../state/desired.ts';
import { componentName } from './selection.ts';
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
  const { createKubernetesRuntime } = await import('../runtimes/kubernetes/runtime.ts');
  return createKubernetesRuntime({
    ...options,
    components: catalogue,
    imageTag: async () => (await import('./images/tag.ts')).imageTag(options),
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

export interface KindWish {
  stack: OpenStack;
  projectRoot: string;
  profile: Profile;
  /** Names of the chosen ones. */
  components: readonly string[];
  force: boolean;
  confirm(question: string): Promise<boolean>;
}

/**
 * The stack's kind cluster, made where there is none.
 * @param ports by id, of every component that there is: what a cluster maps is settled when it is made
 * @throws LambdaError as `ensureKindCluster`
 */
export async function makeKindCluster(
  kind: string,
  { stack, projectRoot, profile, components, force, confirm }: KindWish,
  ports: Readonly<Record<string, number>>,
  context: OperationContext,
): Promise<void> {
  const [{ ensureKindCluster }, { nodePortOf }] = await Promise.all([
    import('../runtimes/kubernetes/kind.ts'),
    import('../runtimes/kubernetes/render.ts'),
  ]);
  const ids = catalogue.flatMap((definition) => definition.ports(profile)).map(({ id }) => id);
  const mapped = ids.flatMap((id) => {
    const hostPort = ports[id];
    return hostPort === undefined ? [] : [{ hostPort, nodePort: nodePortOf(id, profile, catalogue) }];
  });
  await step(context, { id: 'kind', title: `Cluster ${kind}` }, async () => {
    const { home } = stack;
    const request = { name: kind, home, projectRoot, confirm, profile, ports: mapped, components, force };
    const { created, engine, nodes, unmapped } = await ensureKindCluster(request, context);
    const missing = unmapped.map(({ hostPort }) => hostPort);
    if (missing.length > 0) {
      const message = `The cluster was made without ports ${missing.join(', ')}: each command leads them in while it runs, as far as it needs them.`;
      context.emit({ type: 'log', level: 'info', message });
    }
    const size = `${nodes} ${nodes === 1 ? 'node' : 'nodes'}, ${engine}`;
    return { value: undefined, detail: `${created ? 'made' : 'is there'}: ${size}` };
  });
}

/** The images of what was chosen, in the nodes of the stack's kind cluster. @throws LambdaError as `loadImages` */
export async function loadKindImages(kind: string, wish: KindWish, context: OperationContext): Promise<void> {
  const { stack, profile, components, confirm } = wish;
  const [{ loadImages }, { deliveryOf }] = await Promise.all([
    import('./images/load.ts'),
    import('../runtimes/kubernetes/context.ts'),
  ]);
  const own = components.filter((name) => deliveryOf(componentName(name), profile)?.ownImage !== false);
  // To build none by name means to build all.
  if (own.length === 0) return;
  await step(context, { id: 'images', title: 'Images' }, async () => {
    const request = { home: stack.home, stack: stack.name, profile, components: own, cluster: kind, confirm };
    const { loaded, present } = await loadImages(request, context);
    return { value: undefined, detail: `${loaded.length} loaded, ${present.length} there` };
  });
}

/** Whether a kind cluster was begun for a stack whose `up` got no further. */
export async function hasKindCluster(home: string, kind: string): Promise<boolean> {
  const { readKindRecord } = await import('../runtimes/kubernetes/kind-ownership.ts');
  return (await readKindRecord(home, kind)) !== null;
}

/** Removes what this machine keeps of a stack, and of the kind cluster made for it, without asking the cluster. The caller holds the stack's lock. */
export async function forgetStack({ paths, home, cluster }: OpenStack): Promise<void> {
  if (cluster !== null && cluster.kind !== null) {
    const { removeKindRecord } = await import('../runtimes/kubernetes/kind-ownership.ts');
    await removeKindRecord(home, cluster.kind);
  }
  await removeStackFiles(paths);
}
