import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { daemonScript, isRunning, order, pidIn, shellService, tempDir, until } from '../../test/support/supervisor.ts';
import { identityOf } from '../system/process.ts';
import { SupervisorClient } from './client.ts';
import { launchSupervisor } from './launch.ts';
import type { SupervisorRecord } from './options.ts';
import { leftovers, reap } from './reap.ts';

const recordIn = (dir: string): SupervisorRecord => JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8'));
const kill9 = (pid: number) => process.kill(pid, 'SIGKILL');

/** A supervisor as a process of its own; whatever is left of it after the test is ended. */
async function launch(dir: string, timings = {}): Promise<{ client: SupervisorClient; pid: number }> {
  const client = await launchSupervisor({
    entry: daemonScript(dir),
    args: [JSON.stringify(timings)],
    socketPath: join(dir, 's.sock'),
    outputPath: join(dir, 'out'),
    signal: new AbortController().signal,
  });
  const pid = recordIn(dir).supervisor?.pid ?? 0;
  onTestFinished(async () => {
    client.close();
    if (!existsSync(join(dir, 'state.json'))) return;
    const record = recordIn(dir);
    if (record.supervisor !== null && identityOf(record.supervisor.pid)?.started === record.supervisor.started) {
      kill9(record.supervisor.pid);
    }
    await reap(record);
  });
  return { client, pid };
}

const wait = (client: SupervisorClient, ...names: string[]) => client.waitHealthy(names, { maxCrashes: 3 });
const twoLevels = "echo $$ > pid; sh -c 'echo $$ > inner; touch up; sleep 600' & wait";

it('serves several clients, survives them, and leaves nothing after shutdown', async () => {
  const dir = tempDir();
  const { client, pid } = await launch(dir);
  const other = await SupervisorClient.connect(join(dir, 's.sock'));
  expect(statSync(join(dir, 's.sock')).mode & 0o777).toBe(0o600);
  const seen: string[] = [];
  const gone = new AbortController();
  const watching = other.subscribe(({ state }) => seen.push(state), gone.signal);
  const [first, second] = await Promise.all([
    client.ensure(order(shellService(dir, 'a', twoLevels))),
    other.ensure(order(shellService(dir, 'a', twoLevels))),
  ]);
  expect([first, second].sort()).toEqual(['kept', 'started']);
  const states: string[] = [];
  const outcome = await client.waitHealthy(['a'], { maxCrashes: 1, onStatus: ({ state }) => states.push(state) });
  expect(outcome).toEqual({ healthy: true });
  expect(states.at(-1)).toBe('healthy');
  await until(() => seen.includes('healthy'));
  gone.abort();
  await watching;
  other.close();
  client.close();

  const third = await SupervisorClient.connect(join(dir, 's.sock'));
  const { services, supervisorPssBytes } = await third.status();
  expect(services).toMatchObject([{ name: 'a', state: 'healthy' }]);
  expect(supervisorPssBytes).toBeGreaterThan(1_000_000);
  const guard = recordIn(dir).guard?.pid ?? 0;
  const inner = await pidIn(join(dir, 'inner'));
  await third.shutdown();
  await until(() => ![pid, guard, inner].some(isRunning));
  expect(recordIn(dir)).toMatchObject({ supervisor: null, guard: null, services: [{ status: { state: 'stopped' } }] });
});

it('takes its children along when it is killed', async () => {
  const dir = tempDir();
  const { client, pid } = await launch(dir);
  await client.ensure(order(shellService(dir, 'a', twoLevels)));
  await client.ensure(
    order(shellService(dir, 'b', "trap '' INT; echo $$ > deaf; touch up; while :; do sleep 1; done")),
  );
  await wait(client, 'a', 'b');
  const pids = [await pidIn(join(dir, 'pid')), await pidIn(join(dir, 'inner')), await pidIn(join(dir, 'deaf'))];
  const guard = recordIn(dir).guard?.pid ?? 0;
  const asking = client.waitHealthy(['nobody', 'a'], { maxCrashes: 1 });
  expect((await asking).reason).toBe('unknown');
  kill9(pid);
  await until(() => ![...pids, guard].some(isRunning));
  await expect(client.status()).rejects.toMatchObject({ code: 'SUPERVISOR_GONE' });
});

