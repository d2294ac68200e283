import { formatBytes } from '../core/units.ts';
import type { Finding } from './contract.ts';
import type { MachineCheck, MachineContext } from './machine.ts';

/** A JVM alone has some hundred threads; the whole platform about a thousand. */
const enoughProcesses = 2_000;

/** Limits of the container or slice that are lower than the machine; what they cost is measured elsewhere (memory, cores). */
export const cgroup: MachineCheck = {
  name: 'cgroup',
  area: 'host',
  title: 'limits of the container this runs in',
  needs: [],
  async run(context) {
    const { memoryLimitBytes, cpuQuota, machine, cgroupProcesses } = context.host;
    const limits = [
      ...(memoryLimitBytes !== null && memoryLimitBytes < machine.memoryBytes
        ? [`${formatBytes(memoryLimitBytes)} of ${formatBytes(machine.memoryBytes)} memory`]
        : []),
      ...(cpuQuota !== null && cpuQuota < machine.cores ? [`${round(cpuQuota)} of ${machine.cores} cores`] : []),
      ...(cgroupProcesses === null ? [] : [`${cgroupProcesses.used} of ${cgroupProcesses.limit} processes in use`]),
    ];
    const detail = limits.length === 0 ? 'no limit below the machine' : limits.join(', ');
    return { detail, findings: [...fractionOfACore(context), ...tooFewProcesses(context)] };
  },
};

function fractionOfACore({ host: { cpuQuota }, profile }: MachineContext): Finding[] {
  if (cpuQuota === null || cpuQuota >= profile.minimumCores) return [];
  return [
    {
      severity: 'warning',
      what: `the container grants ${round(cpuQuota)} cores' worth of CPU time, profile ${profile.name} counts on ${profile.minimumCores}`,
      why: 'Everything is halted for the rest of each period once the quota is used up: latency grows in jumps.',
      fix: null,
    },
  ];
}

function tooFewProcesses({ host: { cgroupProcesses } }: MachineContext): Finding[] {
  if (cgroupProcesses === null || cgroupProcesses.limit - cgroupProcesses.used >= enoughProcesses) return [];
  const { limit, used } = cgroupProcesses;
  return [
    {
      severity: 'warning',
      what: `the container allows ${limit} processes and threads, ${used} are in use`,
      why: 'A JVM that cannot make a thread ends with "unable to create native thread".',
      fix: null,
    },
  ];
}

const round = (value: number): string => String(Math.round(value * 100) / 100);
