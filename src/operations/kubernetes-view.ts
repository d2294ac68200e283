import type {
  ClusterView,
  ConditionFacts,
  ContainerFacts,
  KubernetesView,
  NodeFacts,
  PodFacts,
  VolumeFacts,
} from '../checks/cluster.ts';
import { ClusterClient } from '../runtimes/kubernetes/client.ts';
import type { ApiObject, ClusterEvent, Condition, ContainerStatus, Pod } from '../runtimes/kubernetes/client-types.ts';
import { containerEngine } from '../runtimes/kubernetes/engine.ts';
import { lookForTool } from '../runtimes/kubernetes/tools.ts';
import type { DesiredState } from '../state/desired.ts';
import { stackPaths } from '../state/paths.ts';
import { readIfExists } from '../system/files.ts';
import { lastSealing } from './secrets/sealed-directory.ts';

export interface ViewRequest {
  desired: DesiredState | null;
  /** Absolute. */
  home: string;
  projectRoot: string;
  stack: string;
  signal: AbortSignal;
}

/** What doctor's checks may see of Kubernetes. Nothing is asked, and no client is loaded, before one of them asks. */
export function kubernetesView({ desired, home, projectRoot, stack, signal }: ViewRequest): KubernetesView {
  const onCluster = desired?.runtime === 'kubernetes' ? desired.cluster : null;
  const asked = process.env.LAMBDACTL_RUNTIME ?? '';
  return {
    wanted: onCluster !== null || asked === 'kind' || asked === 'kubernetes',
    kind: onCluster === null ? asked !== 'kubernetes' : onCluster.kind !== null,
    engine: once(() => containerEngine({ signal })),
    tool: (name) => lookForTool(name, { home, projectRoot, signal }),
    // What cannot be read of it is told by `secrets check`.
    seals: async () => (await lastSealing(stackPaths(home, stack)).catch(() => null)) !== null,
    cluster: onCluster === null ? null : clusterView(onCluster.context, stack, signal),
  };
}

function clusterView(context: string, stack: string, signal: AbortSignal): ClusterView {
  const client = once(() => ClusterClient.open(context));
  const labels = `lambdactl.dev/stack=${stack}`;
  const list = async <T extends ApiObject>(kind: string, options: { labels?: string; fields?: string }) =>
    (await client()).list<T>({ apiVersion: 'v1', kind }, options, signal);
  return {
    context,
    version: once(async () => {
      const request = { signal, what: 'tell its version' };
      return (
        (await (await client()).json<{ gitVersion?: string }>('/version', request)).gitVersion ?? 'unknown version'
      );
    }),
    nodes: async () => (await list<NodeObject>('Node', {})).map(nodeFacts),
    pods: once(async () => (await list<Pod>('Pod', { labels })).map(podFacts)),
    volumes: async () => {
      const claims = await list<ClaimObject>('PersistentVolumeClaim', { labels });
      const events = claims.every(({ status }) => status?.phase === 'Bound')
        ? []
        : await list<ClusterEvent>('Event', { fields: 'involvedObject.kind=PersistentVolumeClaim' });
      return claims.map((claim) => volumeFacts(claim, events));
    },
    certificates: async () => {
      const { config } = await client();
      const [user, cluster] = [config.getCurrentUser(), config.getCurrentCluster()];
      return {
        client: await pemOf(user?.certData, user?.certFile),
        authority: await pemOf(cluster?.caData, cluster?.caFile),
      };
    },
  };
}

/** One answer for all who ask. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

interface NodeObject extends ApiObject {
  spec?: { unschedulable?: boolean };
  status?: { conditions?: readonly Condition[] };
}

interface ClaimObject extends ApiObject {
  spec?: { storageClassName?: string };
  status?: { phase?: string };
}

const conditionFacts = ({ type, status, message, reason }: Condition): ConditionFacts => ({
  type,
  status,
  message: message ?? reason ?? '',
});

function nodeFacts({ metadata, spec, status }: NodeObject): NodeFacts {
  return {
    name: metadata.name,
    unschedulable: spec?.unschedulable ?? false,
    conditions: (status?.conditions ?? []).map(conditionFacts),
  };
}

function podFacts({ metadata, status }: Pod): PodFacts {
  const refused = status?.conditions?.find(
    ({ type, status: is, reason }) => type === 'PodScheduled' && is === 'False' && reason === 'Unschedulable',
  );
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    component: metadata.labels?.['lambdactl.dev/component'] ?? '',
    phase: status?.phase ?? 'Unknown',
    unschedulable: refused === undefined ? null : (refused.message ?? 'Unschedulable'),
    containers: [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].map(containerFacts),
  };
}

function containerFacts({ name, image, restartCount, state, lastState }: ContainerStatus): ContainerFacts {
  const waiting = state?.waiting;
  const ended = lastState?.terminated;
  return {
    name,
    image,
    restarts: restartCount,
    waiting: waiting === undefined ? null : { reason: waiting.reason ?? '', message: waiting.message ?? '' },
    lastEnd: ended === undefined ? null : { reason: ended.reason ?? '', exitCode: ended.exitCode },
  };
}

function volumeFacts({ metadata, spec, status }: ClaimObject, events: readonly ClusterEvent[]): VolumeFacts {
  const timeOf = ({ lastTimestamp, eventTime }: ClusterEvent) => Date.parse(lastTimestamp ?? eventTime ?? '') || 0;
  const about = events
    .filter(({ involvedObject: { name, namespace } }) => name === metadata.name && namespace === metadata.namespace)
    .toSorted((a, b) => timeOf(a) - timeOf(b));
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    phase: status?.phase ?? 'Unknown',
    storageClass: spec?.storageClassName ?? null,
    message: about.at(-1)?.message ?? null,
  };
}

/** A kubeconfig holds certificates as base64 of PEM, or names a file. */
async function pemOf(data: string | undefined, file: string | undefined): Promise<string | null> {
  if (data !== undefined && data !== '') return Buffer.from(data, 'base64').toString('utf8');
  return file === undefined || file === '' ? null : readIfExists(file);
}
