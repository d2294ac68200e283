import { cpuRequest } from '../../components/cpu.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';

const mebibyte = 1024 * 1024;
/** Limits are rounded up to it. */
const stepMiB = 32;

/** Beyond the budget, which is what a component holds in its steady state: page cache of mapped files, a burst. */
const limitFactor = 1.25;

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
    requests: { cpu: cpuRequest(who, profile), memory: `${memoryMiB}Mi` },
    limits: { memory: `${Math.ceil(limitMiB / stepMiB) * stepMiB}Mi` },
  };
}

/** "512Mi", "2Gi", "1073741824" → MiB. @throws Error for what is none of these */
export function mebibytesOf(quantity: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|)$/.exec(quantity) ?? [];
  const factor = { Ki: 1 / 1024, Mi: 1, Gi: 1024, '': 1 / mebibyte }[unit ?? 'none'];
  if (count === undefined || factor === undefined) throw new Error(`${quantity} is no amount of memory`);
  return Number(count) * factor;
}
