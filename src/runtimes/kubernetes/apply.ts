import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesObject } from '../../components/kubernetes.ts';
import { LambdaError, usageError } from '../../core/errors.ts';
import { sorted } from '../sorted.ts';
import { type ClusterClient, fieldManager, nameOf, type ObjectRef } from './client.ts';
import type { ApiObject } from './client-types.ts';
import { type Inventory, isRelease, keyOf, madeAnnotation, sameObject } from './inventory.ts';
import { baseComponent, labelNames, specHashAnnotation } from './labels.ts';

export interface ApplyRequest {
  stack: string;
  /** Whose objects these are; "base" for what belongs to none. */
  component: string;
  /** All that there is to be of it, what others need first. */
  objects: readonly KubernetesObject[];
  /** What Helm installed for it, as the inventory names it; installing and uninstalling is not ours. */
  releases?: readonly ObjectRef[];
  /** These are only the first of them: what else there is of the component stays, and stays noted. */
  partly?: boolean;
}

export interface ApplyResult {
  created: readonly string[];
  changed: readonly string[];
  unchanged: number;
  pruned: readonly string[];
}

/** Under this manager `stop` sets what it takes back at the next start. */
export const stopManager = `${fieldManager}-stop`;

/**
 * Makes the cluster hold exactly these objects for the component: applies each (server-side, ours win), then deletes what an earlier apply
 * had and this one has not. What is to be applied is noted before the first change, so an interrupted apply loses nothing and the next one
 * converges. Objects that are not of this stack are never touched.
 * @throws LambdaError NAME_TAKEN before anything was changed; CLUSTER_…, QUOTA, POD_SECURITY; the signal's reason
 */
export async function applyComponent(
  client: ClusterClient,
  inventory: Inventory,
  { stack, component, objects, releases = [], partly = false }: ApplyRequest,
  signal: AbortSignal,
): Promise<ApplyResult> {
  const wanted = objects.map(withHash);
  const present = await readAll(client, wanted, signal);
  refuseForeign(wanted, present, stack);
  const before = (await inventory.read(signal)).get(component) ?? [];
  // The namespace that holds the inventory comes with the base itself.
  const noteFirst = component !== baseComponent;
  if (noteFirst) await inventory.write(component, [...before, ...wanted, ...releases], signal);
  const result = { created: [] as string[], changed: [] as string[], unchanged: 0 };
  for (const object of wanted) {
    signal.throwIfAborted();
    const known = present.get(keyOf(object)) ?? null;
    const applied = await applyOne(client, withMark(object, known), signal);
    if (known === null) result.created.push(nameOf(object));
    else if (known.metadata.resourceVersion === applied.metadata.resourceVersion) result.unchanged += 1;
    else result.changed.push(nameOf(object));
  }
  if (partly) return { ...result, pruned: [] };
  const gone = before.filter((ref) => !wanted.some((object) => sameObject(object, ref)));
  const pruned = await prune(client, gone, { stack, component }, signal);
  await inventory.write(component, [...wanted, ...releases], signal);
  return { ...result, pruned };
}

/** Deletes those that are still the stack's and of this component; claims stay, because they hold data. */
export async function prune(
  client: ClusterClient,
  refs: readonly ObjectRef[],
  { stack, component }: { stack: string; component: string },
  signal: AbortSignal,
): Promise<string[]> {
  const pruned: string[] = [];
  for (const ref of refs) {
    if (ref.kind === 'PersistentVolumeClaim' || ref.kind === 'Namespace' || isRelease(ref)) continue;
    const found = await client.read(ref, signal);
    const labels = found?.metadata.labels ?? {};
    if (found === null || labels[labelNames.stack] !== stack) continue;
    if (component !== baseComponent && labels[labelNames.component] !== component) continue;
    if (await client.remove(ref, 'Background', signal)) pruned.push(nameOf(ref));
  }
  return pruned;
}

