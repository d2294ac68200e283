import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadProfile } from '../../src/operations/profiles.ts';
import { type DesiredChange, updateDesired } from '../../src/state/desired.ts';
import { writeObserved } from '../../src/state/observed.ts';
import { createStackDirs, type StackPaths, stackPaths } from '../../src/state/paths.ts';
import { ensureSecrets } from '../../src/state/secrets.ts';
import { identityOf } from '../../src/system/process.ts';
import { cliOf } from './cli.ts';

const bin = join(import.meta.dirname, '../../bin/lambdactl');
let home: string;
let paths: StackPaths;
/** Nothing here is about time, and the machine may be busy. */
const patience = ['--timeout', '60s'];
const children: ChildProcess[] = [];
const servers: Server[] = [];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'lambdactl-doctor-'));
  paths = stackPaths(home, 'sick');
  await createStackDirs(paths);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of servers.splice(0)) server.close();
  rmSync(home, { recursive: true, force: true });
});

interface Finding {
  what: string;
  fix: { command: string; safe: boolean } | null;
  fixed: { ok: boolean; detail: string } | null;
}

const cli = (env: Record<string, string> = {}) => cliOf('sick', { LAMBDACTL_HOME: home, ...env });

/** Findings of one check, as the command tells them; exit code 10 with them, 0 without. */
async function findings(check: string, env: Record<string, string> = {}, ...flags: string[]): Promise<Finding[]> {
  const { exitCode, data, error, stderr } = await cli(env).run('doctor', check, ...patience, ...flags);
  expect(error, stderr).toBeNull();
  expect(data.counts.failed, JSON.stringify(data.checks)).toBe(0);
  expect(exitCode).toBe(data.ok ? 0 : 10);
  return data.checks[0].findings;
}

const dead = { pid: 2 ** 22 + 1, started: 'never' };
const deadSupervisor = { ...dead, socket: '/nowhere', startedAt: '2026-01-01T00:00:00.000Z', version: '0.1.0' };
const nobody = { supervisor: null, guard: null, marker: 'LAMBDACTL_RUN=0000000000000000/', services: [] };

async function desire(change: DesiredChange = {}): Promise<void> {
  await updateDesired(paths, { profile: await loadProfile('lite'), components: ['clickhouse'], ...change });
}

/** A process that a supervisor of an earlier run might have started. */
async function orphan(marker: string, cwd: string) {
  const child = spawn('sleep', ['600'], {
    cwd,
    env: { PATH: process.env.PATH, LAMBDACTL_RUN: marker },
    stdio: 'ignore',
  });
  children.push(child);
  await once(child, 'spawn');
  const identity = identityOf(child.pid ?? 0);
  if (identity === null) throw new Error('the process is gone');
  return { child, identity };
}

it('names the near ones of an unknown check', async () => {
  const { exitCode, error } = await cli().run('doctor', 'supervisr');
  expect(exitCode).toBe(2);
  expect(error).toMatchObject({ code: 'UNKNOWN_CHECK', actions: expect.arrayContaining(['Near it: supervisor.']) });
});

it('looks at all there is before the first up, by itself and in three formats', async () => {
  const report = join(home, 'doctor.xml');
  const { data } = await cli().run('doctor', ...patience, '--junit', report);
  expect(data.up).toBe('down');
  expect(data.checks.length).toBeGreaterThan(20);
  expect(
    data.counts.failed,
    JSON.stringify(data.checks.filter(({ status }: { status: string }) => status === 'failed')),
  ).toBe(0);
  expect(statSync(report).size).toBeGreaterThan(1000);
  const { stdout } = await execa(bin, ['doctor', 'secrets', '--home', home], { reject: false });
  expect(stdout).toMatch(/^secrets +\d ok/m);
  const listed = await cli().must('doctor', '--list');
  expect(listed.checks).toContainEqual(expect.objectContaining({ name: 'memory', area: 'host', preflight: true }));
});

