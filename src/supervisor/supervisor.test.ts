import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  isRunning,
  order,
  pidIn,
  reaches,
  shellService,
  stateOf,
  supervisorIn,
  tempDir,
  until,
} from '../../test/support/supervisor.ts';
import { chooseAccount } from './accounts.ts';

const forever = 'touch up; exec sleep 600';
const logOf = (dir: string, name: string) => {
  const path = join(dir, `${name}.log`);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};
/** The back-off times in a log, once it has so many. */
const backoffs = (dir: string, name: string, count: number) =>
  until(() => {
    const found = [...logOf(dir, name).matchAll(/next start in ([\d.]+) s/g)].map(([, seconds]) => Number(seconds));
    return found.length >= count && found;
  });
const signal = () => new AbortController().signal;

describe('a service', () => {
  it('starts, gets healthy, is measured, and stops with nothing left', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir);
    expect(await supervisor.ensure(order(shellService(dir, 'a', `echo hello; ${forever}`)))).toBe('started');
    expect(await supervisor.waitHealthy(['a'], 3, signal())).toEqual({ healthy: true });
    const status = stateOf(supervisor, 'a');
    expect(status).toMatchObject({ state: 'healthy', restarts: 0, specHash: '1', lastProbe: { healthy: true } });
    expect(status?.pssBytes).toBeGreaterThan(10_000);
    await until(() => stateOf(supervisor, 'a')?.cpuPercent !== null);
    await until(() => /^\d{4}-[^ ]+Z O hello$/m.test(logOf(dir, 'a')));
    await supervisor.stop(['a']);
    expect(stateOf(supervisor, 'a')).toMatchObject({ state: 'stopped', pid: null, pssBytes: null });
    expect(isRunning(status?.pid ?? 0)).toBe(false);
  });

  it('is restarted after a crash, later each time, and tells why', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir);
    const script =
      'echo run >> runs; echo last words >&2; [ $(wc -l < runs) -lt 3 ] && exit 7; touch up; exec sleep 600';
    await supervisor.ensure(order(shellService(dir, 'a', script)));
    const crashed = await reaches(supervisor, 'a', 'backoff');
    expect(crashed.detail).toMatch(/^exited with code 7; next start in 0\.0[48] s\nlast words$/);
    expect(await supervisor.waitHealthy(['a'], 9, signal())).toEqual({ healthy: true });
    expect(stateOf(supervisor, 'a')?.restarts).toBe(2);
    expect(await backoffs(dir, 'a', 2)).toEqual([0.04, 0.08]);
  });

  it('forgets its crashes when it was stable', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir, { stableMs: 100 });
    await supervisor.ensure(order(shellService(dir, 'a', 'touch up; sleep 0.3; rm up; exit 1')));
    expect(new Set(await backoffs(dir, 'a', 3))).toEqual(new Set([0.04]));
  });

  it('makes a waiting client give up after the crashes it allows, and goes on trying', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir);
    await supervisor.ensure(order(shellService(dir, 'a', 'echo no config; exit 1')));
    const outcome = await supervisor.waitHealthy(['a'], 2, signal());
    expect(outcome).toMatchObject({ healthy: false, name: 'a', reason: 'crashing' });
    expect(outcome.detail).toContain('no config');
    const { restarts } = stateOf(supervisor, 'a') ?? { restarts: 0 };
    await until(() => (stateOf(supervisor, 'a')?.restarts ?? 0) > restarts);
  });

  it('is killed and reported when it never answers', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir);
    const spec = shellService(dir, 'a', 'echo $$ > pid; echo thinking; exec sleep 600', { startTimeoutMs: 300 });
    await supervisor.ensure(order(spec));
    const outcome = await supervisor.waitHealthy(['a'], 9, signal());
    expect(outcome).toMatchObject({ healthy: false, reason: 'timeout' });
    expect(outcome.detail).toMatch(/^no healthy answer within 0\.3 s \(ENOENT.*\nthinking$/s);
    const first = await pidIn(join(dir, 'pid'));
    await until(() => !isRunning(first));
  });

  it('becomes unhealthy, recovers, and is restarted when it stays so', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir, { unhealthyRestartMs: 400 });
    await supervisor.ensure(order(shellService(dir, 'a', forever)));
    const { pid } = await reaches(supervisor, 'a', 'healthy');
    rmSync(join(dir, 'up'));
    await reaches(supervisor, 'a', 'unhealthy');
    writeFileSync(join(dir, 'up'), '');
    expect((await reaches(supervisor, 'a', 'healthy')).pid).toBe(pid);
    rmSync(join(dir, 'up'));
    await until(() => stateOf(supervisor, 'a')?.restarts === 1);
    expect((await reaches(supervisor, 'a', 'healthy')).pid).not.toBe(pid);
    expect(isRunning(pid ?? 0)).toBe(false);
  });

  it('prepares once, and fails for good when that fails', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir);
    const step = (script: string) => ({
      title: 'Make it ready',
      marker: join(dir, 'prepared'),
      command: { executable: '/bin/sh', args: ['-c', script], env: { WHAT: 'x' }, cwd: dir },
    });
    await supervisor.ensure(order(shellService(dir, 'a', forever, { prepare: [step('echo cannot; exit 3')] })));
    const failed = await reaches(supervisor, 'a', 'failed');
    expect(failed.detail).toBe('Make it ready: exited with code 3\ncannot');
    const good = shellService(dir, 'a', forever, { prepare: [step('echo $WHAT >> prepares')] });
    expect(await supervisor.ensure(order(good, '2'))).toBe('started');
    await reaches(supervisor, 'a', 'healthy');
    await supervisor.restart('a');
    await reaches(supervisor, 'a', 'healthy');
    expect(readFileSync(join(dir, 'prepares'), 'utf8')).toBe('x\n');
    expect(existsSync(join(dir, 'prepared'))).toBe(true);
  });

  it('can be stopped while it prepares', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir);
    const command = { executable: '/bin/sh', args: ['-c', 'echo $$ > pid; sleep 600'], env: {}, cwd: dir };
    const prepare = [{ title: 'Slow', marker: join(dir, 'never'), command }];
    await supervisor.ensure(order(shellService(dir, 'a', forever, { prepare })));
    const pid = await pidIn(join(dir, 'pid'));
    await supervisor.stop(['a']);
    expect(stateOf(supervisor, 'a')?.state).toBe('stopped');
    expect(isRunning(pid)).toBe(false);
    expect(existsSync(join(dir, 'never'))).toBe(false);
  });

  it('runs what comes after healthy once, with its pid', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir);
    const command = { executable: '/bin/sh', args: ['-c', 'echo {pid} >> dumped'], env: {}, cwd: dir };
    const afterHealthy = [{ title: 'Dump', marker: join(dir, 'dump.done'), command, delayMs: 10 }];
    await supervisor.ensure(order(shellService(dir, 'a', forever, { afterHealthy })));
    const { pid } = await reaches(supervisor, 'a', 'healthy');
    await until(() => existsSync(join(dir, 'dump.done')));
    await supervisor.restart('a');
    await reaches(supervisor, 'a', 'healthy');
    expect(readFileSync(join(dir, 'dumped'), 'utf8')).toBe(`${pid}\n`);
  });

  it('fails clearly when its program does not exist', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir);
    const command = { executable: '/nonexistent/program', args: [], env: {}, cwd: dir };
    await supervisor.ensure(order(shellService(dir, 'a', '', { command })));
    const outcome = await supervisor.waitHealthy(['a'], 3, signal());
    expect(outcome).toMatchObject({
      reason: 'failed',
      detail: 'cannot start /nonexistent/program: there is no such program',
    });
    const away = { executable: '/bin/sh', args: [], env: {}, cwd: join(dir, 'away') };
    await supervisor.ensure(order(shellService(dir, 'a', '', { command: away }), '2'));
    expect((await supervisor.waitHealthy(['a'], 3, signal())).detail).toMatch(/its directory .*away does not exist$/);
  });
});

