import { LambdaError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import type { Profile } from '../../platform/profile.ts';
import { waitUntilGone } from './apply.ts';
import { type ClusterClient, nameOf, type ObjectRef } from './client.ts';
import { isGuard } from './guards.ts';
import { Inventory, isRelease, keyOf, madeAnnotation } from './inventory.ts';
import { deleteKindCluster } from './kind.ts';
import { readKindRecord } from './kind-ownership.ts';
import { labelNames } from './labels.ts';
import { namespacesOf } from './namespaces.ts';
import { type KubernetesOptions, openHelm } from './options.ts';

export interface DestroyScope extends KubernetesOptions {
  profile: Profile;
  client(): Promise<ClusterClient>;
}

/** Kinds of Kubernetes' own that are looked for by label, whatever the inventory says. */
const ownKinds = [
  ['apps/v1', 'StatefulSet'],
  ['apps/v1', 'Deployment'],
  ['batch/v1', 'CronJob'],
  ['batch/v1', 'Job'],
  ['v1', 'Pod'],
  ['policy/v1', 'PodDisruptionBudget'],
  ['networking.k8s.io/v1', 'NetworkPolicy'],
  ['v1', 'Service'],
  ['v1', 'ConfigMap'],
  ['v1', 'Secret'],
  ['v1', 'ResourceQuota'],
  ['rbac.authorization.k8s.io/v1', 'RoleBinding'],
  ['rbac.authorization.k8s.io/v1', 'Role'],
  ['v1', 'ServiceAccount'],
  // Last: nothing may hold them any more.
  ['v1', 'PersistentVolumeClaim'],
].map(([apiVersion = '', kind = '']) => ({ apiVersion, kind }));

const clusterKinds = ['ClusterRoleBinding', 'ClusterRole'].map((kind) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
}));

/** An operator takes its time to end what it made. */
const operatorMs = 180_000;

/** A kind cluster that we made goes as a whole. @throws LambdaError KIND_DELETE_FAILED, NO_CONTAINER_ENGINE, TOOL_MISSING */
export async function destroyKind(
  { home, projectRoot }: KubernetesOptions,
  name: string,
  context: OperationContext,
): Promise<void> {
  // Without a record nothing was made: what an `up` left that was refused goes without a container engine.
  if ((await readKindRecord(home, name)) !== null) await deleteKindCluster({ name, home, projectRoot }, context);
}

/**
 * Deletes what the stack has in a cluster that is not ours, data included: what carries the stack's label, and the namespaces that we made.
 * Definitions that charts brought stay, because others may use them.
 * @throws LambdaError STILL_THERE, CLUSTER_…
 */
export async function destroyInCluster(scope: DestroyScope, context: OperationContext): Promise<void> {
  const client = await scope.client();
  const { signal } = context;
  const inventory = new Inventory(client, scope.stack, scope.profile.kubernetes.namespaces.data);
  const known = [...(await inventory.read(signal)).values()].flat();
  await deleteCustom(client, known, scope.stack, signal);
  await uninstall(client, scope, known.filter(isRelease), context);
  const labels = `${labelNames.stack}=${scope.stack}`;
  for (const namespace of namespacesOf(scope)) {
    for (const kind of ownKinds) {
      for (const found of await client.list(kind, { namespace, labels }, signal)) {
        // The inventory itself is last: an interrupted removal is taken up by it.
        if (nameOf(found) !== nameOf(inventory.ref)) await client.remove(found, 'Background', signal);
      }
    }
    await waitForClaims(client, namespace, labels, signal);
  }
  for (const kind of clusterKinds) {
    for (const found of await client.list(kind, { labels }, signal)) await client.remove(found, 'Background', signal);
  }
  for (const ref of known.filter(isGuard)) {
    const found = await client.read(ref, signal);
    if (found?.metadata.labels?.[labelNames.stack] === scope.stack) await client.remove(ref, 'Background', signal);
  }
  await inventory.remove(signal);
  await removeNamespaces(client, labels, context);
}

/** Objects of operators, while these still run to end what belongs to them. */
async function deleteCustom(
  client: ClusterClient,
  known: readonly ObjectRef[],
  stack: string,
  signal: AbortSignal,
): Promise<void> {
  const custom = known.filter(
    (ref) => !isRelease(ref) && !ownKinds.some(({ kind }) => kind === ref.kind) && isCustom(ref),
  );
  for (const ref of custom) {
    const found = await client.read(ref, signal);
    if (found?.metadata.labels?.[labelNames.stack] === stack) await client.remove(ref, 'Background', signal);
  }
  for (const ref of custom) await waitUntilGone(client, ref, signal, operatorMs);
}

const isCustom = ({ apiVersion }: ObjectRef): boolean =>
  apiVersion.includes('.') && !/\.k8s\.io\//.test(apiVersion.replace('sparkoperator.k8s.io', 'spark'));

async function uninstall(
  client: ClusterClient,
  scope: DestroyScope,
  releases: readonly ObjectRef[],
  context: OperationContext,
): Promise<void> {
  if (releases.length === 0) return;
  const helm = await openHelm(client, scope);
  const once = new Map(releases.map((ref) => [keyOf(ref), ref]));
  // Those installed last first: they may use what the others brought.
  for (const { metadata } of [...once.values()].toReversed())
    await helm.uninstall(metadata.name, metadata.namespace ?? '', context);
}

/** A claim goes when its pod has gone. */
async function waitForClaims(
  client: ClusterClient,
  namespace: string,
  labels: string,
  signal: AbortSignal,
): Promise<void> {
  const kind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' };
  for (const claim of await client.list(kind, { namespace, labels }, signal))
    await waitUntilGone(client, claim, signal);
}

async function removeNamespaces(
  client: ClusterClient,
  labels: string,
  { signal, emit }: OperationContext,
): Promise<void> {
  const found = await client.list({ apiVersion: 'v1', kind: 'Namespace' }, { labels }, signal);
  const made = found.filter(({ metadata }) => metadata.annotations?.[madeAnnotation] === 'true');
  for (const namespace of made) await client.remove(namespace, 'Background', signal);
  for (const namespace of made) {
    try {
      await waitUntilGone(client, namespace, signal, 60_000);
    } catch (error) {
      if (!(error instanceof LambdaError)) throw error;
      // It is on its way, and nothing of the stack depends on it any more.
      emit({ type: 'warning', message: error.message });
    }
  }
}
