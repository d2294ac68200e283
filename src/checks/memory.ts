import { formatBytes } from '../core/units.ts';
import { type MachineCheck, type MachineContext, mebibytesOf, neededMemoryMiB, tooSmall } from './machine.ts';

/** Of the swap in use, from which on pages of a running platform are likely to be among it. */
const swappedShare = 0.5;

/** Memory: whether the machine carries the profile, and whether what does not run yet still fits. */
export const memory: MachineCheck = {
  name: 'memory',
  area: 'host',
  title: 'memory for the profile, and what is free now',
  needs: [],
  preflight: true,
  async run(context) {
    const { host, profile } = context;
    const needed = neededMemoryMiB(context);
    const present = Math.round(mebibytesOf(host.memoryTotalBytes));
    if (present < needed) {
      const line = `memory: ${present} MiB here, profile ${profile.name} needs ${needed} MiB`;
      return { detail: line, findings: [tooSmall(line)] };
    }
    const { totalBytes, freeBytes } = host.swap;
    const swapped = totalBytes - freeBytes;
    const swap = totalBytes === 0 ? 'no swap' : `${formatBytes(swapped)} of ${formatBytes(totalBytes)} swap used`;
    const available = host.memoryAvailableBytes;
    const detail = `${formatBytes(available)} of ${formatBytes(host.memoryTotalBytes)} available, ${swap}`;
    const toCome = stillToCome(context);
    const crowded = available < toCome * 1_048_576;
    const swapping = swapped > swappedShare * totalBytes && available < 0.1 * host.memoryTotalBytes;
    if (!crowded && !swapping) return { detail, findings: [] };
    return {
      detail,
      findings: [
        {
          severity: 'warning' as const,
          what: crowded
            ? `${formatBytes(available)} of memory are available, and what does not run yet may take ${toCome} MiB`
            : `${formatBytes(available)} of memory are available and ${swap}`,
          why: 'The system swaps or ends processes when memory runs out; latency suffers first.',
          fix: null,
        },
      ],
    };
  },
};

/** Budget of what `up` would still start, MiB. */
function stillToCome({ chosen, services, profile, budgetMiB }: MachineContext): number {
  const runs = (name: string) => services.some(({ component, pid }) => component === name && pid !== null);
  if (!chosen.some(({ name }) => runs(name))) return budgetMiB;
  const budgets: Readonly<Record<string, { memoryMiB: number }>> = profile.components;
  return chosen.filter(({ name }) => !runs(name)).reduce((sum, { name }) => sum + (budgets[name]?.memoryMiB ?? 0), 0);
}