it('replaces its guard, which then knows everything', async () => {
  const dir = tempDir();
  const { client, pid } = await launch(dir);
  await client.ensure(order(shellService(dir, 'a', twoLevels)));
  await wait(client, 'a');
  const first = recordIn(dir).guard?.pid ?? 0;
  kill9(first);
  const second = await until(() => {
    const guard = recordIn(dir).guard?.pid;
    return guard !== undefined && guard !== first ? guard : null;
  });
  const inner = await pidIn(join(dir, 'inner'));
  kill9(pid);
  await until(() => !isRunning(inner) && !isRunning(second));
});

it('finds and ends what a killed supervisor and a killed guard left, and nothing else', async () => {
  const dir = tempDir();
  const { client, pid } = await launch(dir);
  // Deaf to the signal that the kernel sends at the supervisor's death.
  const deaf = "trap '' TERM; echo $$ > pid; touch up; while :; do sleep 0.2; done";
  await client.ensure(order(shellService(dir, 'a', deaf, { stopGraceMs: 300 })));
  await wait(client, 'a');
  const child = await pidIn(join(dir, 'pid'));
  const record = await until(() => {
    const present = recordIn(dir);
    return present.services[0]?.status.state === 'healthy' && present;
  });
  // Stopped, so that it can neither replace the guard nor be missed by it.
  process.kill(pid, 'SIGSTOP');
  kill9(record.guard?.pid ?? 0);
  await until(() => !isRunning(record.guard?.pid ?? 0));
  kill9(pid);
  await until(() => !isRunning(pid));
  expect(isRunning(child)).toBe(true);
  expect(leftovers(record).map((each) => each.pid)).toContain(child);
  const stranger = {
    ...record,
    marker: 'LAMBDACTL_RUN=none/',
    services: record.services.map((service) => ({
      ...service,
      processes: [{ pid: process.pid, started: 'another:1' }],
    })),
  };
  expect(await reap(stranger)).toEqual([]);

  const again = await launch(dir);
  expect(isRunning(child)).toBe(false);
  await again.client.shutdown();
}, 40_000);

it('ends by itself when it has nothing to do, and on SIGTERM', async () => {
  const dir = tempDir();
  const idle = await launch(dir, { idleMs: 150 });
  idle.client.close();
  await until(() => !isRunning(idle.pid));
  expect(recordIn(dir).supervisor).toBe(null);

  const other = tempDir();
  const busy = await launch(other);
  await busy.client.ensure(order(shellService(other, 'a', twoLevels)));
  await wait(busy.client, 'a');
  const inner = await pidIn(join(other, 'inner'));
  process.kill(busy.pid, 'SIGTERM');
  await until(() => !isRunning(busy.pid));
  expect(isRunning(inner)).toBe(false);
});

it('makes its socket anew when a cleaner took it, and ends with everything when its directory is gone', async () => {
  const dir = tempDir();
  const { client, pid } = await launch(dir, { idleMs: 150 });
  await client.ensure(order(shellService(dir, 'a', twoLevels)));
  await wait(client, 'a');
  const guard = recordIn(dir).guard?.pid ?? 0;
  const inner = await pidIn(join(dir, 'inner'));
  rmSync(join(dir, 's.sock'));
  await until(() => existsSync(join(dir, 's.sock')));
  const other = await SupervisorClient.connect(join(dir, 's.sock'));
  expect((await other.status()).services).toMatchObject([{ state: 'healthy' }]);
  other.close();
  rmSync(dir, { recursive: true });
  await until(() => ![pid, guard, inner].some(isRunning));
});

it('tells why it cannot start', async () => {
  const dir = tempDir();
  const failing = launchSupervisor({
    entry: join(dir, 'missing.mjs'),
    args: [],
    socketPath: join(dir, 's.sock'),
    outputPath: join(dir, 'out'),
    signal: new AbortController().signal,
  });
  await expect(failing).rejects.toMatchObject({
    code: 'SUPERVISOR_FAILED',
    message: expect.stringContaining('missing.mjs'),
  });
});