it('works with a stack.json and a state.json that cannot be read', async () => {
  writeFileSync(paths.desiredFile, '{ "version": 1,');
  writeFileSync(paths.observedFile, 'null');
  const found = await findings('state-files');
  expect(found.map(({ what }) => what)).toEqual([
    expect.stringContaining('stack.json cannot be read'),
    expect.stringContaining('state.json cannot be read'),
  ]);
  const { data, error } = await cli().run('doctor', 'components');
  expect(error).toBeNull();
  expect(data.up).toBe('down');
});

it('names a profile of another version', async () => {
  await desire({ profile: { name: 'lite' } });
  const [found] = await findings('state-files');
  expect(found?.what).toContain('is of another version');
  expect(found?.fix?.command).toBe('lambdactl up --profile lite --stack sick');
});

it('closes secrets that others may read', async () => {
  writeFileSync(join(home, 'secrets.key'), `${Buffer.alloc(32, 1).toString('base64')}\n`);
  chmodSync(join(home, 'secrets.key'), 0o644);
  const [found] = await findings('secret-files', {}, '--fix');
  expect(found).toMatchObject({ what: expect.stringContaining('mode 0644'), fixed: { ok: true } });
  expect(statSync(join(home, 'secrets.key')).mode & 0o777).toBe(0o600);
  expect(await findings('secret-files')).toEqual([]);
});

it('names a key that does not open the secrets', async () => {
  await ensureSecrets(paths, [{ id: 'a', user: 'a', kind: 'password' }]);
  const [found] = await findings('sealed-secrets', { LAMBDACTL_SECRETS_KEY: Buffer.alloc(32, 7).toString('base64') });
  expect(found?.what).toContain('cannot be opened with this key');
  const [none] = await findings('sealed-secrets', { LAMBDACTL_SECRETS_KEY: 'nokey' });
  expect(none?.what).toContain('does not hold a key');
});

it('names an interrupted operation and ends it', async () => {
  await desire();
  const entry = { time: new Date().toISOString(), operation: 'down', step: 'stop', outcome: 'begun' };
  appendFileSync(paths.journalFile, `${JSON.stringify(entry)}\n`);
  const [found] = await findings('interrupted', {}, '--fix');
  expect(found).toMatchObject({
    what: expect.stringContaining('was interrupted in stop'),
    fix: { command: 'lambdactl down --stack sick', safe: true },
    fixed: { ok: true },
  });
  expect(await findings('interrupted')).toEqual([]);
});

it('names a supervisor that died and one that does not answer', async () => {
  await desire();
  await writeObserved(paths, { ...nobody, supervisor: deadSupervisor });
  const [died] = await findings('supervisor');
  expect(died).toMatchObject({
    what: expect.stringContaining('died, and nothing it started runs any more'),
    fix: { command: 'lambdactl up --stack sick --only clickhouse', safe: true },
  });
  const socket = join(home, 'mute.sock');
  const mute = createServer(() => {}).listen(socket);
  servers.push(mute);
  await once(mute, 'listening');
  const { identity } = await orphan('none', home);
  await writeObserved(paths, { ...nobody, supervisor: { ...deadSupervisor, ...identity, socket } });
  const [silent] = await findings('supervisor');
  expect(silent?.what).toBe(`the supervisor (pid ${identity.pid}) runs and does not answer`);
});

it('ends what dead supervisors left, recorded or not', async () => {
  const other = stackPaths(home, 'other');
  await createStackDirs(other);
  const recorded = await orphan('1111111111111111/kafka/', home);
  await writeObserved(other, { ...nobody, marker: 'LAMBDACTL_RUN=1111111111111111/', supervisor: deadSupervisor });
  const lost = await orphan('2222222222222222/spark/', other.runDir.replace(/run$/, 'data'));
  const found = await findings('leftovers', {}, '--fix');
  expect(found).toMatchObject([
    { fix: { command: 'lambdactl down --stack other', safe: true }, fixed: { ok: true } },
    { fix: { command: `kill ${lost.identity.pid}`, safe: true }, fixed: { ok: true } },
  ]);
  for (const { child } of [recorded, lost]) expect(child.exitCode ?? child.signalCode).not.toBeNull();
  expect(await findings('leftovers')).toEqual([]);
});

