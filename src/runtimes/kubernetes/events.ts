import type { ClusterClient } from './client.ts';
import { admission } from './client-errors.ts';
import { type ClusterEvent, type ContainerStatus, isTrue, type Pod } from './client-types.ts';

/** Why a pod, or what makes it, does not get on. */
export interface Trouble {
  code: 'IMAGE_PULL' | 'CRASH_LOOP' | 'QUOTA' | 'POD_SECURITY' | 'UNSCHEDULABLE' | 'PVC_PENDING' | 'CONTAINER_REFUSED';
  /** Pod, or the object that cannot make one. */
  of: string;
  message: string;
  actions: readonly string[];
  details: Readonly<Record<string, unknown>>;
  /** ms that it may last before it counts: much of it passes by itself. */
  patienceMs: number;
  /** Where the last words of the container are found. */
  log: { pod: string; container: string; previous: boolean } | null;
}

/** As often as the embedded runtime lets a service end before it gives up. */
const maxCrashes = 3;

/** Events of a namespace that tell of something wrong, the newest last. */
export async function warningsIn(
  client: ClusterClient,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly ClusterEvent[]> {
  const query = { namespace, fields: 'type=Warning' };
  const events = await client.list<ClusterEvent>({ apiVersion: 'v1', kind: 'Event' }, query, signal);
  return events.toSorted((a, b) => timeOf(a) - timeOf(b));
}

/** Epoch ms of when it happened last. */
export function timeOf({ series, lastTimestamp, eventTime, firstTimestamp, metadata }: ClusterEvent): number {
  const time = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? firstTimestamp ?? metadata.creationTimestamp;
  return time === undefined ? 0 : Date.parse(time);
}

/** What is wrong with a pod; null where it is well or on its way. @param warnings of its namespace */
export function troubleOf(pod: Pod, warnings: readonly ClusterEvent[]): Trouble | null {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  for (const status of [...initContainerStatuses, ...containerStatuses]) {
    const trouble = troubleOfContainer(pod, status);
    if (trouble !== null) return trouble;
  }
  return notScheduled(pod, warnings) ?? notMounted(pod, warnings);
}

const pullReasons =
  /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|ImageInspectError|RegistryUnavailable)$/;
const refusedReasons = /^(CreateContainerConfigError|CreateContainerError|RunContainerError|PreCreateHookError)$/;

function troubleOfContainer(pod: Pod, status: ContainerStatus): Trouble | null {
  const { waiting } = status.state ?? {};
  const reason = waiting?.reason ?? '';
  if (pullReasons.test(reason)) return notPulled(pod, status, reason, waiting?.message ?? '');
  const log = { pod: pod.metadata.name, container: status.name };
  if (refusedReasons.test(reason)) {
    return {
      code: 'CONTAINER_REFUSED',
      of: pod.metadata.name,
      message: `container ${status.name} of pod ${pod.metadata.name} cannot be made: ${waiting?.message ?? reason}`,
      actions: [`kubectl -n ${pod.metadata.namespace} describe pod ${pod.metadata.name}`],
      details: { reason },
      patienceMs: 20_000,
      log: reason === 'RunContainerError' ? { ...log, previous: false } : null,
    };
  }
  const ended = status.lastState?.terminated ?? status.state?.terminated;
  const crashes = status.restartCount + (status.state?.terminated === undefined ? 0 : 1);
  if (reason !== 'CrashLoopBackOff' && (crashes < maxCrashes || status.ready || ended?.exitCode === 0)) return null;
  const killed = ended?.reason === 'OOMKilled';
  return {
    code: 'CRASH_LOOP',
    of: pod.metadata.name,
    message: `${status.name} ended ${Math.max(1, status.restartCount)} times in a row: ${
      killed ? `killed, because it took more than its memory limit` : endOf(ended)
    }`,
    actions: killed ? ['Give it more in a profile of your own: components.<name>.memoryMiB (docs/profiles.md).'] : [],
    details: { exitCode: ended?.exitCode ?? null, reason: ended?.reason ?? null },
    // Once is bad luck (a peer that was not up yet); the back-off makes three of it about 40 s.
    patienceMs: crashes >= maxCrashes ? 0 : 90_000,
    log: { ...log, previous: status.state?.running === undefined && status.state?.terminated === undefined },
  };
}

function endOf(ended: { exitCode: number; reason?: string; message?: string; signal?: number } | undefined): string {
  if (ended === undefined) return 'no reason is known';
  const words = ended.message?.trim().split('\n').at(-1);
  return `exit code ${ended.exitCode}${words === undefined || words === '' ? '' : ` (${words})`}`;
}

