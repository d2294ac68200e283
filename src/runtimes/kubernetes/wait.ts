import { setTimeout as delay } from 'node:timers/promises';
import { externalError, type LambdaError, preflightError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import { type ClusterClient, nameOf, type ObjectRef } from './client.ts';
import { type ApiObject, isTrue, type Pod } from './client-types.ts';
import type { Trouble } from './events.ts';
import { labelNames } from './labels.ts';
import { lastWords } from './logs-stream.ts';
import { hasReadiness, readinessOf } from './wait-ready.ts';
import { TroubleWatch } from './wait-trouble.ts';

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
export async function waitUntilReady(
  client: ClusterClient,
  request: WaitRequest,
  { emit, signal }: OperationContext,
): Promise<void> {
  const awaited = request.objects.filter(hasReadiness);
  const watch = new TroubleWatch(client, request.namespace);
  const begin = performance.now();
  /** When the last of the pods had all it needs to run. */
  let running: number | null = null;
  for (;;) {
    const states = await Promise.all(awaited.map((ref) => stateOf(client, ref, signal)));
    const waiting = states.find(({ ready }) => !ready);
    if (waiting === undefined) return;
    const pods = await podsOf(client, request, signal);
    const objects = states.flatMap(({ object }) => (object === null ? [] : [object]));
    const { trouble, final } = await watch.look(pods, objects, signal);
    if (final && trouble !== null) throw await failed(client, request, trouble, signal);
    emit({
      type: 'progress',
      id: `start/${request.component}`,
      done: states.filter(({ ready }) => ready).length,
      total: awaited.length,
      unit: 'items',
      detail: line(waiting, pods, trouble, (performance.now() - begin) / 1000),
    });
    running = pods.length > 0 && pods.every(hasStarted) ? (running ?? performance.now()) : null;
    const late =
      performance.now() >
      (running === null ? begin + arrivalMs + request.startTimeoutMs : running + request.startTimeoutMs);
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

/** Serving, and not on its way out. */
export const isReady = (pod: Pod): boolean =>
  isTrue(pod.status?.conditions, 'Ready') && pod.metadata.deletionTimestamp === undefined;

/** Whether every main container was started, so that only the program itself keeps us waiting. */
function hasStarted({ spec, status }: Pod): boolean {
  const statuses = status?.containerStatuses ?? [];
  return (
    statuses.length >= (spec?.containers.length ?? 1) && statuses.every(({ state }) => state?.waiting === undefined)
  );
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
  if (preparing !== undefined)
    return preparing.state?.running === undefined ? 'pulls its image' : `prepares (${preparing.name})`;
  return hasStarted(pod) ? 'starts' : 'pulls its image';
}

async function failed(
  client: ClusterClient,
  { component, namespace }: WaitRequest,
  trouble: Trouble,
  signal: AbortSignal,
) {
  const { code, message, actions, details, log } = trouble;
  const words = log === null ? [] : await lastWords(client, { namespace, ...log }, wordsLines, signal);
  const indented = words.map((text) => `\n  ${text}`).join('');
  const build =
    code === 'QUOTA' || code === 'POD_SECURITY' || code === 'UNSCHEDULABLE' ? preflightError : externalError;
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
  return externalError(
    `${nameOf(ref)} did not become ready within ${Math.round(startTimeoutMs / 1000)} s: ${why}${indented}`,
    {
      code: 'COMPONENT_FAILED',
      actions: [`See more of what it said: lambdactl logs ${component}`, 'Then run the same command again.'],
      details: { component, instance: ref.metadata.name, reason: 'timeout', detail: why, log: words },
      retryable: true,
    },
  );
}
