import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contextFor, goodHost } from '../../test/support/machine-context.ts';
import { LambdaError } from '../core/errors.ts';
import type { ServiceStatus } from '../core/service-spec.ts';
import { type DesiredState, updateDesired } from '../state/desired.ts';
import { appendJournal } from '../state/journal.ts';
import type { ObservedState } from '../state/observed.ts';
import { createStackDirs, type StackPaths, stackPaths } from '../state/paths.ts';
import { ownIdentity } from '../system/process.ts';
import { upCommand } from './commands.ts';
import { checks } from './index.ts';
import { wrongName } from './loopback.ts';
import type { MachineContext } from './machine.ts';

let home: string;
let paths: StackPaths;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'lambdactl-checks-'));
  paths = stackPaths(home, 'default');
  await createStackDirs(paths);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function run(name: string, given: Partial<MachineContext> = {}) {
  const check = checks.find((each) => each.name === name);
  if (check === undefined) throw new Error(`there is no check ${name}`);
  return (await check.run(await contextFor(given, home))).findings;
}
const host = (given: Partial<typeof goodHost>) => ({ host: { ...goodHost, ...given } });
const gib = 2 ** 30;

const service = (given: Partial<ServiceStatus>): ServiceStatus => ({
  name: 'kafka',
  component: 'kafka',
  state: 'healthy',
  detail: '',
  pid: 4242,
  startedAt: null,
  restarts: 0,
  pssBytes: null,
  cpuPercent: null,
  cpuSeconds: null,
  lastProbe: null,
  specHash: '',
  ...given,
});
const supervisor = { pid: 1, version: '1.0.0', answers: true };
const observed = (given: Partial<ObservedState>): ObservedState => ({
  supervisor: null,
  guard: null,
  marker: 'LAMBDACTL_RUN=none/',
  services: [],
  ...given,
});
async function desired(change: Partial<DesiredState> = {}): Promise<DesiredState> {
  const { profile } = await contextFor();
  return updateDesired(paths, { profile, components: ['kafka'], ...change });
}

it('finds nothing where nothing is wrong', async () => {
  for (const { name } of checks.filter(({ needs }) => needs.length === 0)) expect(await run(name), name).toEqual([]);
});

