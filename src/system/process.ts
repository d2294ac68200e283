import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** A process, told from a later one that got the same pid by its start time (opaque; compare for equality). */
export interface ProcessIdentity {
  pid: number;
  started: string;
}

export type Signal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL';

const linux = process.platform === 'linux';
let bootId: string | undefined;

/** Start time of /proc/<pid>/stat's 22nd field, unique together with the boot. */
export function startedFrom(ticks: string): string {
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8);
  return `${bootId}:${ticks}`;
}

/** Who has this pid now; null when nobody, or only a zombie that waits to be reaped. */
export function identityOf(pid: number): ProcessIdentity | null {
  try {
    if (!linux) {
      const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
        encoding: 'utf8',
        env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' },
      });
      const [state = 'Z', ...started] = line.trim().split(/\s+/);
      return state.startsWith('Z') ? null : { pid, started: started.join('_') };
    }
    const fields = statFields(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    const [state, ticks] = [fields[0], fields[19]];
    return state === 'Z' || state === 'X' || ticks === undefined ? null : { pid, started: startedFrom(ticks) };
  } catch {
    return null;
  }
}

/** Fields of /proc/<pid>/stat from the third ("state") on; the second may hold spaces and brackets itself. */
export function statFields(line: string): readonly string[] {
  return line
    .slice(line.lastIndexOf(')') + 2)
    .trimEnd()
    .split(' ');
}

export const ownIdentity = (): ProcessIdentity => identityOf(process.pid) ?? { pid: process.pid, started: 'unknown' };

export function isAlive({ pid, started }: ProcessIdentity): boolean {
  return identityOf(pid)?.started === started;
}

/** Command line, shortened; null when the process is gone. */
export function commandOf(pid: number): string | null {
  try {
    const text = linux
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      : execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
    return text.trim().slice(0, 200);
  } catch {
    return null;
  }
}

/** Signals the very process meant. @returns false when it is gone (or its pid belongs to another one now) */
export function signalProcess(identity: ProcessIdentity, signal: Signal): boolean {
  return isAlive(identity) && kill(identity.pid, signal);
}

/**
 * Signals the process group that `leader` opened. While any member lives, the kernel gives the leader's pid to no one else,
 * so a group whose leader has another start time is not ours and is left alone.
 */
export function signalGroup(leader: ProcessIdentity, signal: Signal): boolean {
  const present = identityOf(leader.pid);
  return (present === null || present.started === leader.started) && kill(-leader.pid, signal);
}

function kill(pid: number, signal: Signal): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Waits until the process is gone. @returns false when it still runs after the timeout */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (isAlive(identity)) {
    if (performance.now() > end) return false;
    await delay(20);
  }
  return true;
}

export interface ExitStatus {
  code: number | null;
  signal: string | null;
}

export const describeExit = ({ code, signal }: ExitStatus): string =>
  signal === null ? `exited with code ${code}` : `ended by ${signal}`;

export interface SpawnRequest {
  executable: string;
  args: readonly string[];
  /** The whole environment. */
  env: Readonly<Record<string, string>>;
  cwd: string;
  uid?: number;
  gid?: number;
}

export interface RunningChild {
  identity: ProcessIdentity;
  stdout: Readable;
  stderr: Readable;
  /** Settles when the process itself is gone; its output may still be open in descendants. */
  exited: Promise<ExitStatus>;
}

/**
 * Starts a command as leader of a session of its own, output piped.
 * @throws Error with errno code when it cannot be started
 */
export async function spawnSession(request: SpawnRequest): Promise<RunningChild> {
  const child = spawn(request.executable, [...request.args], {
    cwd: request.cwd,
    env: { ...request.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(request.uid === undefined ? {} : { uid: request.uid }),
    ...(request.gid === undefined ? {} : { gid: request.gid }),
  });
  const exited = new Promise<ExitStatus>((settle) => child.once('exit', (code, signal) => settle({ code, signal })));
  const pid = await spawned(child);
  // A child that has ended already is a zombie without identity until Node collects it.
  return { identity: identityOf(pid) ?? { pid, started: 'gone' }, stdout: child.stdout, stderr: child.stderr, exited };
}

/** Starts a session leader whose standard input is a pipe from this process, output nowhere. */
export async function spawnListener(
  executable: string,
  args: readonly string[],
): Promise<{ identity: ProcessIdentity; stdin: Writable; exited: Promise<ExitStatus> }> {
  const child = spawn(executable, [...args], {
    cwd: '/',
    env: plainEnvironment(),
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const exited = new Promise<ExitStatus>((settle) => child.once('exit', (code, signal) => settle({ code, signal })));
  // Writing to one that died is answered by its exit, not by an error of the stream.
  child.stdin.on('error', () => {});
  const pid = await spawned(child);
  return { identity: identityOf(pid) ?? { pid, started: 'gone' }, stdin: child.stdin, exited };
}

/** Starts a process that outlives this one: own session, no terminal, output appended to a file. */
export async function spawnDaemon(
  executable: string,
  args: readonly string[],
  outputPath: string,
): Promise<{ identity: ProcessIdentity; exited: Promise<ExitStatus> }> {
  const output = openSync(outputPath, 'w', 0o600);
  try {
    const child = spawn(executable, [...args], {
      cwd: '/',
      env: plainEnvironment(),
      detached: true,
      stdio: ['ignore', output, output],
    });
    const exited = new Promise<ExitStatus>((settle) => child.once('exit', (code, signal) => settle({ code, signal })));
    const pid = await spawned(child);
    child.unref();
    return { identity: identityOf(pid) ?? { pid, started: 'gone' }, exited };
  } finally {
    closeSync(output);
  }
}

function spawned(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((settle, fail) => {
    child.once('error', fail);
    child.once('spawn', () => settle(child.pid ?? 0));
  });
}

/** What every started process sees; the caller's own variables (keys, tokens) are not handed on. */
export function plainEnvironment(): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME = '/', LANG = 'C.UTF-8', TMPDIR, XDG_RUNTIME_DIR } = process.env;
  return {
    PATH,
    HOME,
    LANG,
    TZ: 'UTC',
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    ...(XDG_RUNTIME_DIR === undefined ? {} : { XDG_RUNTIME_DIR }),
  };
}