describe('orders', () => {
  it('keep what is as ordered, replace what is not', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir);
    await supervisor.ensure(order(shellService(dir, 'a', forever), 'one'));
    const before = await reaches(supervisor, 'a', 'healthy');
    expect(await supervisor.ensure(order(shellService(dir, 'a', forever), 'one'))).toBe('kept');
    expect(stateOf(supervisor, 'a')?.pid).toBe(before.pid);
    expect(await supervisor.ensure(order(shellService(dir, 'a', `echo two; ${forever}`), 'two'))).toBe('restarted');
    const after = await reaches(supervisor, 'a', 'healthy');
    expect(after).toMatchObject({ specHash: 'two', restarts: 0 });
    expect(isRunning(before.pid ?? 0)).toBe(false);
  });

  it('of many at the same time leave one process', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir);
    const spec = shellService(dir, 'a', `echo run >> runs; ${forever}`);
    const actions = await Promise.all([1, 2, 3, 4].map(() => supervisor.ensure(order(spec))));
    expect(actions.sort()).toEqual(['kept', 'kept', 'kept', 'started']);
    await reaches(supervisor, 'a', 'healthy');
    await Promise.all([supervisor.restart('a'), supervisor.stop(['a']), supervisor.ensure(order(spec))]);
    await reaches(supervisor, 'a', 'healthy');
    await until(() => readFileSync(join(dir, 'runs'), 'utf8') === 'run\nrun\nrun\n' || null);
  });

  it('are ended in reverse order of start at shutdown', async () => {
    const dir = tempDir();
    const supervisor = await supervisorIn(dir);
    for (const name of ['a', 'b', 'c']) {
      const script = `trap 'echo ${name} >> ends; exit 0' TERM; touch up up-${name}; while :; do sleep 0.02; done`;
      await supervisor.ensure(order(shellService(dir, name, script)));
    }
    await supervisor.waitHealthy(['a', 'b', 'c'], 1, signal());
    // All are healthy by the first one's file, perhaps before the last one's trap is set.
    await until(() => ['a', 'b', 'c'].every((name) => existsSync(join(dir, `up-${name}`))));
    await supervisor.shutdown();
    expect(readFileSync(join(dir, 'ends'), 'utf8')).toBe('c\nb\na\n');
    await expect(supervisor.ensure(order(shellService(dir, 'd', forever)))).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
    });
  });
});

