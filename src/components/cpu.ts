import type { ComponentName } from '../platform/pipeline.ts';
import type { Profile } from '../platform/profile.ts';

/**
 * Millicores that a container asks for on a machine of two cores. All of them together with a small cluster's own pods stay below two
 * cores: a request is what the scheduler keeps free, and these processes idle most of the time. There is no CPU limit on purpose: it would
 * throttle a start or a burst while cores stand idle, and requests already share out a busy node.
 */
const millicores: Record<ComponentName | 'job', number> = {
  postgres: 50,
  kafka: 100,
  clickhouse: 100,
  spark: 200,
  connect: 100,
  registry: 50,
  objectstore: 50,
  warehouse: 50,
  airflow: 25,
  // Several at once: two tasks of Airflow's, and what the user runs.
  job: 50,
};

/** As Kubernetes writes it, e.g. "100m". A profile for bigger machines asks for more, up to half a core. */
export function cpuRequest(who: ComponentName | 'job', { minimumCores }: Profile): string {
  return `${Math.min(500, Math.round((millicores[who] * minimumCores) / 2))}m`;
}
