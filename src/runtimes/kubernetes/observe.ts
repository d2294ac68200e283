import type { ServiceState, ServiceStatus } from '../../core/service-spec.ts';
import type { ObservedStack } from '../contract.ts';
import type { ClusterClient } from './client.ts';
import { type ContainerStatus, isTrue, type Pod, type Workload } from './client-types.ts';
import { troubleOf } from './events.ts';
import { labelNames, specHashAnnotation } from './labels.ts';
import { instanceOf, type LogScope } from './logs.ts';
import { type Usage, usageOf } from './usage.ts';

/** What runs of a stack: every container of its pods, and what makes no pod at the moment. */
export async function observeCluster(
  client: ClusterClient,
  scope: LogScope,
  profile: string | null,
  signal: AbortSignal,
): Promise<ObservedStack> {
  const labels = `${labelNames.stack}=${scope.stack}`;
  const list = async <T extends Pod | Workload>(apiVersion: string, kind: string): Promise<readonly T[]> => {
    const listed = scope.namespaces.map((namespace) =>
      client.list<T>({ apiVersion, kind }, { namespace, labels }, signal),
    );
    return (await Promise.all(listed)).flat();
  };
  const listingPods = list<Pod>('v1', 'Pod');
  const [pods, sets, deployments, usage] = await Promise.all([
    listingPods,
    list<Workload>('apps/v1', 'StatefulSet'),
    list<Workload>('apps/v1', 'Deployment'),
    listingPods.then((found) => usageOf(client, scope, found, signal)),
  ]);
  const services = [
    // Runs of jobs are no services, and have an end.
    ...pods
      .filter(({ metadata }) => metadata.labels?.[labelNames.run] === undefined)
      .flatMap((pod) => statusesOf(pod, ownerOf(pod, sets), usage)),
    ...[...sets, ...deployments].filter((each) => !hasPods(each, pods)).flatMap(withoutPods),
  ].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { stack: scope.stack, profile, supervisorPid: null, supervisorPssBytes: null, services };
}

function ownerOf(pod: Pod, sets: readonly Workload[]): Workload | null {
  return (
    sets.find(({ metadata }) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true) ?? null
  );
}

/** A Deployment's pods belong to its ReplicaSets, which carry its name. */
function hasPods({ metadata, kind }: Workload, pods: readonly Pod[]): boolean {
  return pods.some(
    (pod) =>
      pod.metadata.namespace === metadata.namespace &&
      pod.metadata.ownerReferences?.some(({ uid, name }) =>
        kind === 'Deployment' ? name.replace(/-[a-z0-9]+$/, '') === metadata.name : uid === metadata.uid,
      ) === true,
  );
}

function statusesOf(pod: Pod, owner: Workload | null, usage: ReadonlyMap<string, Usage>): ServiceStatus[] {
  const component = pod.metadata.labels?.[labelNames.component] ?? pod.metadata.name;
  const specHash = (owner ?? pod).metadata.annotations?.[specHashAnnotation] ?? '';
  return (pod.spec?.containers ?? []).map(({ name }) => {
    const status = pod.status?.containerStatuses?.find((each) => each.name === name);
    const { state, detail } = stateOf(pod, status);
    const used = usage.get(`${pod.metadata.name}/${name}`);
    return {
      name: instanceOf(pod, name),
      component,
      state,
      detail,
      pid: null,
      startedAt: status?.state?.running?.startedAt ?? null,
      restarts: status?.restartCount ?? 0,
      pssBytes: used?.bytes ?? null,
      cpuPercent: used?.cpuPercent ?? null,
      cpuSeconds: used?.cpuSeconds ?? null,
      lastProbe: null,
      specHash,
    };
  });
}

/** A container in the words of the supervisor's states. */
export function stateOf(pod: Pod, status: ContainerStatus | undefined): { state: ServiceState; detail: string } {
  const where = pod.spec?.nodeName === undefined ? 'no node yet' : `node ${pod.spec.nodeName}`;
  if (pod.metadata.deletionTimestamp !== undefined) return { state: 'stopping', detail: where };
  const trouble = troubleOf(pod, []);
  if (pod.status?.phase === 'Failed') {
    return { state: 'failed', detail: pod.status.message ?? pod.status.reason ?? 'the pod failed' };
  }
  const waiting = status?.state?.waiting?.reason;
  if (waiting === 'CrashLoopBackOff') return { state: 'backoff', detail: trouble?.message ?? waiting };
  if (status?.state?.running === undefined) {
    const preparing = pod.status?.initContainerStatuses?.find(({ state }) => state?.running !== undefined);
    if (preparing !== undefined) return { state: 'preparing', detail: preparing.name };
    return { state: 'starting', detail: trouble?.message ?? waiting ?? where };
  }
  if (status.ready && isTrue(pod.status?.conditions, 'Ready'))
    return { state: 'healthy', detail: `ready on ${where}, image ${status.image}` };
  // One of several containers may be ready while the pod is not.
  if (status.ready) return { state: 'healthy', detail: `ready on ${where}; others of its pod are not` };
  const state = status.started === true ? 'unhealthy' : 'starting';
  return { state, detail: trouble?.message ?? `its probe does not answer yet, ${where}` };
}

/** A workload that was stopped, or whose pod cannot be made. */
function withoutPods({ metadata, spec, status }: Workload): ServiceStatus[] {
  const component = metadata.labels?.[labelNames.component];
  if (component === undefined) return [];
  const stopped = (spec?.replicas ?? 1) === 0;
  const condition = status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  const { names, labels } = templateOf(spec);
  const own = labels[labelNames.instance] !== undefined;
  return names.map((name) => ({
    name: own ? name : names.length > 1 ? `${metadata.name}/${name}` : metadata.name,
    component,
    state: stopped ? 'stopped' : 'starting',
    detail: stopped ? '' : (condition?.message ?? 'its pod was not made yet'),
    pid: null,
    startedAt: null,
    restarts: 0,
    pssBytes: null,
    cpuPercent: null,
    cpuSeconds: null,
    lastProbe: null,
    specHash: metadata.annotations?.[specHashAnnotation] ?? '',
  }));
}

interface PodTemplate {
  metadata?: { labels?: Readonly<Record<string, string>> };
  spec?: { containers?: readonly { name: string }[] };
}

function templateOf(spec: Workload['spec']) {
  const template = (spec as { template?: PodTemplate } | undefined)?.template;
  return {
    names: (template?.spec?.containers ?? []).map(({ name }) => name),
    labels: template?.metadata?.labels ?? {},
  };
}
