import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const scripts = join(import.meta.dirname, '../../../templates/airflow');
let scratch = '';
let origin = '';
let mirror = '';
let source = '';

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'airflow-scripts-'));
  [origin, mirror, source] = [
    join(scratch, 'git/origin.git'),
    join(scratch, 'git/mirror.git'),
    join(scratch, 'source'),
  ];
  mkdirSync(join(source, 'dags/__pycache__'), { recursive: true });
  writeFileSync(join(source, 'dags/a.py'), 'a = 1\n');
  writeFileSync(join(source, 'dags/__pycache__/a.pyc'), 'compiled');
});
vi.setConfig({ testTimeout: 90_000 });
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
const create = () => execFileSync('/bin/sh', [join(scripts, 'create-repositories.sh'), origin, mirror, source, 'main']);
const head = (repository: string) => git(`--git-dir=${repository}`, 'rev-parse', 'main');

/** Pushes one more file as a user would. */
function push(name: string): string {
  const clone = join(scratch, `clone-${name}`);
  git('clone', '--quiet', origin, clone);
  writeFileSync(join(clone, `dags/${name}.py`), `${name} = 1\n`);
  git('-C', clone, 'add', '--all');
  git('-C', clone, '-c', 'user.name=U', '-c', 'user.email=u@u', 'commit', '--quiet', '-m', name);
  git('-C', clone, 'push', '--quiet', 'origin', 'HEAD:main');
  return git('-C', clone, 'rev-parse', 'HEAD');
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 15_000; !condition(); await sleep(50)) {
    if (Date.now() > end) throw new Error('it did not come true within 15 s');
  }
}

it('creates the repository from the files, compiled ones left out, and keeps what was pushed', () => {
  create();
  expect(git(`--git-dir=${origin}`, 'ls-tree', '-r', '--name-only', 'main')).toBe('dags/a.py');
  expect(head(mirror)).toBe(head(origin));
  const pushed = push('b');
  writeFileSync(join(source, 'dags/a.py'), 'a = 2\n');
  create();
  expect(head(origin)).toBe(pushed);
  expect(git(`--git-dir=${origin}`, 'show', 'main:dags/a.py')).toBe('a = 1');
});

it('makes again what a killed run left half', () => {
  mkdirSync(`${origin}.new/objects`, { recursive: true });
  mkdirSync(`${mirror}.new`, { recursive: true });
  create();
  expect(head(mirror)).toBe(head(origin));
  expect(existsSync(`${origin}.new`)).toBe(false);
});

it('lets the mirror follow a push at once', () => {
  create();
  expect(push('b')).toBe(head(mirror));
});

const syncWith = (command: string, seconds = '2') =>
  spawn('/bin/sh', [join(scripts, 'git-sync.sh'), origin, mirror, seconds, '/bin/sh', '-c', command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });

it('fetches what came without a push, survives an outage of the origin, and says it once', async () => {
  create();
  rmSync(join(origin, 'hooks/post-receive'));
  const sync = syncWith('exec sleep 600');
  let said = '';
  for (const stream of [sync.stdout, sync.stderr]) stream.on('data', (text) => (said += text));
  const ended = new Promise((settle) => sync.once('exit', settle));
  try {
    const first = push('b');
    await until(() => head(mirror) === first);
    execFileSync('mv', [origin, `${origin}.away`]);
    await until(() => said.includes('cannot fetch'));
    await sleep(2500);
    expect(said.match(/cannot fetch/g)).toHaveLength(1);
    expect(head(mirror)).toBe(first);
    execFileSync('mv', [`${origin}.away`, origin]);
    await until(() => said.includes('answers again'));
  } finally {
    sync.kill('SIGTERM');
    await ended;
  }
});

it('ends with its command, with the same code, and takes it along', async () => {
  create();
  const code = await new Promise((settle) => syncWith('exit 7').once('exit', settle));
  expect(code).toBe(7);
  const pidFile = join(scratch, 'pid');
  const sync = syncWith(`echo $$ > ${pidFile}; exec sleep 600`);
  const ended = new Promise((settle) => sync.once('exit', settle));
  await until(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8').trim() !== '');
  sync.kill('SIGTERM');
  await ended;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  expect(() => process.kill(pid, 0)).toThrow();
});

it('runs a command once for many who ask at the same time', async () => {
  const [done, log] = [join(scratch, 'state/done'), join(scratch, 'log')];
  const ask = () =>
    new Promise((settle) => {
      const command = ['/bin/sh', '-c', `sleep 0.3; echo ran >> ${log}`];
      spawn('python3', [join(scripts, 'once.py'), done, ...command]).once('exit', settle);
    });
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([0, 0, 0]);
  expect(readFileSync(log, 'utf8')).toBe('ran\n');
});

it('runs it again after a failure', async () => {
  const done = join(scratch, 'state/done');
  const run = (script: string) =>
    new Promise((settle) => {
      spawn('python3', [join(scripts, 'once.py'), done, '/bin/sh', '-c', script]).once('exit', settle);
    });
  expect(await run('exit 3')).toBe(3);
  expect(existsSync(done)).toBe(false);
  expect(await run('exit 0')).toBe(0);
  expect(existsSync(done)).toBe(true);
});
