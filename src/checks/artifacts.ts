import { formatBytes } from '../core/units.ts';
import { upCommand } from './commands.ts';
import type { MachineCheck } from './machine.ts';

/** Every artifact of the chosen components is installed and whole; sizes only, `artifacts verify` reads every byte. */
export const artifacts: MachineCheck = {
  name: 'artifacts',
  area: 'artifacts',
  title: 'what the components need is installed and whole',
  needs: [],
  async run({ artifacts: ask, wanted, paths }) {
    const facts = await ask();
    const damaged = facts.filter(({ state }) => state === 'damaged');
    const missing = facts.filter(({ state }) => state === 'missing');
    const download = missing.reduce((sum, { downloadBytes }) => sum + downloadBytes, 0);
    const bytes = facts.reduce((sum, each) => sum + (each.state === 'installed' ? each.bytes : 0), 0);
    const detail =
      missing.length > 0
        ? `${facts.length - missing.length - damaged.length} of ${facts.length} installed, ${formatBytes(download)} to download at the next \`up\``
        : `${facts.length} installed, ${formatBytes(bytes)}`;
    const fix = { command: upCommand({ wanted, paths }), safe: true };
    return {
      detail,
      findings: [
        ...damaged.map(({ name, version }) => ({
          severity: 'error' as const,
          what: `artifact ${name} ${version} is damaged: files are missing or of another size`,
          why: 'Components that use it fail at the next start; `up` installs it anew.',
          fix,
        })),
        // Before the first `up` nothing is installed, and nothing is wrong with that.
        ...(wanted.length === 0 ? [] : missing).map(({ name, version, downloadBytes }) => ({
          severity: 'error' as const,
          what: `artifact ${name} ${version} is not installed (${formatBytes(downloadBytes)} to download)`,
          why: 'Components that use it do not start again without it.',
          fix,
        })),
      ],
    };
  },
};
