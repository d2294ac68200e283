import { join } from 'node:path';
import { formatDuration } from '../core/units.ts';
import { readJournal } from '../state/journal.ts';
import { modifiedAt } from '../system/file-system.ts';
import type { Finding } from './contract.ts';
import type { MachineCheck } from './machine.ts';

/** Clocks of file servers differ a little; a clock that was set back differs a lot. */
const toleranceMs = 5 * 60_000;

/** Whether the clock can be right: not before lambdactl was installed, nor before what the stack wrote down last. */
export const clock: MachineCheck = {
  name: 'clock',
  area: 'host',
  title: 'plausibility of the clock',
  needs: [],
  async run({ now, paths, projectRoot }) {
    const installed = await modifiedAt(join(projectRoot, 'package.json'));
    const entries = await readJournal(paths);
    const written = entries.reduce((latest, { time }) => Math.max(latest, Date.parse(time) || 0), 0);
    return {
      detail: `it is ${new Date(now).toISOString().slice(0, 19)}Z`,
      findings: [
        ...behind(now, installed ?? 0, 'this lambdactl was installed'),
        ...behind(now, written, `stack "${paths.stack}" last wrote its journal`),
      ],
    };
  },
};

function behind(now: number, earlier: number, event: string): Finding[] {
  if (now >= earlier - toleranceMs) return [];
  return [
    {
      severity: 'error',
      what: `the clock is ${formatDuration(earlier - now)} behind the time at which ${event}`,
      why: 'Events get wrong times and fall out of watermarks, certificates and retention count wrongly.',
      fix: null,
    },
  ];
}
