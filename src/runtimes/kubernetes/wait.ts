import { setTimeout as delay } from 'node:timers/promises';
import { externalError, LambdaError, preflightError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import { type ClusterClient, nameOf, type ObjectRef } from './client.ts';
import { type ApiObject, isTrue, type Pod, type Workload } from './client-types.ts';
import { refusedPods, type Trouble, troubleOf, warningsIn } from './events.ts';
import { labelNames } from './labels.ts';
import { lastWords } from './logs-stream.ts';
import { hasReadiness, readinessOf } from './wait-ready.ts';

export interface WaitRequest {
  stack: string;
  component: string;
  namespace: string;
  /** Those applied; what carries out nothing is passed over. */
  objects: readonly ObjectRef[];
  /** ms from when a pod's containers could run until they must be ready. */
  startTimeoutMs: number;
}

const pollMs = 1_000;
/** Added for finding a node and pulling images, neither of which says anything about the component. */
const arrivalMs = 10 * 60_000;
const wordsLines = 15;

/**
 * Waits until everything that was applied for a component does its work, telling meanwhile how far it is, and gives up as soon as waiting
 * longer will not help.
 * @throws LambdaError IMAGE_PULL, CRASH_LOOP, QUOTA, POD_SECURITY, UNSCHEDULABLE, PVC_PENDING, CONTAINER_REFUSED, COMPONENT_FAILED; the
 * signal's reason when aborted, leaving all as it is
 */
export async function waitUntilReady(client: ClusterClient, request: WaitRequest, { emit, signal }: OperationContext): Promise<void> {
  const awaited = request.objects.filter(hasReadiness);
  const watch = new TroubleWatch(client, request);
  const begin = performance.now();
  /** When the last of the pods had all it needs to run. */
  let running: number | null = null;
  for (;;) {
    const states = await Promise.all(awaited.map((ref) => stateOf(client, ref, signal)));
    const waiting = states.find(({ ready }) => !ready);
    if (waiting === undefined) return;
    const pods = await podsOf(client, request, signal);
    const trouble = await watch.look(pods, states.flatMap(({ object }) => (object === null ? [] : [object])), signal);
    emit({
      type: 'progress',
      id: `start/${request.component}`,
      done: states.filter(({ ready }) => ready).length,
      total: awaited.length,
      unit: 'items',
      detail: line(waiting, pods, trouble, (performance.now() - begin) / 1000),
    });
    running = pods.length > 0 && pods.every(hasStarted) ? (running ?? performance.now()) : null;
    const late = performance.now() > (running === null ? begin + arrivalMs + request.startTimeoutMs : running + request.startTimeoutMs);
    if (late) throw await tooLate(client, request, waiting, pods, trouble, signal);
    await delay(pollMs, undefined, { signal });
  }
}

interface State {
  ref: ObjectRef;
  object: ApiObject | null;
  ready: boolean;
  detail: string;
}

async function stateOf(client: ClusterClient, ref: ObjectRef, signal: AbortSignal): Promise<State> {
  const object = await client.read(ref, signal);
  if (object === null) return { ref, object, ready: false, detail: 'it is gone' };
  return { ref, object, ...readinessOf(object) };
}

/** Pods of a component, without those that runs of its jobs made. */
export function podsOf(
  client: ClusterClient,
  { stack, component, namespace }: Pick<WaitRequest, 'stack' | 'component' | 'namespace'>,
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  const labels = `${labelNames.stack}=${stack},${labelNames.component}=${component},!${labelNames.run}`;
  return client.list<Pod>({ apiVersion: 'v1', kind: 'Pod' }, { namespace, labels }, signal);
}

const isReady = (pod: Pod): boolean => isTrue(pod.status?.conditions, 'Ready') && pod.metadata.deletionTimestamp === undefined;

/** Whether every main container was started, so that only the program itself keeps us waiting. */
function hasStarted({ spec, status }: Pod): boolean {
  const statuses = status?.containerStatuses ?? [];
  return statuses.length >= (spec?.containers.length ?? 1) && statuses.every(({ state }) => state?.waiting === undefined);
}

function line({ ref, detail }: State, pods: readonly Pod[], trouble: Trouble | null, seconds: number): string {
  const sick = pods.find((pod) => !isReady(pod));
  const why = trouble?.message ?? (sick === undefined ? detail : `${sick.metadata.name} ${phaseOf(sick)}`);
  return `${ref.metadata.name} ${seconds.toFixed(0)} s: ${why.split('\n', 1)[0]}`;
}

/** "starts", "pulls its image", … */
function phaseOf(pod: Pod): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'ends';
  if (pod.spec?.nodeName === undefined) return 'waits for a node';
  const preparing = pod.status?.initContainerStatuses?.find(({ state }) => state?.terminated === undefined);
  if (preparing !== undefined) return preparing.state?.running === undefined ? 'pulls its image' : `prepares (${preparing.name})`;
  return hasStarted(pod) ? 'starts' : 'pulls its image';
}

