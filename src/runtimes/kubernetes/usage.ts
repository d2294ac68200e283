import { LambdaError } from '../../core/errors.ts';
import type { ClusterClient } from './client.ts';
import { isNotFound } from './client-errors.ts';
import type { ApiObject, Pod } from './client-types.ts';
import { labelNames } from './labels.ts';

export interface Usage {
  /** Working set, as the kubelet counts it: not PSS, but what its limit is held against. */
  bytes: number;
  /** 100 = one core. */
  cpuPercent: number | null;
  /** Since the container started; null where only the rate is told. */
  cpuSeconds: number | null;
}

/** By "pod/container". */
type Usages = ReadonlyMap<string, Usage>;

interface PodMetrics extends ApiObject {
  containers: readonly { name: string; usage: { cpu: string; memory: string } }[];
}

/** A kubelet that does not answer keeps nobody waiting: figures are a courtesy. */
const kubeletMs = 3_000;

/**
 * Of the stack's containers: from the metrics server, or without one from the kubelets of the nodes that run them. Empty where the cluster
 * lets us ask neither.
 */
export async function usageOf(
  client: ClusterClient,
  { stack, namespaces }: { stack: string; namespaces: readonly string[] },
  pods: readonly Pod[],
  signal: AbortSignal,
): Promise<Usages> {
  const kind = { apiVersion: 'metrics.k8s.io/v1beta1', kind: 'PodMetrics' };
  const labels = `${labelNames.stack}=${stack}`;
  const listed = await orNothing(
    Promise.all(namespaces.map((namespace) => client.list<PodMetrics>(kind, { namespace, labels }, signal))),
    signal,
  );
  const metrics = (listed ?? []).flat();
  return metrics.length === 0 ? kubeletUsage(client, pods, signal) : new Map(metrics.flatMap(usagesOf));
}

const usagesOf = ({ metadata, containers }: PodMetrics): [string, Usage][] =>
  containers.map(({ name, usage }) => [
    `${metadata.name}/${name}`,
    { bytes: quantity(usage.memory), cpuPercent: quantity(usage.cpu) * 100, cpuSeconds: null },
  ]);

/** What we read of a kubelet's own summary. A container that was just started has no rate yet. */
interface Summary {
  pods?: readonly {
    podRef: { name: string; namespace: string };
    containers?: readonly {
      name: string;
      cpu?: { usageNanoCores?: number; usageCoreNanoSeconds?: number };
      memory?: { workingSetBytes?: number };
    }[];
  }[];
}

async function kubeletUsage(client: ClusterClient, pods: readonly Pod[], signal: AbortSignal): Promise<Usages> {
  const nodes = new Set(pods.flatMap(({ spec }) => spec?.nodeName ?? []));
  const own = new Set(pods.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
  const summaries = await Promise.all([...nodes].map((node) => orNothing(summaryOf(client, node, signal), signal)));
  return new Map(
    summaries
      .flatMap((summary) => summary?.pods ?? [])
      .filter(({ podRef }) => own.has(`${podRef.namespace}/${podRef.name}`))
      .flatMap(({ podRef, containers = [] }) =>
        containers.flatMap(({ name, cpu, memory }): [string, Usage][] => {
          if (memory?.workingSetBytes === undefined) return [];
          const { usageNanoCores, usageCoreNanoSeconds } = cpu ?? {};
          const cpuPercent = usageNanoCores === undefined ? null : usageNanoCores / 1e7;
          const cpuSeconds = usageCoreNanoSeconds === undefined ? null : usageCoreNanoSeconds / 1e9;
          return [[`${podRef.name}/${name}`, { bytes: memory.workingSetBytes, cpuPercent, cpuSeconds }]];
        }),
      ),
  );
}

function summaryOf(client: ClusterClient, node: string, signal: AbortSignal): Promise<Summary> {
  return client.json<Summary>(`/api/v1/nodes/${encodeURIComponent(node)}/proxy/stats/summary`, {
    query: { only_cpu_and_memory: true },
    signal: AbortSignal.any([signal, AbortSignal.timeout(kubeletMs)]),
    what: `tell what pods of node ${node} take`,
  });
}

/** null where the cluster does not tell: what gives figures may be missing, down, slow or forbidden, and makes nothing else unknown. */
async function orNothing<T>(asked: Promise<T>, signal: AbortSignal): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    signal.throwIfAborted();
    // Its own limit; in a pause between two attempts it is an AbortError.
    const late = error instanceof Error && ['TimeoutError', 'AbortError'].includes(error.name);
    if (late || error instanceof LambdaError || isNotFound(error)) return null;
    throw error;
  }
}

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A Kubernetes quantity as a number: "250m" → 0.25, "64Mi" → 67108864. NaN of what is none. */
export function quantity(text: string): number {
  const [, digits, unit = ''] = /^([\d.]+(?:e[+-]?\d+)?)([A-Za-z]{0,2})$/.exec(text) ?? [];
  return digits === undefined ? Number.NaN : Number(digits) * (factors[unit] ?? Number.NaN);
}
