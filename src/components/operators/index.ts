import type { ComponentName } from '../../platform/pipeline.ts';
import type { HelmRelease, KubernetesContext, KubernetesObject, OperatorDelivery } from '../kubernetes.ts';
import { airflowOperator } from './airflow.ts';
import { clickhouseOperator } from './clickhouse.ts';
import { connectOperator } from './connect.ts';
import { kafkaOperator } from './kafka.ts';
import { monitoringObjects, monitoringRelease } from './monitoring.ts';
import { postgresOperator } from './postgres.ts';
import { sealedSecretsObjects, sealedSecretsRelease } from './sealed-secrets.ts';
import { sparkOperator } from './spark.ts';

export { sealedSecretsController } from './sealed-secrets.ts';

const deliveries: Partial<Record<ComponentName, OperatorDelivery>> = {
  postgres: postgresOperator,
  kafka: kafkaOperator,
  connect: connectOperator,
  clickhouse: clickhouseOperator,
  spark: sparkOperator,
  airflow: airflowOperator,
};

/** What upstream operators and charts deliver: null where a component is always our own StatefulSet. */
export function operatorOf(component: ComponentName): OperatorDelivery | null {
  return deliveries[component] ?? null;
}

/** Charts that belong to no component: installed before all others, in this order. */
export interface Addon {
  name: 'sealed-secrets' | 'monitoring';
  releases: readonly HelmRelease[];
  objects: readonly KubernetesObject[];
}

/** Sealed secrets always; Prometheus, dashboards and rules where the profile wants them. */
export function addonsOf(context: KubernetesContext): readonly Addon[] {
  const { monitoring } = context.profile.kubernetes;
  return [
    { name: 'sealed-secrets', releases: sealedSecretsRelease(context), objects: sealedSecretsObjects(context) },
    ...(monitoring
      ? [{ name: 'monitoring' as const, releases: monitoringRelease(context), objects: monitoringObjects(context) }]
      : []),
  ];
}

/**
 * Whether an object can only be applied when these releases are installed, because one of them brings its kind. All others are to be
 * applied before: the releases' pods name Secrets among them, and Helm waits for those pods.
 */
export function comesAfter({ apiVersion, kind }: KubernetesObject, releases: readonly HelmRelease[]): boolean {
  const [group] = apiVersion.split('/');
  return releases.some(({ brings }) => brings.includes(`${group}/${kind}`));
}
