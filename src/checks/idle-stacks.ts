import { formatBytes } from '../core/units.ts';
import { readObserved } from '../state/observed.ts';
import { stackPaths } from '../state/paths.ts';
import { stackNames } from '../state/ports.ts';
import { diskUse } from '../system/exec.ts';
import { fileSystemOf } from '../system/file-system.ts';
import { isAlive } from '../system/process.ts';
import { commandFor } from './commands.ts';
import type { MachineCheck } from './machine.ts';

/** Where less is left, what lies idle is worth telling. */
const scarceShare = 0.15;

/** Stacks that are down and keep their data; told when the disk gets short. */
export const idleStacks: MachineCheck = {
  name: 'idle-stacks',
  area: 'host',
  title: 'other stacks that are down',
  needs: [],
  async run({ paths, budgetMs }) {
    const idle: string[] = [];
    for (const name of await stackNames(paths)) {
      const record = await readObserved(stackPaths(paths.home, name)).catch(() => null);
      const runs = record?.supervisor != null && isAlive(record.supervisor);
      if (name !== paths.stack && !runs) idle.push(name);
    }
    const { freeBytes, totalBytes } = await fileSystemOf(paths.home);
    const detail = idle.length === 0 ? 'none' : `${idle.length}, their data is kept: ${idle.join(', ')}`;
    if (idle.length === 0 || freeBytes > scarceShare * totalBytes) return { detail, findings: [] };
    const sizes = await Promise.all(
      idle.map(async (stack) => ({ stack, bytes: await diskUse(`${paths.stacksDir}/${stack}`, budgetMs / 2) })),
    );
    return {
      detail,
      findings: sizes.map(({ stack, bytes }) => ({
        severity: 'warning' as const,
        what: `stack "${stack}" is down and keeps ${bytes === null ? 'its data' : formatBytes(bytes)}; ${formatBytes(freeBytes)} of the disk are free`,
        why: 'Data of a stack that nobody needs any more takes room from those that run.',
        fix: { command: commandFor({ paths: { stack } }, 'down --volumes'), safe: false },
      })),
    };
  },
};
