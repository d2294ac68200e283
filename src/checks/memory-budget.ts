import { formatBytes } from '../core/units.ts';
import { commandFor } from './commands.ts';
import type { MachineCheck } from './machine.ts';

/** Measures vary with page cache and merges; beyond this it is no variation. */
const tolerance = 1.25;

/** Memory of each service against its budget in the profile. */
export const memoryBudget: MachineCheck = {
  name: 'memory-budget',
  area: 'components',
  title: 'memory of each service against its budget',
  needs: [],
  async run({ services, profile, paths }) {
    const budgets: Readonly<Record<string, { memoryMiB: number }>> = profile.components;
    const measured = services.flatMap(({ name, component, pssBytes, pid }) => {
      const budget = budgets[component]?.memoryMiB;
      return pssBytes === null || pid === null || budget === undefined
        ? []
        : [{ name, pssBytes, budget: budget * 1_048_576 }];
    });
    if (measured.length === 0) return { detail: 'nothing was measured yet', findings: [] };
    const total = measured.reduce((sum, { pssBytes }) => sum + pssBytes, 0);
    const planned = measured.reduce((sum, { budget }) => sum + budget, 0);
    return {
      detail: `${formatBytes(total)} of ${formatBytes(planned)} budgeted for what runs`,
      findings: measured
        .filter(({ pssBytes, budget }) => pssBytes > tolerance * budget)
        .map(({ name, pssBytes, budget }) => ({
          severity: 'warning' as const,
          what: `${name} takes ${formatBytes(pssBytes)}, its budget in profile ${profile.name} is ${formatBytes(budget)}`,
          why: 'The sum of the budgets is what the machine was found big enough for.',
          fix: { command: commandFor({ paths }, `restart ${name}`), safe: false },
        })),
    };
  },
};