/** Facts in, the beginning of what is found out. */
const defects: [
  check: string,
  given: () => Partial<MachineContext> | Promise<Partial<MachineContext>>,
  found: RegExp,
][] = [
  ['memory', () => host({ memoryTotalBytes: 4 * gib }), /^memory: 4096 MiB here, profile lite needs 7537 MiB/],
  ['memory', () => host({ memoryAvailableBytes: 2 * gib }), /^2\.0 GiB of memory are available/],
  ['memory', () => host({ memoryAvailableBytes: gib, swap: { totalBytes: gib, freeBytes: 0 } }), /available/],
  ['cores', () => host({ cores: 1 }), /^cores: 1 here, profile lite needs 2/],
  ['cgroup', () => host({ cpuQuota: 1.5 }), /1\.5 cores' worth/],
  ['cgroup', () => host({ cgroupProcesses: { limit: 1000, used: 900 } }), /allows 1000 processes/],
  ['process-limits', () => host({ openFiles: { soft: 1024, hard: 1024 } }), /may open 1024 files/],
  ['process-limits', () => host({ processes: { soft: 100, hard: 100 } }), /may have 100 processes/],
  ['process-limits', () => host({ memoryMappings: 1000 }), /1000 memory mappings/],
  ['clock', () => ({ now: Date.UTC(2001, 0, 1) }), /behind the time at which this lambdactl was installed/],
  [
    'proxy',
    () => ({ environment: { HTTP_PROXY: 'http://proxy:3128', no_proxy: 'example.com' } }),
    /^HTTP_PROXY is set/,
  ],
  ['umask', () => ({ umask: 0o777 }), /takes rights from the owner/],
  ['umask', () => ({ umask: 0 }), /lets everybody write/],
  ['tools', () => ({ environment: { PATH: '/nonexistent' } }), /^git was not found/],
  ['tools', () => ({ python: () => Promise.reject(refusal('PYTHON_MISSING')) }), /^refused/],
  ['ports', () => ({ planPorts: () => Promise.reject(refusal('PORT_BUSY')) }), /^refused/],
  ['disk', () => ({ artifacts: async () => [artifact({ state: 'missing', bytes: 2 ** 60 })] }), /^disk: \d+ MiB free/],
  ['disk', () => ({ temporaryDir: '/proc' }), /^(0 B are free at \/proc|\/proc cannot be written to)/],
  ['artifacts', () => ({ artifacts: async () => [artifact({ state: 'damaged' })] }), /^artifact jre 21 is damaged/],
  [
    'artifacts',
    () => ({ wanted: ['kafka'], artifacts: async () => [artifact({ state: 'missing' })] }),
    /^artifact jre 21 is not installed/,
  ],
  [
    'unused-artifacts',
    () => ({ unusedArtifacts: async () => [{ label: 'jre/20', bytes: gib }] }),
    /^1 old versions take 1\.0 GiB: jre\/20/,
  ],
  [
    'state-files',
    () => ({ files: files({ desired: { error: new Error('stack.json cannot be read') } }) }),
    /^stack\.json cannot be read/,
  ],
  [
    'state-files',
    async () => ({ files: files({ desired: { value: await desired({ profile: { name: 'lite' } }) } }) }),
    /is of another version/,
  ],
  ['supervisor', () => ({ supervisor: { ...supervisor, answers: false } }), /runs and does not answer/],
  ['supervisor', () => ({ supervisor: { ...supervisor, version: '0.9' } }), /of lambdactl 0\.9, this is 1\.0\.0/],
  [
    'supervisor',
    () => ({ files: files({ observed: { value: observed({ supervisor: dead }) } }) }),
    /died, and nothing it started/,
  ],
  [
    'services',
    () => ({ supervisor, wanted: ['kafka'], services: [service({ state: 'stopped', pid: null })] }),
    /^kafka is stopped/,
  ],
  ['services', () => ({ supervisor, wanted: ['kafka'] }), /^kafka was never started/],
  [
    'services',
    () => ({ supervisor, wanted: ['kafka'], services: [service({ state: 'backoff', restarts: 4 })] }),
    /after 4 restarts; its last words:\nstarted\nout of space$/,
  ],
  [
    'memory-budget',
    () => ({ services: [service({ pssBytes: gib })] }),
    /^kafka takes 1\.0 GiB, its budget in profile lite is 512 MiB/,
  ],
  [
    'drift',
    () => ({
      wanted: ['kafka'],
      supervisor,
      plan: async () => [{ instance: 'kafka', action: 'restart', reason: 'its configuration changed' }],
    }),
    /would restart kafka/,
  ],
  [
    'drift',
    async () => ({
      wanted: ['kafka'],
      artifacts: async () => [artifact({})],
      files: files({ desired: { value: await desired({ pins: { jre: '20' } }) } }),
    }),
    /^jre was brought up in version 20/,
  ],
  [
    'sealed-secrets',
    () => ({ files: files({ credentials: { error: new Error('cannot be opened with this key') } }) }),
    /cannot be opened/,
  ],
  ['sealed-secrets', () => ({ wanted: ['postgres'] }), /^credentials are missing: .*postgres/],
];
const dead = {
  pid: 2 ** 22 + 1,
  started: 'never',
  socket: '',
  startedAt: '2026-01-01T00:00:00.000Z',
  version: '1.0.0',
};
const refusal = (code: string) => new LambdaError('refused', { code, category: 'preflight' });
const artifact = (given: object) => ({
  name: 'jre',
  version: '21',
  state: 'installed' as const,
  bytes: 1,
  downloadBytes: 1,
  ...given,
});
const files = (given: Partial<MachineContext['files']>): MachineContext['files'] => ({
  desired: { value: null },
  observed: { value: null },
  credentials: { value: null },
  ...given,
});

describe('a defect is named by', () => {
  it.each(defects)('%s (%#)', async (name, given, found) => {
    writeFileSync(
      join(paths.logDir, 'kafka.log'),
      '2026-11-21T18:00:00.000Z O started\n2026-11-21T18:00:01.000Z E out of space\n',
    );
    const findings = await run(name, await given());
    expect(findings[0]?.what).toMatch(found);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.why).not.toBe('');
  });
});