function notPulled(pod: Pod, { name, image: shown }: ContainerStatus, reason: string, message: string): Trouble {
  const declared = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const image = declared.find((each) => each.name === name)?.image ?? shown;
  const says = message === '' ? reason : message.replace(/^Back-off pulling image "[^"]*":? ?/, '') || reason;
  return {
    code: 'IMAGE_PULL',
    of: pod.metadata.name,
    message: `image ${image} of ${name} is not to be had: ${says.split('\n')[0]}`,
    actions: [
      'In a cluster of kind: lambdactl images build && lambdactl images load',
      'From a mirror: kubernetes.images.prefix, or kubernetes.images.overrides for single ones, in a profile of your own (docs/images.md).',
    ],
    details: { image, reason },
    // A registry that is short of breath comes back; a wrong name does not.
    patienceMs: /^(InvalidImageName|ErrImageNeverPull)$/.test(reason) ? 0 : 25_000,
    log: null,
  };
}

function notScheduled(pod: Pod, warnings: readonly ClusterEvent[]): Trouble | null {
  const condition = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (condition === undefined) return null;
  const message = condition.message ?? condition.reason ?? 'no node takes it';
  const base = { of: pod.metadata.name, log: null };
  if (/persistentvolumeclaim|PersistentVolume|volume node affinity/i.test(message)) {
    const told = warnings.findLast(({ involvedObject }) => involvedObject.kind === 'PersistentVolumeClaim');
    return {
      ...base,
      code: 'PVC_PENDING',
      message: `pod ${pod.metadata.name} waits for its volume: ${told?.message ?? message}`,
      actions: [
        'kubectl get storageclass: one of them must be the default, or be named by kubernetes.storageClass in the profile.',
        `kubectl -n ${pod.metadata.namespace} get persistentvolumeclaim`,
      ],
      details: { claim: told?.involvedObject.name ?? null },
      patienceMs: 60_000,
    };
  }
  return {
    ...base,
    code: 'UNSCHEDULABLE',
    message: `no node takes pod ${pod.metadata.name}: ${message}`,
    actions: [
      lacks(message) === null
        ? 'kubectl get nodes; kubectl describe nodes'
        : `The nodes lack ${lacks(message)}: add a node, or take a smaller profile or fewer components.`,
      'lambdactl up --profile lite',
    ],
    details: { lacks: lacks(message) },
    // An autoscaler may bring a node.
    patienceMs: 45_000,
  };
}

/** "0/3 nodes are available: 1 Insufficient memory, 2 node(s) had untolerated taint …" → "memory" */
export function lacks(message: string): string | null {
  const found = [...message.matchAll(/Insufficient ([\w./-]*\w)/g)].map(([, what]) => what);
  return found.length === 0 ? null : [...new Set(found)].join(' and ');
}

function notMounted(pod: Pod, warnings: readonly ClusterEvent[]): Trouble | null {
  if (isTrue(pod.status?.conditions, 'Initialized') && pod.status?.phase !== 'Pending') return null;
  const told = warnings.findLast(
    ({ involvedObject, reason }) =>
      involvedObject.uid === pod.metadata.uid && /^Failed(Mount|AttachVolume)$/.test(reason ?? ''),
  );
  if (told === undefined) return null;
  return {
    code: 'CONTAINER_REFUSED',
    of: pod.metadata.name,
    message: `pod ${pod.metadata.name} cannot mount a volume: ${told.message ?? told.reason}`,
    actions: [`kubectl -n ${pod.metadata.namespace} describe pod ${pod.metadata.name}`],
    details: { reason: told.reason ?? null },
    patienceMs: 60_000,
    log: null,
  };
}

/** Why a StatefulSet, Deployment or Job makes no pod: a quota, or Pod Security. @param warnings of its namespace */
export function refusedPods(owner: { kind: string; name: string }, warnings: readonly ClusterEvent[]): Trouble | null {
  const told = warnings.findLast(
    ({ involvedObject, reason }) =>
      reason === 'FailedCreate' &&
      // A Deployment's pods are made by its ReplicaSet.
      (involvedObject.name === owner.name || involvedObject.name?.startsWith(`${owner.name}-`) === true),
  );
  if (told?.message === undefined) return null;
  const refusal = admission(told.message, `start ${owner.name}`);
  const code = refusal?.code;
  if (refusal === null || (code !== 'QUOTA' && code !== 'POD_SECURITY')) return null;
  return {
    code,
    of: owner.name,
    message: refusal.message,
    actions: refusal.actions,
    details: refusal.details,
    patienceMs: 3_000,
    log: null,
  };
}

/** What the pods of a namespace complain of, one line each; for who waits for pods that are not ours. */
export async function complaintsIn(
  client: ClusterClient,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const [pods, warnings] = await Promise.all([
    client.list<Pod>({ apiVersion: 'v1', kind: 'Pod' }, { namespace }, signal),
    warningsIn(client, namespace, signal),
  ]);
  const troubles = pods
    .filter(({ status }) => !isTrue(status?.conditions, 'Ready'))
    .map((pod) => troubleOf(pod, warnings)?.message);
  const refusals = warnings.filter(({ reason }) => reason === 'FailedCreate').map(({ message }) => message);
  return [...new Set([...troubles, ...refusals].filter((line) => line !== undefined))];
}
