import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa, type Options } from 'execa';
import { paths, rigEnvironment } from './paths.ts';

/** Runs a program with the rig's environment; what it says goes into log/<log>.log as well. @returns its stdout */
export async function run(log: string, file: string, args: readonly string[], options: Options = {}): Promise<string> {
  mkdirSync(paths.logs, { recursive: true });
  const sink = createWriteStream(join(paths.logs, `${log}.log`), { flags: 'a' });
  sink.write(`$ ${file} ${args.join(' ')}\n`);
  const child = execa(file, args, {
    stdin: 'ignore',
    maxBuffer: 50_000_000,
    ...options,
    env: { ...rigEnvironment(), ...options.env },
  });
  child.stdout?.pipe(sink, { end: false });
  child.stderr?.pipe(sink, { end: false });
  try {
    const { stdout } = await child;
    return typeof stdout === 'string' ? stdout : '';
  } finally {
    sink.end();
  }
}

/** A script of sh, stopping at its first error; `$1`… are the arguments. */
export const sh = (log: string, script: string, args: readonly string[] = [], options: Options = {}) =>
  run(log, 'bash', ['-euo', 'pipefail', '-c', script, log, ...args], options);

export const docker = (log: string, ...args: string[]) => run(log, 'docker', args);
