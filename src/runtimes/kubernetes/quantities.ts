import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';

const mebibyte = 1024 * 1024;
/** Limits are rounded up to it. */
const stepMiB = 32;

/** Beyond the budget, which is what a component holds in its steady state: page cache of mapped files, a burst. */
const limitFactor = 1.25;

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
  job: 100,
};

export interface Resources {
  requests: { cpu: string; memory: string };
  limits: { memory: string };
}

/**
 * @param memoryBytes the profile's budget, which is the request
 * @param childBytes what programs that it starts may take now and then: in the limit alone
 */
export function resourcesFor(
  who: ComponentName | 'job',
  memoryBytes: number,
  profile: Profile,
  childBytes = 0,
): Resources {
  const memoryMiB = Math.ceil(memoryBytes / mebibyte);
  const limitMiB = memoryMiB * limitFactor + childBytes / mebibyte;
  return {
    requests: { cpu: `${cpuOf(who, profile)}m`, memory: `${memoryMiB}Mi` },
    limits: { memory: `${Math.ceil(limitMiB / stepMiB) * stepMiB}Mi` },
  };
}

/** A profile for bigger machines asks for more, up to half a core. */
function cpuOf(who: ComponentName | 'job', { minimumCores }: Profile): number {
  return Math.min(500, Math.round((millicores[who] * minimumCores) / 2));
}

/** "512Mi", "2Gi", "1073741824" → MiB. @throws Error for what is none of these */
export function mebibytesOf(quantity: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|)$/.exec(quantity) ?? [];
  const factor = { Ki: 1 / 1024, Mi: 1, Gi: 1024, '': 1 / mebibyte }[unit ?? 'none'];
  if (count === undefined || factor === undefined) throw new Error(`${quantity} is no amount of memory`);
  return Number(count) * factor;
}