/** Hash over what an object is to be, independent of the order of its keys; 32 hex digits. */
export function specHash(object: KubernetesObject): string {
  const { annotations = {}, ...metadata } = object.metadata;
  const { [specHashAnnotation]: _, ...others } = annotations;
  const text = JSON.stringify(sorted({ ...object, metadata: { ...metadata, annotations: others } }));
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** The object with the annotation by which `plan` knows it again; whoever rendered it may have put it there, and over more than the object. */
export function withHash(object: KubernetesObject): KubernetesObject {
  if (object.metadata.annotations?.[specHashAnnotation] !== undefined) return object;
  const annotations = { ...object.metadata.annotations, [specHashAnnotation]: specHash(object) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

async function readAll(client: ClusterClient, objects: readonly ObjectRef[], signal: AbortSignal) {
  const found = await Promise.all(objects.map((object) => client.read(object, signal)));
  const present = new Map<string, ApiObject>();
  for (const [index, object] of objects.entries()) {
    const there = found[index];
    if (there != null) present.set(keyOf(object), there);
  }
  return present;
}

function refuseForeign(
  wanted: readonly KubernetesObject[],
  present: ReadonlyMap<string, ApiObject>,
  stack: string,
): void {
  const foreign = wanted.flatMap((object) => {
    const found = present.get(keyOf(object));
    const owner = found?.metadata.labels?.[labelNames.stack];
    return found === undefined || owner === stack ? [] : [{ name: nameOf(object), owner: owner ?? null }];
  });
  const [first] = foreign;
  if (first === undefined) return;
  const namespaces = foreign.some(({ name }) => name.startsWith('Namespace '));
  const who = first.owner === null ? 'is not of lambdactl' : `is of stack "${first.owner}"`;
  const rest = foreign.length > 1 ? `, as ${foreign.length - 1} more` : '';
  throw usageError(`${first.name} exists already and ${who}${rest}; nothing was changed.`, {
    code: 'NAME_TAKEN',
    details: { objects: foreign },
    actions: [
      'Name other namespaces in a profile of your own: kubernetes.namespaces (docs/kubernetes.md).',
      ...(namespaces
        ? [`Or hand it over to this stack: kubectl label ${first.name.toLowerCase()} ${labelNames.stack}=${stack}`]
        : []),
    ],
  });
}

/** A namespace that we make is told from one that was handed to us, which is never deleted. */
function withMark(object: KubernetesObject, known: ApiObject | null): KubernetesObject {
  if (object.kind !== 'Namespace') return object;
  if (known !== null && known.metadata.annotations?.[madeAnnotation] === undefined) return object;
  const annotations = { ...object.metadata.annotations, [madeAnnotation]: 'true' };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

const unchangeable =
  /updates to \w+ spec for fields other than|field is immutable|may not change once set|Forbidden: (?:may not be changed|updates to)/;

async function applyOne(client: ClusterClient, object: KubernetesObject, signal: AbortSignal): Promise<ApiObject> {
  try {
    return await client.apply(object, signal);
  } catch (error) {
    if (!(error instanceof LambdaError) || !unchangeable.test(error.message)) throw error;
    // A claim holds data: it is never made anew.
    if (object.kind === 'PersistentVolumeClaim') throw error;
    // Pods of a StatefulSet stay and are taken over by the new one, which then replaces them in its own order.
    await client.remove(object, object.kind === 'StatefulSet' ? 'Orphan' : 'Foreground', signal);
    await waitUntilGone(client, object, signal);
    return client.apply(object, signal);
  }
}

/** @throws LambdaError STILL_THERE after `patienceMs` */
export async function waitUntilGone(
  client: ClusterClient,
  ref: ObjectRef,
  signal: AbortSignal,
  patienceMs = 120_000,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while ((await client.read(ref, signal)) !== null) {
    if (performance.now() > end) {
      throw new LambdaError(`${nameOf(ref)} is still there ${Math.round(patienceMs / 1000)} s after it was deleted.`, {
        code: 'STILL_THERE',
        category: 'external',
        retryable: true,
        actions: [
          `See what holds it: kubectl describe ${ref.kind.toLowerCase()} ${ref.metadata.name}${ref.metadata.namespace === undefined ? '' : ` -n ${ref.metadata.namespace}`}`,
          'Then run the same command again.',
        ],
      });
    }
    await delay(300, undefined, { signal });
  }
}
