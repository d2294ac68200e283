import type { ComponentDefinition } from '../../components/contract.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import { isActive } from '../../supervisor/machine.ts';
import type { DesiredStack, ObservedStack, PlanItem } from '../contract.ts';

type Hashes = (definition: ComponentDefinition) => Promise<ReadonlyMap<string, string> | null>;

/** Desired against observed, instance by instance. */
export async function planStack(desired: DesiredStack, observed: ObservedStack, hashesOf: Hashes): Promise<PlanItem[]> {
  const items: PlanItem[] = [];
  const wanted = new Set<string>();
  for (const definition of desired.components) {
    const instances = definition.instances(desired.profile);
    const anyRuns = observed.services.some(({ name, state }) => instances.includes(name) && isActive(state));
    const hashes = anyRuns ? await hashesOf(definition) : null;
    for (const instance of instances) {
      wanted.add(instance);
      items.push({
        component: definition.name,
        instance,
        ...decide(instance, observed, hashes),
      });
    }
  }
  for (const { name, component, state } of observed.services) {
    if (wanted.has(name) || !isActive(state)) continue;
    // Services carry the name of the component that rendered them.
    items.push({
      component: component as ComponentName,
      instance: name,
      action: 'stop',
      reason: 'not part of this stack',
    });
  }
  return items;
}

function decide(
  instance: string,
  { services, supervisorPid }: ObservedStack,
  hashes: ReadonlyMap<string, string> | null,
): Pick<PlanItem, 'action' | 'reason'> {
  const service = services.find(({ name }) => name === instance);
  if (service === undefined || !isActive(service.state)) {
    return { action: 'start', reason: service?.state === 'failed' ? 'failed before' : 'not running' };
  }
  if (supervisorPid === null) return { action: 'restart', reason: 'runs without a supervisor' };
  const hash = hashes?.get(instance);
  if (hash === undefined) return { action: 'restart', reason: 'runs with another configuration' };
  if (hash !== service.specHash) return { action: 'restart', reason: 'its configuration changed' };
  return { action: 'keep', reason: service.state };
}
