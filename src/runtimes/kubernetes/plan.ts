import type { KubernetesObject } from '../../components/kubernetes.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { DesiredStack, ObservedStack, PlanItem } from '../contract.ts';
import { withHash } from './apply.ts';
import type { ClusterClient } from './client.ts';
import type { ApiObject, Workload } from './client-types.ts';
import { specHashAnnotation } from './labels.ts';
import type { RenderedCluster } from './render.ts';
import { hasReadiness, readinessOf } from './wait-ready.ts';

/**
 * Desired against what the cluster holds, workload by workload.
 * @param rendered null where it cannot be told yet what would be applied: before the first `up`
 */
export async function planCluster(
  client: ClusterClient,
  desired: DesiredStack,
  rendered: RenderedCluster | null,
  observed: ObservedStack,
  signal: AbortSignal,
): Promise<PlanItem[]> {
  const items: PlanItem[] = [];
  for (const definition of desired.components) {
    const { name: component } = definition;
    const workloads = (rendered?.components.get(component)?.objects ?? []).filter(hasReadiness);
    if (workloads.length === 0) {
      items.push(...definition.instances(desired.profile).map((instance) => unknown(component, instance, observed)));
    }
    for (const object of workloads) {
      const verdict = decide(object, await client.read(object, signal));
      items.push(
        ...instancesOf(object, definition.instances(desired.profile)).map((instance) => ({
          component,
          instance,
          ...verdict,
        })),
      );
    }
  }
  const wanted = new Set<string>(desired.components.map(({ name }) => name));
  for (const { name, component, startedAt } of observed.services) {
    if (wanted.has(component) || startedAt === null) continue;
    // Pods carry the name of the component that rendered them.
    items.push({
      component: component as ComponentName,
      instance: name,
      action: 'stop',
      reason: 'not part of this stack',
    });
  }
  return items;
}

function unknown(component: ComponentName, instance: string, { services }: ObservedStack): PlanItem {
  const runs = services.some((each) => each.component === component && each.startedAt !== null);
  return runs
    ? { component, instance, action: 'restart', reason: 'runs with another configuration' }
    : { component, instance, action: 'start', reason: 'not running' };
}

/** A pod of our own holds one instance a container; an operator's object is named as it is. */
function instancesOf(object: KubernetesObject, instances: readonly string[]): readonly string[] {
  // Of an object without containers nothing is found.
  const spec = object.spec as { template?: { spec?: { containers?: readonly { name: string }[] } } } | undefined;
  const own = (spec?.template?.spec?.containers ?? [])
    .map(({ name }) => name)
    .filter((name) => instances.includes(name));
  return own.length > 0 ? own : [object.metadata.name];
}

function decide(object: KubernetesObject, present: ApiObject | null): Pick<PlanItem, 'action' | 'reason'> {
  if (present === null) return { action: 'start', reason: 'not there' };
  const { spec }: Workload = present;
  if (spec?.replicas === 0) return { action: 'start', reason: 'not running' };
  const hash = withHash(object).metadata.annotations?.[specHashAnnotation];
  if (present.metadata.annotations?.[specHashAnnotation] !== hash)
    return { action: 'restart', reason: 'its configuration changed' };
  const { ready, detail } = readinessOf(present);
  return { action: 'keep', reason: ready ? 'healthy' : detail };
}
