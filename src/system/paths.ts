import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** Directory of stacks and artifacts: the one given, else ~/.lambdactl. Always absolute. */
export function resolveHome(given: string | undefined): string {
  if (given === undefined || given === '') return join(homedir(), '.lambdactl');
  return resolve(given.startsWith('~/') ? join(homedir(), given.slice(2)) : given);
}

/** Where programs of this user keep temporary files. */
export const temporaryDir = (): string => tmpdir();

/** Rights that new files of this process do not get. */
export const currentUmask = (): number => process.umask();

/** A short directory that only this user can enter, for sockets whose natural path is too long. Not created here. */
export function shortRuntimeDir(): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  if (runtime !== undefined && isAbsolute(runtime) && runtime.length < 40) return join(runtime, 'lambdactl');
  return join(shortTemp(), `lambdactl-${process.getuid?.() ?? 'user'}`);
}

function shortTemp(): string {
  // macOS gives every user a temporary directory of 49 bytes: still short enough for the file names used here.
  const temp = tmpdir();
  return temp.length < 60 ? temp : '/tmp';
}

/** First executable file of that name on PATH, or the path itself when it holds a slash; null when there is none. */
export function findExecutable(name: string, path = process.env.PATH ?? ''): string | null {
  const candidates = name.includes('/')
    ? [resolve(name)]
    : path.split(delimiter).flatMap((dir) => (isAbsolute(dir) ? [join(dir, name)] : []));
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** Entries of /etc/passwd; empty where there is none. */
export function accounts(): readonly Account[] {
  let text: string;
  try {
    text = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return name === undefined || uid === undefined || gid === undefined || name.startsWith('#')
      ? []
      : [{ name, uid: Number(uid), gid: Number(gid) }];
  });
}
