import type { MachineCheck } from './machine.ts';

/** Whether this user can read what this user writes. */
export const umask: MachineCheck = {
  name: 'umask',
  area: 'host',
  title: 'rights of new files',
  needs: [],
  async run({ umask: mask }) {
    const text = mask.toString(8).padStart(4, '0');
    if ((mask & 0o700) === 0 && (mask & 0o002) !== 0) return { detail: text, findings: [] };
    const closed = (mask & 0o700) !== 0;
    return {
      detail: text,
      findings: [
        {
          severity: closed ? ('error' as const) : ('warning' as const),
          what: closed
            ? `umask ${text} takes rights from the owner of new files`
            : `umask ${text} lets everybody write what programs of this user create`,
          why: closed
            ? 'Components cannot read what they have written themselves.'
            : 'Other users of this machine could change data and configuration: umask 022.',
          fix: null,
        },
      ],
    };
  },
};
