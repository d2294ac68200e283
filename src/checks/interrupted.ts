import { type JournalEntry, readJournal } from '../state/journal.ts';
import { lockHolder } from '../state/lock.ts';
import { commandFor, upCommand } from './commands.ts';
import type { MachineCheck } from './machine.ts';

/** The last changing operation came to its end. */
export const interrupted: MachineCheck = {
  name: 'interrupted',
  area: 'components',
  title: 'the last operation on the stack',
  needs: [],
  async run({ paths, wanted }) {
    const entries = await readJournal(paths);
    const last = entries.at(-1);
    if (last === undefined) return { detail: 'none yet', findings: [] };
    const holder = await lockHolder(paths.lockDir);
    if (holder !== null) return { detail: `${holder.command} is at work (pid ${holder.pid})`, findings: [] };
    const open = unfinished(entries);
    const detail = `${last.operation}, ended ${last.time}`;
    if (open.length === 0) return { detail, findings: [] };
    const again = last.operation === 'down' ? commandFor({ paths }, 'down') : upCommand({ paths, wanted });
    return {
      detail,
      findings: [
        {
          severity: 'error',
          what: `\`lambdactl ${last.operation}\` of ${last.time} was interrupted in ${open.join(', ')}`,
          why: 'The stack may be partly changed; the same command goes on from there.',
          fix: { command: again, safe: true },
        },
      ],
    };
  },
};

/** Innermost steps of the last operation that were begun and neither done nor failed. */
export function unfinished(entries: readonly JournalEntry[]): string[] {
  const last = entries.at(-1)?.operation;
  const first = entries.findLastIndex(({ operation }) => operation !== last) + 1;
  const open = new Set<string>();
  for (const { step, outcome } of entries.slice(first)) {
    // A step that begins anew belongs to a later run of the same operation.
    if (outcome === 'begun') open.add(step);
    else open.delete(step);
  }
  const steps = [...open];
  return steps.filter((step) => !steps.some((other) => other.startsWith(`${step}/`)));
}
