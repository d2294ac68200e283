import { type ApiObject, type Condition, isTrue, type Workload } from './client-types.ts';

export interface Readiness {
  ready: boolean;
  /** One line: what there is of what there must be. */
  detail: string;
}

const yes = (detail: string): Readiness => ({ ready: true, detail });
const no = (detail: string): Readiness => ({ ready: false, detail });

/** Whether an object that was applied does its work, by the words of whoever carries it out. What carries out nothing is ready at once. */
export function readinessOf(object: ApiObject): Readiness {
  const { kind, apiVersion } = object;
  if (kind === 'StatefulSet' && apiVersion === 'apps/v1') return ofStatefulSet(object);
  if (kind === 'Deployment' && apiVersion === 'apps/v1') return ofDeployment(object);
  if (kind === 'DaemonSet' || !apiVersion.includes('.')) return yes('applied');
  const rule = rules[`${apiVersion.split('/')[0]} ${kind}`];
  return rule === undefined ? yes('applied') : rule(object);
}

/** Objects whose readiness is worth waiting for. */
export function hasReadiness({ apiVersion, kind }: { apiVersion: string; kind: string }): boolean {
  if (apiVersion === 'apps/v1') return kind === 'StatefulSet' || kind === 'Deployment';
  return `${apiVersion.split('/')[0]} ${kind}` in rules;
}

function ofStatefulSet({ metadata, spec, status }: Workload): Readiness {
  const wanted = spec?.replicas ?? 1;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) return no('not looked at yet');
  const { readyReplicas = 0, updatedReplicas = 0, currentRevision, updateRevision } = status ?? {};
  // While both revisions are the same, `updatedReplicas` may be left out.
  const fresh = currentRevision === updateRevision || updatedReplicas >= wanted;
  const line = `${readyReplicas} of ${wanted} ready`;
  return readyReplicas >= wanted && fresh ? yes(line) : no(fresh ? line : `${line}, ${updatedReplicas} renewed`);
}

function ofDeployment({ metadata, spec, status }: Workload): Readiness {
  const wanted = spec?.replicas ?? 1;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) return no('not looked at yet');
  const { availableReplicas = 0, updatedReplicas = 0 } = status ?? {};
  const line = `${availableReplicas} of ${wanted} available`;
  return availableReplicas >= wanted && updatedReplicas >= wanted ? yes(line) : no(line);
}

type Rule = (object: ApiObject) => Readiness;

interface OperatorStatus {
  phase?: string;
  status?: string;
  instances?: number;
  readyInstances?: number;
  observedGeneration?: number;
  conditions?: readonly Condition[];
  applicationState?: { state?: string; errorMessage?: string };
  [field: string]: unknown;
}

const statusOf = (object: ApiObject): OperatorStatus => (object.status as OperatorStatus | undefined) ?? {};

/** Condition "Ready", as most operators write it; one that is of an earlier generation does not count. */
const byCondition: Rule = (object) => {
  const { conditions, observedGeneration } = statusOf(object);
  const seen = observedGeneration ?? conditions?.find(({ type }) => type === 'Ready')?.observedGeneration;
  if (seen !== undefined && seen < (object.metadata.generation ?? 0)) return no('not looked at yet');
  if (isTrue(conditions, 'Ready')) return yes('ready');
  const telling = conditions?.find(({ type }) => type === 'NotReady' || type === 'Ready');
  return no(telling?.message ?? telling?.reason ?? 'no word of its operator yet');
};

/** By API group and kind: what the operators of docs/operators.md tell of their objects. */
const rules: Readonly<Record<string, Rule>> = {
  'postgresql.cnpg.io Cluster': (object) => {
    const { phase = 'no word of its operator yet', readyInstances = 0 } = statusOf(object);
    const wanted = Number((object.spec as { instances?: number } | undefined)?.instances ?? 1);
    return phase === 'Cluster in healthy state' && readyInstances >= wanted ? yes(phase) : no(phase);
  },
  'postgresql.cnpg.io Database': (object) =>
    statusOf(object).applied === true ? yes('applied') : no(String(statusOf(object).message ?? 'not applied yet')),
  'kafka.strimzi.io Kafka': byCondition,
  'kafka.strimzi.io KafkaConnect': byCondition,
  'kafka.strimzi.io KafkaConnector': byCondition,
  'kafka.strimzi.io KafkaTopic': byCondition,
  'clickhouse.altinity.com ClickHouseInstallation': (object) => {
    const state = statusOf(object).status ?? 'no word of its operator yet';
    return state === 'Completed' ? yes(state) : no(state);
  },
  'clickhouse-keeper.altinity.com ClickHouseKeeperInstallation': (object) => {
    const state = statusOf(object).status ?? 'no word of its operator yet';
    return state === 'Completed' ? yes(state) : no(state);
  },
  'sparkoperator.k8s.io SparkApplication': (object) => {
    const { state = 'no word of its operator yet', errorMessage } = statusOf(object).applicationState ?? {};
    return state === 'RUNNING' ? yes(state) : no(errorMessage ? `${state}: ${errorMessage}` : state);
  },
  'bitnami.com SealedSecret': (object) =>
    isTrue(statusOf(object).conditions, 'Synced') ? yes('synced') : no('not opened yet'),
  'cert-manager.io Certificate': byCondition,
};
