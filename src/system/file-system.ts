import { accessSync, constants, readFileSync } from 'node:fs';
import { chmod, realpath, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface FileSystemFacts {
  /** The nearest existing directory of what was asked for. */
  at: string;
  mount: string;
  /** e.g. "ext4", "nfs4"; "unknown" where the system does not tell. */
  type: string;
  /** Mount options, e.g. "ro", "noexec". */
  options: readonly string[];
  /** Bytes an unprivileged user may still write. */
  freeBytes: number;
  totalBytes: number;
  /** Files that can still be made; null where the file system does not count them. */
  freeFiles: number | null;
  /** Whether this user may write there. */
  writable: boolean;
}

/** The file system on which `path` lies or will lie. @throws Error with errno code when it does not answer */
export async function fileSystemOf(path: string): Promise<FileSystemFacts> {
  let at = path;
  while ((await stat(at).catch(() => null)) === null && dirname(at) !== at) at = dirname(at);
  const real = await realpath(at);
  const { bavail, bsize, blocks, ffree, files } = await statfs(real);
  return {
    at,
    ...mountOf(real, mounts()),
    freeBytes: bavail * bsize,
    totalBytes: blocks * bsize,
    freeFiles: files > 0 ? ffree : null,
    writable: mayWrite(real),
  };
}

type Mount = Pick<FileSystemFacts, 'mount' | 'type' | 'options'>;

/** The mount that a path lies on: the longest one above it, and of two at the same place the later. */
export function mountOf(path: string, table: readonly Mount[]): Mount {
  const above = table.filter(({ mount }) => mount === '/' || path === mount || path.startsWith(`${mount}/`));
  return above.reduce<Mount>((best, each) => (each.mount.length >= best.mount.length ? each : best), {
    mount: '/',
    type: 'unknown',
    options: [],
  });
}

/** Lines of /proc/self/mounts; empty where there is no such file. */
export function mounts(text = readMounts()): Mount[] {
  // A space in a path is written as \040.
  const plain = (field: string) =>
    field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return text.split('\n').flatMap((line) => {
    const [, mount, type, options] = line.split(' ');
    return mount === undefined || type === undefined || options === undefined
      ? []
      : [{ mount: plain(mount), type, options: options.split(',') }];
  });
}

function readMounts(): string {
  try {
    return readFileSync('/proc/self/mounts', 'utf8');
  } catch {
    return '';
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** When a file was last written, ms since 1970; null where there is none. */
export async function modifiedAt(path: string): Promise<number | null> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? null;
}

/** Sets the permission bits. @throws Error with errno code */
export async function setMode(path: string, mode: number): Promise<void> {
  await chmod(path, mode);
}

/** Where a path leads when every symbolic link is followed; the path itself where there is nothing. */
export async function realPathOf(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
