import { cpus, loadavg, release, type } from 'node:os';

/** Model of the first processor. */
export const processorModel = (): string => cpus()[0]?.model.trim() ?? 'unknown processor';

/** Name and version of the kernel. */
export const operatingSystem = (): string => `${type()} ${release()}`;

/** Load average of the last minute; 0 where the system keeps none. */
export const loadAverage = (): number => loadavg()[0] ?? 0;

/** CPU time of all processes on all cores since boot, seconds; null where the system does not tell. */
export function busySeconds(): number | null {
  const times = cpus().map((cpu) => cpu.times);
  if (times.length === 0) return null;
  return times.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, 0) / 1000;
}
