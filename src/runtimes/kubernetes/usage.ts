import { LambdaError } from '../../core/errors.ts';
import type { ClusterClient } from './client.ts';
import type { ApiObject } from './client-types.ts';
import { labelNames } from './labels.ts';

export interface Usage {
  /** Working set, as the kubelet counts it: not PSS, but what its limit is held against. */
  bytes: number;
  /** 100 = one core. */
  cpuPercent: number;
}

interface PodMetrics extends ApiObject {
  containers: readonly { name: string; usage: { cpu: string; memory: string } }[];
}

/** Of the stack's containers, by "pod/container"; empty where the cluster has no metrics server or does not let us ask it. */
export async function usageOf(
  client: ClusterClient,
  { stack, namespaces }: { stack: string; namespaces: readonly string[] },
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Usage>> {
  const kind = { apiVersion: 'metrics.k8s.io/v1beta1', kind: 'PodMetrics' };
  const labels = `${labelNames.stack}=${stack}`;
  try {
    const listed = await Promise.all(
      namespaces.map((namespace) => client.list<PodMetrics>(kind, { namespace, labels }, signal)),
    );
    return new Map(
      listed
        .flat()
        .flatMap(({ metadata, containers }) =>
          containers.map(({ name, usage }) => [
            `${metadata.name}/${name}`,
            { bytes: quantity(usage.memory), cpuPercent: quantity(usage.cpu) * 100 },
          ]),
        ),
    );
  } catch (error) {
    signal.throwIfAborted();
    // A metrics server that is down makes nothing else unknown.
    if (error instanceof LambdaError) return new Map();
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
