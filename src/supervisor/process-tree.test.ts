import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  isRunning,
  order,
  pidIn,
  reaches,
  shellService,
  supervisorIn,
  tempDir,
  until,
} from '../../test/support/supervisor.ts';
import { identityOf, signalGroup, signalProcess } from '../system/process.ts';
import { endTree } from './process-tree.ts';

const linux = process.platform === 'linux';

it('kills a service that ignores the stop signal', async () => {
  const dir = tempDir();
  const supervisor = await supervisorIn(dir);
  const script = "trap '' TERM; touch up; while :; do sleep 0.05; done";
  await supervisor.ensure(order(shellService(dir, 'a', script, { stopGraceMs: 150 })));
  const { pid } = await reaches(supervisor, 'a', 'healthy');
  await supervisor.stop(['a']);
  expect(isRunning(pid ?? 0)).toBe(false);
});

it('ends grandchildren with the service', async () => {
  const dir = tempDir();
  const supervisor = await supervisorIn(dir);
  const script = "sh -c 'sleep 600 & echo $! > inner; wait' & touch up; wait";
  await supervisor.ensure(order(shellService(dir, 'a', script)));
  const inner = await pidIn(join(dir, 'inner'));
  await reaches(supervisor, 'a', 'healthy');
  await supervisor.stop(['a']);
  expect(isRunning(inner)).toBe(false);
});

it.skipIf(!linux)('ends grandchildren that went into a session of their own', async () => {
  const dir = tempDir();
  const supervisor = await supervisorIn(dir);
  const script = "setsid sh -c 'echo $$ > inner; exec sleep 600' & touch up; exec sleep 600";
  await supervisor.ensure(order(shellService(dir, 'a', script)));
  const inner = await pidIn(join(dir, 'inner'));
  await reaches(supervisor, 'a', 'healthy');
  await supervisor.stop(['a']);
  expect(isRunning(inner)).toBe(false);
});

it.skipIf(!linux)('ends what left session and family, before the next start after a crash', async () => {
  const dir = tempDir();
  const supervisor = await supervisorIn(dir);
  // The middle one ends at once, so the innermost belongs to init and to a session of its own.
  const stray = 'setsid sh -c \'setsid sh -c "trap : TERM; echo \\$\\$ > inner; while :; do sleep 0.05; done" &\'';
  const script = `[ -e inner ] || { ${stray}; while [ ! -s inner ]; do sleep 0.02; done; exit 1; }; touch up; exec sleep 600`;
  await supervisor.ensure(order(shellService(dir, 'a', script)));
  const inner = await pidIn(join(dir, 'inner'));
  await reaches(supervisor, 'a', 'healthy');
  expect(isRunning(inner)).toBe(false);
});

it('never touches a process that has a recorded pid and another start time', async () => {
  const stranger = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  onTestFinished(() => {
    stranger.kill('SIGKILL');
  });
  const pid = await until(() => stranger.pid);
  const old = { pid, started: 'deadbeef:1' };
  expect(signalProcess(old, 'SIGKILL')).toBe(false);
  expect(signalGroup(old, 'SIGKILL')).toBe(false);
  expect(await endTree({ roots: [old], marker: null, signal: 'SIGKILL', graceMs: 100 })).toEqual([]);
  expect(stranger.exitCode).toBe(null);
  expect(isRunning(pid)).toBe(true);
  const real = identityOf(pid);
  expect(real).not.toBe(null);
  expect(await endTree({ roots: real === null ? [] : [real], marker: null, signal: 'SIGTERM', graceMs: 2000 })).toEqual(
    [],
  );
  expect(isRunning(pid)).toBe(false);
});

it('leaves other services alone whose names begin alike', async () => {
  const dir = tempDir();
  const supervisor = await supervisorIn(dir);
  for (const name of ['kafka', 'kafka-2']) {
    await supervisor.ensure(order(shellService(dir, name, 'touch up; exec sleep 600')));
  }
  const { pid } = await reaches(supervisor, 'kafka-2', 'healthy');
  await reaches(supervisor, 'kafka', 'healthy');
  await supervisor.stop(['kafka']);
  expect(isRunning(pid ?? 0)).toBe(true);
});
