import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesObject } from '../../components/kubernetes.ts';
import { externalError } from '../../core/errors.ts';
import { stopManager } from './apply.ts';
import type { ClusterClient, ObjectRef } from './client.ts';
import type { Workload } from './client-types.ts';
import { labelNames } from './labels.ts';
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
  'kafka.strimzi.io Kafka': () => ({
    metadata: { name: '', annotations: { 'strimzi.io/pause-reconciliation': 'true' } },
  }),
  'clickhouse.altinity.com ClickHouseInstallation': () => ({ spec: { stop: 'yes' } }),
  'sparkoperator.k8s.io SparkApplication': () => ({ spec: { suspend: true } }),
};

const keyOf = ({ apiVersion, kind }: ObjectRef): string =>
  apiVersion === 'apps/v1' ? kind : `${apiVersion.split('/')[0]} ${kind}`;

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
    const found = await client.read<Workload & { metadata: { managedFields?: readonly { manager: string }[] } }>(
      ref,
      signal,
    );
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

function merged(
  { apiVersion, kind, metadata: { name, namespace } }: ObjectRef,
  change: Partial<KubernetesObject>,
): KubernetesObject {
  const metadata = { ...change.metadata, name, ...(namespace === undefined ? {} : { namespace }) };
  return { ...change, apiVersion, kind, metadata };
}

/** Ends runs of jobs whose starter is gone: a pod of Airflow that was replaced, a terminal that was closed by force. */
export async function endRuns(
  client: ClusterClient,
  { stack, namespace }: { stack: string; namespace: string },
  signal: AbortSignal,
): Promise<void> {
  const labels = `${labelNames.stack}=${stack},${labelNames.run}`;
  for (const job of await client.list({ apiVersion: 'batch/v1', kind: 'Job' }, { namespace, labels }, signal)) {
    await client.remove(job, 'Background', signal);
  }
}

/** Longer than any pod's own time to end. */
const stopMs = 180_000;

/** Ends a component's processes and waits until its pods are gone. @throws LambdaError STOP_TIMEOUT naming what is left */
export async function stopComponent(
  client: ClusterClient,
  where: { stack: string; component: string; namespace: string },
  refs: readonly ObjectRef[],
  signal: AbortSignal,
): Promise<void> {
  await pause(client, refs, signal);
  const end = performance.now() + stopMs;
  for (;;) {
    const left = await podsOf(client, where, signal);
    if (left.length === 0) return;
    if (performance.now() > end) {
      const names = left.map(({ metadata }) => metadata.name);
      throw externalError(`Pods of ${where.component} do not end: ${names.join(', ')}.`, {
        code: 'STOP_TIMEOUT',
        retryable: true,
        details: { pods: names },
        actions: [`kubectl -n ${where.namespace} describe pod ${names[0]}`, 'lambdactl down'],
      });
    }
    await delay(500, undefined, { signal });
  }
}
