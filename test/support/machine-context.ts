import { join } from 'node:path';
import type { MachineContext } from '../../src/checks/machine.ts';
import { catalogue } from '../../src/components/catalogue.ts';
import { loadProfile } from '../../src/operations/profiles.ts';
import { stackPaths } from '../../src/state/paths.ts';
import type { HostFacts } from '../../src/system/host.ts';

const gibibyte = 2 ** 30;

/** A machine on which nothing is wrong. */
export const goodHost: HostFacts = {
  platform: 'linux',
  arch: 'x64',
  uid: 1000,
  cores: 8,
  memoryTotalBytes: 32 * gibibyte,
  memoryAvailableBytes: 24 * gibibyte,
  memoryLimitBytes: null,
  openFiles: { soft: 65_536, hard: 1_048_576 },
  processes: { soft: null, hard: null },
  machine: { cores: 8, memoryBytes: 32 * gibibyte },
  cpuQuota: null,
  cgroupProcesses: null,
  swap: { totalBytes: 0, freeBytes: 0 },
  memoryMappings: 262_144,
};

/** What checks look at, with nothing wrong but what is given. @param home default: one that does not exist */
export async function contextFor(
  given: Partial<MachineContext> = {},
  home = '/nonexistent/lambdactl',
): Promise<MachineContext> {
  return {
    paths: stackPaths(home, 'default'),
    profile: await loadProfile('lite'),
    wanted: [],
    services: [],
    ports: {},
    endpoint: () => Promise.reject(new Error('nothing is up')),
    budgetMs: 5_000,
    signal: new AbortController().signal,
    now: Date.now(),
    version: '1.0.0',
    projectRoot: join(import.meta.dirname, '../..'),
    host: goodHost,
    environment: { PATH: process.env.PATH },
    umask: 0o022,
    temporaryDir: '/tmp',
    chosen: catalogue.map(({ name, credentials }) => ({ name, credentials: credentials.map(({ id }) => id) })),
    whole: true,
    budgetMiB: 7_000,
    files: { desired: { value: null }, observed: { value: null }, credentials: { value: null } },
    kubernetes: {
      wanted: false,
      kind: true,
      engine: async () => ({ kind: 'docker', version: '29.0.0', memoryBytes: 32 * gibibyte, rootless: false }),
      tool: async (name) => ({ found: { path: `/usr/bin/${name}`, version: '1.34.4' }, rejected: [] }),
      seals: async () => false,
      cluster: null,
    },
    supervisor: null,
    artifacts: async () => [],
    unusedArtifacts: async () => [],
    planPorts: async () => ({}),
    python: async () => ({ executable: '/usr/bin/python3', version: '3.12' }),
    plan: async () => [],
    ...given,
  };
}
