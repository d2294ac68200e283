import { access, constants, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { execa } from 'execa';

export interface ExecResult {
  /** null when the program was ended by a signal or could not be started. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** One line on why it failed; undefined when it succeeded. */
  failure: string | undefined;
}

export interface ExecOptions {
  cwd?: string;
  /** Added to the caller's environment. */
  env?: Record<string, string>;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Written to standard input, which is closed otherwise: what must not stand in arguments. */
  input?: string;
}

/** Runs a program to its end and never throws on its failure: the caller knows best what a failure means. */
export async function exec(command: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const { cwd, env, signal, timeoutMs, input } = options;
  const result = await execa(command, [...args], {
    reject: false,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    ...(signal === undefined ? {} : { cancelSignal: signal }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  signal?.throwIfAborted();
  return {
    exitCode: result.exitCode ?? null,
    stdout: result.stdout,
    stderr: result.stderr,
    failure: result.failed ? (result.shortMessage ?? `${command} failed`) : undefined,
  };
}

/** Absolute path of the first executable of that name on PATH; an absolute name is only checked. */
export async function findOnPath(name: string, path = process.env.PATH ?? ''): Promise<string | undefined> {
  const candidates = isAbsolute(name) ? [name] : path.split(delimiter).map((directory) => join(directory || '.', name));
  for (const candidate of candidates) {
    try {
      await access(candidate, constants.X_OK);
      if ((await stat(candidate)).isFile()) return candidate;
    } catch {
      // Not here: look further.
    }
  }
  return undefined;
}

/** Bytes that a directory takes on disk, by `du`; null where it did not tell in time. */
export async function diskUse(path: string, timeoutMs: number): Promise<number | null> {
  // du of macOS has no -b; both count in KiB with -k.
  const { stdout } = await exec('du', ['-sk', path], { timeoutMs });
  const kilobytes = /^(\d+)\s/.exec(stdout)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}