it('says that an operation was interrupted, and not while one is at work', async () => {
  await appendJournal(paths, { operation: 'up', step: 'start', outcome: 'begun' });
  await appendJournal(paths, { operation: 'up', step: 'start/kafka', outcome: 'begun' });
  const [finding] = await run('interrupted');
  expect(finding?.what).toMatch(/^`lambdactl up` of .* was interrupted in start\/kafka$/);
  expect(finding?.fix).toEqual({ command: 'lambdactl up', safe: true });
  mkdirSync(paths.lockDir, { recursive: true });
  writeFileSync(join(paths.lockDir, '1'), JSON.stringify({ ...ownIdentity(), command: 'lambdactl up', since: 'now' }));
  expect(await run('interrupted')).toEqual([]);
});

it('takes a finished operation for finished, whatever came before it', async () => {
  await appendJournal(paths, { operation: 'up', step: 'start', outcome: 'begun' });
  await appendJournal(paths, { operation: 'down', step: 'stop', outcome: 'begun' });
  await appendJournal(paths, { operation: 'down', step: 'stop', outcome: 'done' });
  expect(await run('interrupted')).toEqual([]);
});

it('notices a clock that was set back by the journal', async () => {
  await appendJournal(paths, { operation: 'up', step: 'start', outcome: 'done' });
  const findings = await run('clock', { now: Date.now() - 3_600_000, projectRoot: home });
  expect(findings[0]?.what).toMatch(/^the clock is 1h 00m behind the time at which stack "default" last wrote/);
});

it('closes files of secrets that others may read', async () => {
  writeFileSync(paths.secretsFile, '{}');
  chmodSync(paths.secretsFile, 0o644);
  const [finding] = await run('secret-files');
  expect(finding?.what).toContain('mode 0644');
  expect(await finding?.mend?.()).toMatch(/closed/);
  expect(statSync(paths.secretsFile).mode & 0o777).toBe(0o600);
  expect(await run('secret-files')).toEqual([]);
});

it('asks for the accounts that the profile names', async () => {
  const { profile } = await contextFor();
  const s3 = { kind: 's3' as const, bucket: 'lake', region: 'eu-central-1', prefix: '' };
  const given = { profile: { ...profile, lake: { ...profile.lake, storage: s3 } } };
  const [finding] = await run('sealed-secrets', given);
  expect(finding?.fix).toEqual({ command: 'lambdactl secrets set s3', safe: false });
  const credentials = { value: { 'account.s3': { user: 'a', secret: 'b' } } };
  expect(await run('sealed-secrets', { ...given, files: files({ credentials }) })).toEqual([]);
});

it('knows a localhost that is not this machine', () => {
  expect(wrongName(['127.0.0.1', '::1'])).toEqual([]);
  expect(wrongName(['10.0.0.1'])[0]?.what).toBe('localhost resolves to 10.0.0.1');
  expect(wrongName([])[0]?.what).toBe('the name localhost is not known');
});

it('brings back what was chosen, and not everything there is', () => {
  expect(upCommand({ paths, wanted: ['kafka', 'spark'] })).toBe('lambdactl up --only kafka --only spark');
  expect(upCommand({ paths: stackPaths(home, 'two'), wanted: [] })).toBe('lambdactl up --stack two');
  expect(upCommand({ paths: stackPaths(home, 'two'), wanted: ['kafka'] })).toBe(
    'lambdactl up --stack two --only kafka',
  );
});
