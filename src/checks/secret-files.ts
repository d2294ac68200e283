import { join } from 'node:path';
import { setMode } from '../system/file-system.ts';
import { modeOf } from '../system/files.ts';
import type { MachineCheck } from './machine.ts';

/** Files that hold secrets are closed to everybody else. */
export const secretFiles: MachineCheck = {
  name: 'secret-files',
  area: 'secrets',
  title: 'rights of files that hold secrets',
  needs: [],
  async run({ paths }) {
    const files = [paths.secretsFile, join(paths.home, 'secrets.key'), paths.observedFile];
    const modes = await Promise.all(files.map(async (path) => ({ path, mode: await modeOf(path) })));
    const present = modes.flatMap(({ path, mode }) => (mode === null ? [] : [{ path, mode }]));
    return {
      detail: present.length === 0 ? 'none yet' : `${present.length} files, closed to others`,
      findings: present
        .filter(({ mode }) => (mode & 0o077) !== 0)
        .map(({ path, mode }) => ({
          severity: 'error' as const,
          what: `${path} has mode ${mode.toString(8).padStart(4, '0')}`,
          why: 'Other users of this machine can read it, and with the key every password of every stack.',
          fix: { command: `chmod 600 ${path}`, safe: true },
          mend: async () => {
            await setMode(path, 0o600);
            return 'closed to others (0600)';
          },
        })),
    };
  },
};
