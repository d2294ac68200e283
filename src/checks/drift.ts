import { upCommand } from './commands.ts';
import { type MachineCheck, type MachineContext, valueIn } from './machine.ts';

/** What runs is what this lambdactl would start: versions, command lines, config files. */
export const drift: MachineCheck = {
  name: 'drift',
  area: 'components',
  title: 'what runs against what `up` would start',
  needs: [],
  async run(context) {
    if (context.wanted.length === 0) return { detail: 'the stack was never up', findings: [] };
    const command = upCommand(context);
    const findings = [...(await pins(context)), ...(await planned(context))].map((what) => ({
      severity: 'warning' as const,
      what,
      why: 'The stack was brought up by another version or configuration; `up` restarts what differs, data is kept.',
      fix: { command, safe: false },
    }));
    return { detail: 'versions and configuration are those of this lambdactl', findings };
  },
};

/** Versions that the last `up` settled and this lambdactl has others of. */
async function pins({ files, artifacts }: MachineContext): Promise<string[]> {
  const known = valueIn(files.desired)?.pins ?? {};
  const moved = (await artifacts()).filter(({ name, version }) => known[name] !== undefined && known[name] !== version);
  return moved.map(
    ({ name, version }) => `${name} was brought up in version ${known[name]}, this lambdactl has ${version}`,
  );
}

async function planned({ supervisor, plan }: MachineContext): Promise<string[]> {
  if (supervisor?.answers !== true) return [];
  const items = (await plan()) ?? [];
  return items
    .filter(({ action }) => action === 'restart' || action === 'stop')
    .map(({ instance, action, reason }) => `\`up\` would ${action} ${instance}: ${reason}`);
}
