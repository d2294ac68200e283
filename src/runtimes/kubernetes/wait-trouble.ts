import { type ClusterClient, fieldManager } from './client.ts';
import { type ApiObject, type ClusterEvent, isTrue, type Pod, type Workload } from './client-types.ts';
import { refusedPods, type Trouble, timeOf, troubleOf, warningsIn } from './events.ts';

export interface Look {
  trouble: Trouble | null;
  /** It lasts for longer than it may. */
  final: boolean;
}

/** Set on a workload that makes no pods, so that its controller tries at once. */
const triedAnnotation = 'lambdactl.dev/tried-at';

/** Watches over what a component's pods lack, gives a new try to what failed before this run, and knows how long each trouble may last. */
export class TroubleWatch {
  private readonly client: ClusterClient;
  private readonly namespace: string;
  private readonly since = new Map<string, number>();
  /** Warnings that were there before we came, as they were then: of these nothing is known until they are repeated. */
  private before: ReadonlyMap<string, string> | null = null;

  constructor(client: ClusterClient, namespace: string) {
    this.client = client;
    this.namespace = namespace;
  }

  async look(pods: readonly Pod[], objects: readonly ApiObject[], signal: AbortSignal): Promise<Look> {
    const sick = pods.filter(
      (pod) => !isTrue(pod.status?.conditions, 'Ready') && pod.metadata.deletionTimestamp === undefined,
    );
    const lacking = objects.filter(lacksPods);
    const warnings =
      sick.length === 0 && lacking.length === 0 && this.before !== null
        ? []
        : await warningsIn(this.client, this.namespace, signal);
    const first = this.before === null;
    this.before ??= new Map(warnings.map((event) => [event.metadata.name, markOf(event)]));
    if (first) await this.tryAgain(sick, lacking, warnings, signal);
    const stale = first ? [] : await this.renew(sick, objects, signal);
    const repeated = warnings.filter((event) => this.before?.get(event.metadata.name) !== markOf(event));
    const found = [
      ...sick.filter((pod) => !first && !stale.includes(pod)).map((pod) => troubleOf(pod, warnings)),
      ...lacking.map(({ kind, metadata: { name } }) => refusedPods({ kind, name }, repeated)),
    ].filter((each) => each !== null);
    const over = this.overdue(found);
    return { trouble: over ?? found[0] ?? null, final: over !== undefined };
  }

  private overdue(found: readonly Trouble[]): Trouble | undefined {
    const keyOf = ({ code, of }: Trouble) => `${code} ${of}`;
    const keys = new Set(found.map(keyOf));
    for (const key of this.since.keys()) if (!keys.has(key)) this.since.delete(key);
    for (const trouble of found) this.since.set(keyOf(trouble), this.since.get(keyOf(trouble)) ?? performance.now());
    return found.find((trouble) => performance.now() - (this.since.get(keyOf(trouble)) ?? 0) >= trouble.patienceMs);
  }

  /**
   * What failed before this run waits for up to minutes until it is tried again, although its cause may be gone: pods that crashed or lack
   * their image are made anew, and who was not let make pods is woken.
   */
  private async tryAgain(
    sick: readonly Pod[],
    lacking: readonly ApiObject[],
    warnings: readonly ClusterEvent[],
    signal: AbortSignal,
  ) {
    for (const pod of sick.filter(isOfStatefulSet)) {
      const code = troubleOf(pod, warnings)?.code;
      if (code === 'CRASH_LOOP' || code === 'IMAGE_PULL' || code === 'CONTAINER_REFUSED')
        await this.client.remove(pod, 'Background', signal);
    }
    for (const { apiVersion, kind, metadata } of lacking.filter(({ kind }) => kind === 'StatefulSet')) {
      if (refusedPods({ kind, name: metadata.name }, warnings) === null) continue;
      const annotations = { [triedAnnotation]: new Date().toISOString() };
      const object = { apiVersion, kind, metadata: { name: metadata.name, namespace: this.namespace, annotations } };
      await this.client.apply(object, signal, { manager: `${fieldManager}-wait` });
    }
  }

  /**
   * A StatefulSet never replaces a pod that did not get ready, not even by one of its new version: that is left to whoever looks after it.
   * @returns pods of another version than the one that is waited for
   */
  private async renew(
    sick: readonly Pod[],
    objects: readonly ApiObject[],
    signal: AbortSignal,
  ): Promise<readonly Pod[]> {
    const stale: Pod[] = [];
    for (const set of objects.filter(({ kind }) => kind === 'StatefulSet')) {
      const { metadata, status }: Workload = set;
      const own = sick.filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true);
      const seen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
      const old = own.filter(
        (pod) => !seen || pod.metadata.labels?.['controller-revision-hash'] !== status?.updateRevision,
      );
      stale.push(...old);
      if (seen) for (const pod of old) await this.client.remove(pod, 'Background', signal);
    }
    return stale;
  }
}

const isOfStatefulSet = ({ metadata }: Pod): boolean =>
  metadata.ownerReferences?.some(({ kind }) => kind === 'StatefulSet') === true;

const markOf = (event: ClusterEvent): string => `${event.metadata.resourceVersion ?? ''} ${timeOf(event)}`;

/** Whether it has fewer pods than it is to have; one that has all of them has no trouble making them, whatever an old event says. */
function lacksPods({ spec, status }: Workload): boolean {
  return (status?.replicas ?? 0) < (spec?.replicas ?? 1);
}
