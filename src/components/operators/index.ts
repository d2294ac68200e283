import type { ComponentName } from '../../platform/pipeline.ts';
import type { HelmRelease, KubernetesContext, KubernetesObject, OperatorDelivery } from '../kubernetes.ts';

export { type Readiness, readinessOf } from './readiness.ts';

/** What upstream operators and charts deliver: null where a component is always our own StatefulSet. */
export function operatorOf(component: ComponentName): OperatorDelivery | null {
  return deliveries[component] ?? null;
}

const deliveries: Partial<Record<ComponentName, OperatorDelivery>> = {};

/** Charts that belong to no component: installed before all others, in this order. */
export interface Addon {
  name: 'sealed-secrets' | 'monitoring';
  releases: readonly HelmRelease[];
  objects: readonly KubernetesObject[];
}

/** Sealed secrets always; Prometheus, dashboards and rules where the profile wants them. */
export function addonsOf(_context: KubernetesContext): readonly Addon[] {
  return [];
}
