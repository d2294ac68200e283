import { formatBytes } from '../core/units.ts';
import type { MachineCheck } from './machine.ts';

/** Below this nobody needs to bother. */
const worthTellingBytes = 256 * 1_048_576;

/** Versions on disk that this lambdactl does not use. */
export const unusedArtifacts: MachineCheck = {
  name: 'unused-artifacts',
  area: 'artifacts',
  title: 'old versions on disk',
  needs: [],
  async run({ unusedArtifacts: ask }) {
    const unused = await ask();
    const bytes = unused.reduce((sum, each) => sum + each.bytes, 0);
    const detail = unused.length === 0 ? 'none' : `${unused.length}, ${formatBytes(bytes)}`;
    if (bytes < worthTellingBytes) return { detail, findings: [] };
    const biggest = unused.toSorted((a, b) => b.bytes - a.bytes).slice(0, 3);
    return {
      detail,
      findings: [
        {
          severity: 'warning',
          what: `${unused.length} old versions take ${formatBytes(bytes)}: ${biggest.map(({ label }) => label).join(', ')}${unused.length > biggest.length ? ', …' : ''}`,
          why: 'They are kept for another lambdactl that shares this home; without one they only take room.',
          // Another version's stack may be running from them.
          fix: { command: 'lambdactl artifacts prune', safe: false },
        },
      ],
    };
  },
};
