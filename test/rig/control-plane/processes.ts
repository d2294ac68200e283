import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findExecutable } from '../../../src/system/paths.ts';
import { plainEnvironment } from '../../../src/system/process.ts';

export interface RigProcess {
  name: string;
  pid: number;
  running(): boolean;
  /** What it wrote so far, both streams. */
  log(): string;
  /** SIGKILL, as none of them has anything worth keeping; returns when it is gone. */
  stop(): Promise<void>;
}

export interface ProcessRequest {
  name: string;
  executable: string;
  args: readonly string[];
  /** Where its log goes; its working directory. */
  dir: string;
  env?: Readonly<Record<string, string>>;
}

/** With it the kernel kills the processes when the test runner dies, however it dies. macOS has no such thing. */
const setpriv = process.platform === 'linux' ? findExecutable('setpriv') : null;

export async function startProcess({ name, executable, args, dir, env = {} }: ProcessRequest): Promise<RigProcess> {
  const logPath = join(dir, `${name}.log`);
  const output = openSync(logPath, 'w', 0o600);
  const argv = [...(setpriv === null ? [] : [setpriv, '--pdeathsig', 'KILL', '--']), executable, ...args];
  const child = spawn(argv[0] ?? executable, argv.slice(1), {
    cwd: dir,
    env: { ...plainEnvironment(), ...env },
    stdio: ['ignore', output, output],
  });
  const exited = new Promise<void>((settle) => child.once('exit', () => settle()));
  await new Promise<void>((settle, fail) => {
    child.once('spawn', settle);
    child.once('error', fail);
  }).finally(() => closeSync(output));
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    name,
    pid: child.pid ?? 0,
    running,
    log: () => readFileSync(logPath, 'utf8'),
    stop: async () => {
      if (running()) child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Polls until the answer is true. @throws Error with the end of the log when the process ends first or time is up */
export async function untilReady(
  process: RigProcess,
  ready: () => Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await ready().catch(() => false))) {
    if (!process.running()) throw new Error(`${process.name} ended:\n${lastLines(process.log())}`);
    if (performance.now() > end) throw new Error(`${process.name} is not ready:\n${lastLines(process.log())}`);
    await delay(50);
  }
}

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-15).join('\n');