/** Remembers since when which trouble lasts, and throws the one whose time is over. */
class TroubleWatch {
  private readonly client: ClusterClient;
  private readonly request: WaitRequest;
  private readonly since = new Map<string, number>();

  constructor(client: ClusterClient, request: WaitRequest) {
    this.client = client;
    this.request = request;
  }

  async look(pods: readonly Pod[], objects: readonly ApiObject[], signal: AbortSignal): Promise<Trouble | null> {
    const sick = pods.filter((pod) => !isReady(pod) && pod.metadata.deletionTimestamp === undefined);
    const warnings = sick.length === 0 && pods.length > 0 ? [] : await warningsIn(this.client, this.request.namespace, signal);
    const found = [
      ...sick.map((pod) => troubleOf(pod, warnings)),
      // What has all its pods has no trouble making them, whatever an old event says.
      ...objects.filter((object) => lacksPods(object)).map((object) => refusedPods({ kind: object.kind, name: object.metadata.name }, warnings)),
    ].filter((each) => each !== null);
    const keys = new Set(found.map(({ code, of }) => `${code} ${of}`));
    for (const key of this.since.keys()) if (!keys.has(key)) this.since.delete(key);
    for (const trouble of found) {
      const key = `${trouble.code} ${trouble.of}`;
      const since = this.since.get(key) ?? performance.now();
      this.since.set(key, since);
      if (performance.now() - since >= trouble.patienceMs) throw await failed(this.client, this.request, trouble, signal);
    }
    await this.renew(sick, objects, signal);
    return found[0] ?? null;
  }

  /** A StatefulSet never replaces a pod that did not get ready, not even by one of its new version: that is left to whoever looks after it. */
  private async renew(sick: readonly Pod[], objects: readonly ApiObject[], signal: AbortSignal): Promise<void> {
    for (const set of objects.filter(({ kind }) => kind === 'StatefulSet')) {
      const { metadata, status }: Workload = set;
      const revision = status?.updateRevision;
      if (revision === undefined || (status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) continue;
      const old = sick.filter(
        (pod) =>
          pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true &&
          pod.metadata.labels?.['controller-revision-hash'] !== revision,
      );
      for (const pod of old) await this.client.remove(pod, 'Background', signal);
    }
  }
}

function lacksPods(object: ApiObject): boolean {
  const { spec, status }: Workload = object;
  return (status?.replicas ?? 0) < (spec?.replicas ?? 1);
}

async function failed(client: ClusterClient, { component, namespace }: WaitRequest, trouble: Trouble, signal: AbortSignal) {
  const { code, message, actions, details, log } = trouble;
  const words = log === null ? [] : await lastWords(client, { namespace, ...log }, wordsLines, signal);
  const indented = words.map((text) => `\n  ${text}`).join('');
  const build = code === 'QUOTA' || code === 'POD_SECURITY' || code === 'UNSCHEDULABLE' ? preflightError : externalError;
  return build(`${component}: ${message}${indented}`, {
    code,
    actions: [
      ...actions,
      ...(log === null ? [] : [`See more of what it said: lambdactl logs ${component}`]),
      'Then run the same command again.',
    ],
    details: { component, ...details, log: words },
    retryable: true,
  });
}

async function tooLate(
  client: ClusterClient,
  request: WaitRequest,
  { ref, detail }: State,
  pods: readonly Pod[],
  trouble: Trouble | null,
  signal: AbortSignal,
): Promise<LambdaError> {
  const { component, namespace, startTimeoutMs } = request;
  const pod = pods.find((each) => !isReady(each));
  const container = pod?.status?.containerStatuses?.find(({ ready }) => !ready)?.name;
  const words =
    pod === undefined || container === undefined
      ? []
      : await lastWords(client, { namespace, pod: pod.metadata.name, container, previous: false }, wordsLines, signal);
  const indented = words.map((text) => `\n  ${text}`).join('');
  const why = trouble?.message ?? detail;
  return externalError(`${nameOf(ref)} did not become ready within ${Math.round(startTimeoutMs / 1000)} s: ${why}${indented}`, {
    code: 'COMPONENT_FAILED',
    actions: [`See more of what it said: lambdactl logs ${component}`, 'Then run the same command again.'],
    details: { component, instance: ref.metadata.name, reason: 'timeout', detail: why, log: words },
    retryable: true,
  });
}
