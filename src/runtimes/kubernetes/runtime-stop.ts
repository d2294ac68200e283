import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesObject } from '../../components/kubernetes.ts';
import { stopManager } from './apply.ts';
import { type ClusterClient, nameOf, type ObjectRef } from './client.ts';
import type { Workload } from './client-types.ts';
import { podsOf } from './wait.ts';

type Change = (ref: ObjectRef) => Partial<KubernetesObject>;

/**
 * How each kind of object is told to keep its data and end its processes. Set by a field manager of its own: the next `start` gives the fields
 * back, and what is not ours to know (an operator's own defaults) comes back with them.
 */
const pauses: Readonly<Record<string, Change>> = {
  StatefulSet: () => ({ spec: { replicas: 0 } }),
  Deployment: () => ({ spec: { replicas: 0 } }),
  'postgresql.cnpg.io Cluster': () => ({ metadata: { name: '', annotations: { 'cnpg.io/hibernation': 'on' } } }),
  'kafka.strimzi.io KafkaConnect': () => ({ spec: { replicas: 0 } }),
  // Brokers have no zero: their operator is told to look away, and their pods are ended below.
  'kafka.strimzi.io Kafka': () => ({ metadata: { name: '', annotations: { 'strimzi.io/pause-reconciliation': 'true' } } }),
  'clickhouse.altinity.com ClickHouseInstallation': () => ({ spec: { stop: 'yes' } }),
  'sparkoperator.k8s.io SparkApplication': () => ({ spec: { suspend: true } }),
};

const keyOf = ({ apiVersion, kind }: ObjectRef): string => (apiVersion === 'apps/v1' ? kind : `${apiVersion.split('/')[0]} ${kind}`);

export const canPause = (ref: ObjectRef): boolean => keyOf(ref) in pauses;

/** Ends the processes behind these objects, keeping what they store. */
export async function pause(client: ClusterClient, refs: readonly ObjectRef[], signal: AbortSignal): Promise<void> {
  for (const ref of refs) {
    const change = pauses[keyOf(ref)];
    if (change === undefined || (await client.read(ref, signal)) === null) continue;
    await client.apply(merged(ref, change(ref)), signal, { manager: stopManager });
    if (keyOf(ref) === 'kafka.strimzi.io Kafka') await endBrokers(client, ref, signal);
  }
}

/** Takes back what `pause` set and was not replaced by what `start` applied since. */
export async function resume(client: ClusterClient, refs: readonly ObjectRef[], signal: AbortSignal): Promise<void> {
  for (const ref of refs.filter(canPause)) {
    const found = await client.read<Workload & { metadata: { managedFields?: readonly { manager: string }[] } }>(ref, signal);
    const paused = found?.metadata.managedFields?.some(({ manager }) => manager === stopManager) === true;
    if (paused) await client.apply(merged(ref, {}), signal, { manager: stopManager });
  }
}

/** Claims belong to the Kafka object, so they stay when the set of pods goes. */
async function endBrokers(client: ClusterClient, { metadata }: ObjectRef, signal: AbortSignal): Promise<void> {
  const kind = { apiVersion: 'core.strimzi.io/v1', kind: 'StrimziPodSet' };
  const labels = `strimzi.io/cluster=${metadata.name}`;
  for (const set of await client.list(kind, { namespace: metadata.namespace, labels }, signal)) {
    await client.remove(set, 'Background', signal);
  }
}

function merged({ apiVersion, kind, metadata: { name, namespace } }: ObjectRef, change: Partial<KubernetesObject>): KubernetesObject {
  const metadata = { ...change.metadata, name, ...(namespace === undefined ? {} : { namespace }) };
  return { ...change, apiVersion, kind, metadata };
}

/** Waits until no pod of the component is left. */
export async function waitUntilStopped(
  client: ClusterClient,
  where: { stack: string; component: string; namespace: string },
  patienceMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (const end = performance.now() + patienceMs; performance.now() < end; ) {
    if ((await podsOf(client, where, signal)).length === 0) return;
    await delay(500, undefined, { signal });
  }
}

/** Everything of the stack that lies in these namespaces or belongs to the cluster as a whole, as far as its kind is known. */
export async function listByLabel(
  client: ClusterClient,
  kinds: readonly { apiVersion: string; kind: string }[],
  labels: string,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<readonly ObjectRef[]> {
  const found: ObjectRef[] = [];
  for (const kind of kinds) {
    for (const namespace of clusterWide.has(kind.kind) ? [undefined] : namespaces) {
      found.push(...(await client.list(kind, { namespace, labels }, signal)));
    }
  }
  return found.filter((each, index) => found.findIndex((other) => nameOf(other) === nameOf(each) && other.apiVersion === each.apiVersion) === index);
}

const clusterWide = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding']);
