import { LambdaError, usageError } from '../core/errors.ts';
import type { Profile } from '../platform/profile.ts';
import type { ClusterRef, DesiredState } from '../state/desired.ts';

export const runtimeNames = ['auto', 'embedded', 'kind', 'kubernetes'] as const;
export type RuntimeName = (typeof runtimeNames)[number];

export interface RuntimeWish {
  runtime: RuntimeName;
  /** Of the kubeconfig; with it, auto means kubernetes. */
  context: string | undefined;
}

export interface RuntimeChoice {
  /** null: embedded. */
  cluster: ClusterRef | null;
  /** Why, for people: "embedded: no container engine answers (docker: not found on PATH)". */
  reason: string;
}

interface Surroundings {
  stack: string;
  /** Absolute. */
  home: string;
  projectRoot: string;
  /** null before the first `up`. */
  present: Pick<DesiredState, 'runtime' | 'cluster'> | null;
  profile: Profile;
  components: readonly string[];
  signal: AbortSignal;
}

/** The cluster that `up --runtime kind` makes for a stack. */
export function kindClusterFor(stack: string): ClusterRef {
  const kind = `lambdactl-${stack}`;
  return { context: `kind-${kind}`, kind };
}

/**
 * Where a stack runs. One that was up before stays where it is; auto takes kind where a container engine and kind are there and have the
 * memory, else embedded.
 * @throws LambdaError RUNTIME_CHANGED, CONTEXT_NEEDED, BAD_USAGE
 */
export async function chooseRuntime(wish: RuntimeWish, around: Surroundings): Promise<RuntimeChoice> {
  const { runtime, context } = wish;
  if (context !== undefined && (runtime === 'embedded' || runtime === 'kind')) {
    throw usageError(`--context ${context} does not go with --runtime ${runtime}.`, {
      code: 'BAD_USAGE',
      actions: [`lambdactl up --runtime kubernetes --context ${context}`],
    });
  }
  if (around.present !== null) return asBefore(wish, around.present, around.stack);
  if (context !== undefined) return { cluster: { context, kind: null }, reason: `kubernetes: context ${context}` };
  if (runtime === 'kubernetes') throw await contextNeeded();
  if (runtime === 'kind')
    return { cluster: kindClusterFor(around.stack), reason: 'kind: a cluster made for the stack' };
  if (runtime === 'embedded') return { cluster: null, reason: 'embedded runtime' };
  return automatic(around);
}

function asBefore(
  { runtime, context }: RuntimeWish,
  { cluster }: Pick<DesiredState, 'cluster'>,
  stack: string,
): RuntimeChoice {
  const fits: Record<RuntimeName, boolean> = {
    auto: true,
    embedded: cluster === null,
    kind: cluster !== null && cluster.kind !== null,
    kubernetes: cluster !== null && (cluster.kind === null || context === cluster.context),
  };
  const is = cluster === null ? 'with the embedded runtime' : `in the cluster of context ${cluster.context}`;
  if (!fits[runtime] || (context !== undefined && context !== cluster?.context)) {
    throw usageError(`Stack "${stack}" was brought up ${is}; its data stays there.`, {
      code: 'RUNTIME_CHANGED',
      actions: [
        `Bring up another stack there: lambdactl up --stack NAME --runtime ${runtime}${context === undefined ? '' : ` --context ${context}`}`,
        'Or begin anew: lambdactl down --volumes',
      ],
      details: { context: cluster?.context ?? null },
    });
  }
  if (cluster === null) return { cluster, reason: 'embedded runtime, as before' };
  return { cluster, reason: `${cluster.kind === null ? 'kubernetes' : 'kind'}: context ${cluster.context}, as before` };
}

async function contextNeeded() {
  const { contextNames } = await import('../runtimes/kubernetes/client.ts');
  const known = await contextNames();
  return usageError('--runtime kubernetes needs to know which cluster: --context NAME.', {
    code: 'CONTEXT_NEEDED',
    details: { known },
    actions: [
      known.length === 0 ? 'The kubeconfig holds no context.' : `Contexts of the kubeconfig: ${known.join(', ')}.`,
      'Or let lambdactl make a cluster of its own: lambdactl up --runtime kind',
    ],
  });
}

async function automatic({
  stack,
  home,
  projectRoot,
  profile,
  components,
  signal,
}: Surroundings): Promise<RuntimeChoice> {
  const { containerEngine } = await import('../runtimes/kubernetes/engine.ts');
  const embedded = (why: string): RuntimeChoice => ({ cluster: null, reason: `embedded: ${why}` });
  const engine = await containerEngine({ signal });
  if ('reason' in engine) return embedded(`no container engine answers (${engine.reason})`);
  const { lookForTool } = await import('../runtimes/kubernetes/tools.ts');
  const name = `${engine.kind} ${engine.version}`;
  const { found, rejected } = await lookForTool('kind', { home, projectRoot, signal });
  if (found === null)
    return embedded(
      `${name} answers, but kind ${rejected.length === 0 ? 'was not found on PATH' : `does not fit (${rejected.join('; ')})`}`,
    );
  const { tooLittleMemory } = await import('../runtimes/kubernetes/kind-errors.ts');
  const lacking = tooLittleMemory(engine, profile, components);
  if (lacking !== null)
    return embedded(`${name} answers, but has too little memory for a cluster (${lacking.message})`);
  return { cluster: kindClusterFor(stack), reason: `kind: ${name} answers, kind ${found.version}` };
}

/**
 * Asks before the first change on a cluster that lambdactl did not make, naming it.
 * @throws LambdaError CONFIRMATION_NEEDED, CONTEXT_UNKNOWN, CLUSTER_UNREACHABLE, CLUSTER_LOGIN
 */
export async function confirmCluster(
  { context }: ClusterRef,
  stack: string,
  confirm: (question: string) => Promise<boolean>,
  signal: AbortSignal,
): Promise<string> {
  const { ClusterClient } = await import('../runtimes/kubernetes/client.ts');
  const client = await ClusterClient.open(context);
  const { gitVersion } = await client.json<{ gitVersion: string }>('/version', { signal, what: 'tell its version' });
  const cluster = `context ${context} (${client.server}, Kubernetes ${gitVersion})`;
  if (await confirm(`Bring stack "${stack}" up in the cluster of ${cluster}?`)) return cluster;
  throw yesNeeded(cluster, context, stack);
}

function yesNeeded(cluster: string, context: string, stack: string) {
  const named = stack === 'default' ? '' : ` --stack ${stack}`;
  return new LambdaError(
    `lambdactl did not make the cluster of ${cluster}: changing it needs a yes. Nothing was changed.`,
    {
      code: 'CONFIRMATION_NEEDED',
      category: 'confirmation',
      details: { context },
      actions: [`lambdactl up --runtime kubernetes --context ${context}${named} --yes`],
    },
  );
}
