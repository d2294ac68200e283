import type { KubernetesObject } from '../kubernetes.ts';

export interface Readiness {
  ready: boolean;
  /** One line: what the operator says of it. */
  detail: string;
}

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

/**
 * What a custom resource, as the cluster has it, says of itself.
 * @returns null for kinds that are not to be waited for: what they do is done again, and checked, by provisioning
 */
export function readinessOf(live: KubernetesObject): Readiness | null {
  const status = isRecord(live.status) ? live.status : {};
  const conditions = Array.isArray(status.conditions) ? status.conditions.filter(isCondition) : [];
  const read = readers[live.kind];
  if (read === undefined) return null;
  // A status of an older generation tells of what was asked for before.
  const observed = status.observedGeneration;
  const { generation } = { generation: undefined, ...live.metadata } as { generation?: unknown };
  if (typeof observed === 'number' && typeof generation === 'number' && observed < generation) {
    return { ready: false, detail: 'the operator has not seen this version yet' };
  }
  return read(status, conditions);
}

type Reader = (status: Record<string, unknown>, conditions: readonly Condition[]) => Readiness;

/** Strimzi, CloudNativePG: a condition "Ready". */
const byCondition: Reader = (status, conditions) => {
  const found = conditions.find(({ type }) => type === 'Ready') ?? conditions.find(({ type }) => type === 'NotReady');
  const ready = found?.type === 'Ready' && found.status === 'True';
  const words = [found?.reason, found?.message].filter((text) => text !== undefined && text !== '').join(': ');
  const phase = typeof status.phase === 'string' ? status.phase : '';
  return { ready, detail: (ready ? '' : words) || phase || (ready ? 'ready' : 'the operator has not answered yet') };
};

const readers: Readonly<Record<string, Reader>> = {
  Cluster: byCondition,
  Kafka: byCondition,
  KafkaConnect: byCondition,
  ClickHouseInstallation: ({ status, error }) => ({
    ready: status === 'Completed',
    detail: [status, error].filter((text) => typeof text === 'string' && text !== '').join(': ') || 'not seen yet',
  }),
  ClickHouseKeeperInstallation: ({ status }) => ({ ready: status === 'Completed', detail: String(status ?? 'not seen yet') }),
  SparkApplication: ({ applicationState }) => {
    const { state, errorMessage } = isRecord(applicationState) ? applicationState : {};
    const words = [state, errorMessage].filter((text) => typeof text === 'string' && text !== '');
    return { ready: state === 'RUNNING', detail: words.join(': ') || 'not submitted yet' };
  },
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCondition(value: unknown): value is Condition {
  return isRecord(value) && typeof value.type === 'string' && typeof value.status === 'string';
}
