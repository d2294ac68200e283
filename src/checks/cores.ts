import { type MachineCheck, tooSmall } from './machine.ts';

/** Cores that this process, and what it starts, may use. */
export const cores: MachineCheck = {
  name: 'cores',
  area: 'host',
  title: 'cores for the profile',
  needs: [],
  preflight: true,
  async run({ host, profile }) {
    const detail = `${host.cores} of the machine's ${host.machine.cores} cores may be used`;
    if (host.cores >= profile.minimumCores) return { detail, findings: [] };
    const line = `cores: ${host.cores} here, profile ${profile.name} needs ${profile.minimumCores}`;
    return { detail, findings: [tooSmall(line)] };
  },
};
