import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of small programs that a test puts on PATH, with room for what they write. */
export interface Programs {
  directory: string;
  /** PATH with these programs first and nothing but the system's own behind them. */
  path: string;
  /** @param script body of a /bin/sh script; $STATE is `state` */
  add(name: string, script: string): string;
  /** Where the programs keep what they do. */
  state: string;
  remove(): void;
}

export function openPrograms(): Programs {
  const directory = mkdtempSync(join(tmpdir(), 'lambdactl-programs-'));
  const [bin, state] = [join(directory, 'bin'), join(directory, 'state')];
  mkdirSync(bin);
  mkdirSync(state);
  // Not the system's PATH: a real docker or kind of this machine would answer for the one that is not there.
  const tools = join(directory, 'tools');
  mkdirSync(tools);
  for (const name of ['sh', 'cat', 'ls', 'mkdir', 'rm', 'sleep', 'basename', 'touch', 'printf', 'grep', 'cp', 'find']) {
    writeFileSync(join(tools, name), `#!/bin/sh\nPATH=/usr/bin:/bin exec ${name} "$@"\n`);
    chmodSync(join(tools, name), 0o755);
  }
  return {
    directory,
    state,
    path: `${bin}:${tools}`,
    add: (name, script) => {
      const file = join(bin, name);
      writeFileSync(file, `#!/bin/sh\nSTATE='${state}'\n${script}\n`);
      chmodSync(file, 0o755);
      return file;
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