describe.skipIf(process.getuid?.() !== 0)('a service that refuses root', () => {
  const whoami = 'id -u > uid; touch up && exec sleep 600';

  it('runs under an unprivileged uid where that can reach its files', async () => {
    const dir = tempDir();
    chmodSync(dir, 0o755);
    const account = await chooseAccount('a', { uses: ['/bin/sh'], owns: [join(dir, 'data')] }, undefined);
    expect(account.kind).toBe('uid');
    const supervisor = await supervisorIn(dir);
    mkdirSync(join(dir, 'data'));
    chmodSync(join(dir, 'data'), 0o777);
    const spec = shellService(join(dir, 'data'), 'a', whoami);
    await supervisor.ensure({ ...order(spec), account });
    await reaches(supervisor, 'a', 'healthy');
    expect(readFileSync(join(dir, 'data/uid'), 'utf8').trim()).toBe('65534');
  });

  it('runs in a user namespace where only root can reach its files, and keeps to it', async () => {
    const dir = tempDir();
    const paths = { uses: ['/bin/sh'], owns: [join(dir, 'data')] };
    const account = await chooseAccount('a', paths, undefined);
    expect(account).toEqual({ kind: 'mapped' });
    const supervisor = await supervisorIn(dir);
    await supervisor.ensure({ ...order(shellService(dir, 'a', whoami)), account });
    const { pid } = await reaches(supervisor, 'a', 'healthy');
    expect(readFileSync(join(dir, 'uid'), 'utf8').trim()).toBe('65534');
    expect(readFileSync(`/proc/${pid}/comm`, 'utf8').trim()).toBe('sleep');
    chmodSync(dir, 0o755);
    expect(await chooseAccount('a', paths, account)).toEqual({ kind: 'mapped' });
  });

  it('is refused when the account its data belongs to cannot reach it any more', async () => {
    const dir = tempDir();
    const paths = { uses: [], owns: [join(dir, 'data')] };
    await expect(chooseAccount('a', paths, { kind: 'uid', uid: 65534, gid: 65534 })).rejects.toMatchObject({
      code: 'NO_UNPRIVILEGED_ACCOUNT',
      details: { directory: dir },
    });
  });
});