it('names who holds a port of the stack', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await desire({ ports: { 'clickhouse.http': port } });
  const [found] = await findings('ports');
  expect(found?.what).toContain(`${port} (clickhouse.http) is held by`);
  expect(found?.what).toContain(`(pid ${process.pid})`);
});

it('names what is wrong with the environment', async () => {
  const [proxy] = await findings('proxy', { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'example.com', no_proxy: '' });
  expect(proxy?.what).toContain('NO_PROXY does not name 127.0.0.1');
  const [python] = await findings('tools', { LAMBDACTL_PYTHON: '/nonexistent/python3' });
  expect(python?.what).toContain('Python 3.11 or newer is needed');
  const limited = async (limit: string, check: string) => {
    const shell = await execa(
      'sh',
      ['-c', `${limit}; exec "$0" "$@"`, bin, 'doctor', check, '--json', '--home', home],
      { reject: false },
    );
    return JSON.parse(shell.stdout).data.checks[0].findings[0]?.what;
  };
  expect(await limited('ulimit -n 1024', 'process-limits')).toContain('may open 1024 files');
  expect(await limited('umask 0', 'umask')).toContain('umask 0000 lets everybody write');
});

it('notices by the journal that the clock was set back', async () => {
  const entry = {
    time: new Date(Date.now() + 86_400_000).toISOString(),
    operation: 'up',
    step: 'start',
    outcome: 'done',
  };
  appendFileSync(paths.journalFile, `${JSON.stringify(entry)}\n`);
  const [found] = await findings('clock');
  expect(found?.what).toContain('behind the time at which stack "sick" last wrote its journal');
});

it('names a damaged artifact, a missing one and versions that nothing uses', async () => {
  const { artifacts } = await cli().must('artifacts', 'list');
  const { path } = artifacts.find(({ name }: { name: string }) => name === 'clickhouse');
  await desire();
  const [missing] = await findings('artifacts');
  expect(missing?.what).toMatch(/^artifact clickhouse .* is not installed/);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'half'), 'x');
  const [damaged] = await findings('artifacts');
  expect(damaged?.what).toMatch(/^artifact clickhouse .* is damaged/);
  const old = join(home, 'artifacts/clickhouse/0.1-old');
  mkdirSync(old);
  writeFileSync(join(old, 'big'), '');
  truncateSync(join(old, 'big'), 400 * 1_048_576);
  const [unused] = await findings('unused-artifacts');
  expect(unused).toMatchObject({ what: expect.stringContaining('clickhouse/0.1-old'), fix: { safe: false } });
  await cli().must('artifacts', 'prune');
  expect(existsSync(old)).toBe(false);
  expect(await findings('unused-artifacts')).toEqual([]);
});

it('is what up refuses with, each reason with its code', async () => {
  const alone = await cli({ LAMBDACTL_PYTHON: '/nonexistent/python3' }).run('up', '--dry-run', '--only', 'kafka');
  expect(alone).toMatchObject({ exitCode: 20, error: { code: 'PYTHON_MISSING' } });
  const server = createServer().listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const both = await cli({ LAMBDACTL_PYTHON: '/nonexistent/python3' }).run(
    'up',
    '--dry-run',
    '--only',
    'kafka',
    '--port',
    `kafka.broker=${port}`,
  );
  expect(both).toMatchObject({ exitCode: 20, error: { code: 'PREFLIGHT_FAILED' } });
  expect(both.error?.message).toContain('Python 3.11');
  expect(both.error?.message).toContain(`${port} (kafka.broker)`);
});
