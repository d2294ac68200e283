import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LambdaError, preflightError } from '../core/errors.ts';

export interface Owner {
  uid: number;
  gid: number;
}

/** The errno code ("ENOENT") of anything thrown, or null. */
export function errnoOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** Turns "disk full" and "not writable" into the LambdaErrors DISK_FULL and HOME_NOT_WRITABLE; leaves the rest alone. */
export function explainWriteError(error: unknown, path: string): unknown {
  if (error instanceof LambdaError) return error;
  const code = errnoOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return preflightError(`No space left to write ${path}.`, {
      code: 'DISK_FULL',
      actions: [`Free space on the file system of ${dirname(path)}, then run the same command again.`],
      details: { path },
      retryable: true,
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR') {
    return preflightError(`Cannot write ${path} (${code}).`, {
      code: 'HOME_NOT_WRITABLE',
      actions: ['Make the directory writable for this user, or choose another one with --home.'],
      details: { path },
      cause: error,
    });
  }
  return error;
}

async function writing<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw explainWriteError(error, path);
  }
}

/**
 * Creates the directory and what is above it, with this mode whatever the umask.
 * @param options.enforce sets the mode of one that exists already, too
 */
export async function makeDirectory(path: string, mode = 0o755, options: { enforce?: boolean } = {}): Promise<void> {
  await writing(path, async () => {
    const created = await fs.mkdir(path, { recursive: true, mode });
    if (created === undefined && options.enforce !== true) return;
    const { mode: present } = await fs.stat(path);
    if ((present & 0o777) !== mode) await fs.chmod(path, mode);
  });
}

/**
 * Writes beside, syncs, renames: readers see the old or the new content, never a half, also after a power cut.
 * @throws LambdaError DISK_FULL, HOME_NOT_WRITABLE
 */
export async function writeAtomic(
  path: string,
  content: string,
  options: { mode?: number; owner?: Owner } = {},
): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}`);
  await writing(path, async () => {
    try {
      const file = await fs.open(beside, 'wx', options.mode ?? 0o644);
      try {
        await file.writeFile(content);
        await file.chmod(options.mode ?? 0o644);
        if (options.owner !== undefined) await file.chown(options.owner.uid, options.owner.gid);
        await file.sync();
      } finally {
        await file.close();
      }
      await fs.rename(beside, path);
    } catch (error) {
      await fs.rm(beside, { force: true });
      throw error;
    }
    await syncDirectory(dirname(path));
  });
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await fs.open(path, 'r');
  try {
    await directory.sync();
  } catch {
    // Some file systems refuse to sync a directory; the rename is atomic all the same.
  } finally {
    await directory.close();
  }
}

/** Writes atomically unless the file already has this content, mode and owner. @returns whether it wrote */
export async function writeIfChanged(
  path: string,
  content: string,
  options: { mode: number; owner?: Owner },
): Promise<boolean> {
  const present = await readIfExists(path);
  if (present === content) {
    const { mode, uid, gid } = await fs.stat(path);
    const sameOwner = options.owner === undefined || (options.owner.uid === uid && options.owner.gid === gid);
    if ((mode & 0o777) === options.mode && sameOwner) return false;
  }
  await writeAtomic(path, content, options);
  return true;
}

/** Creates the file with its whole content in one step. @returns false when it exists already */
export async function createExclusive(path: string, content: string): Promise<boolean> {
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}`);
  return await writing(path, async () => {
    try {
      await fs.writeFile(beside, content, { mode: 0o600, flag: 'wx' });
      await fs.link(beside, path);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    } finally {
      await fs.rm(beside, { force: true });
    }
  });
}

export async function appendLine(path: string, line: string): Promise<void> {
  await writing(path, () => fs.appendFile(path, `${line}\n`, { mode: 0o600 }));
}

export async function readIfExists(path: string): Promise<string | null> {
  try {
    return await fs.readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw error;
  }
}

/** For templates, which are rendered synchronously. @throws Error with errno code */
export function readNow(path: string): string {
  return readFileSync(path, 'utf8');
}

/** Names in a directory, sorted; read at once. @throws Error with errno code */
export function namesNow(path: string): string[] {
  return readdirSync(path).sort();
}

/** sha256 over names and contents of all files below a directory, hidden ones left out; reads them at once. */
export function hashTree(path: string): string {
  const hash = createHash('sha256');
  const names = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const name of names)
    hash
      .update(`${name.slice(path.length)}\n`)
      .update(readFileSync(name))
      .update('\n');
  return hash.digest('hex').slice(0, 16);
}

export function exists(path: string): boolean {
  return existsSync(path);
}

/** Names in the directory; empty when it does not exist. */
export async function entriesOf(path: string): Promise<readonly string[]> {
  try {
    return await fs.readdir(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Removes a file or a whole directory; nothing happens when it is not there. */
export async function remove(path: string): Promise<void> {
  await writing(path, () => fs.rm(path, { recursive: true, force: true, maxRetries: 3 }));
}

export async function rename(from: string, to: string): Promise<void> {
  await writing(to, () => fs.rename(from, to));
}

/** Gives a directory and everything in it to the owner; does nothing when the directory has that owner already. */
export async function giveTree(path: string, owner: Owner): Promise<void> {
  const { uid, gid } = await fs.lstat(path);
  if (uid === owner.uid && gid === owner.gid) return;
  // The top last: an interrupted run is then repeated as a whole.
  for (const entry of await fs.readdir(path, { withFileTypes: true, recursive: true })) {
    await fs.lchown(join(entry.parentPath, entry.name), owner.uid, owner.gid);
  }
  await fs.lchown(path, owner.uid, owner.gid);
}

/** Permission bits; null where there is no such file. */
export async function modeOf(path: string): Promise<number | null> {
  const found = await fs.stat(path).catch(() => null);
  return found === null ? null : found.mode & 0o777;
}

/** Who owns a file or directory; null when there is none. */
export async function ownerOf(path: string): Promise<Owner | null> {
  const stat = await fs.lstat(path).catch(() => null);
  return stat === null ? null : { uid: stat.uid, gid: stat.gid };
}

/**
 * The first directory on the way to `path` that the owner may not enter, or `path` itself when it may not be read.
 * @param options.wayOnly `path` itself does not count
 */
export async function obstacleFor(
  owner: Owner,
  path: string,
  options: { wayOnly?: boolean } = {},
): Promise<string | null> {
  const allowed = (stat: { uid: number; gid: number; mode: number }, bits: number) => {
    const shift = stat.uid === owner.uid ? 6 : stat.gid === owner.gid ? 3 : 0;
    return ((stat.mode >> shift) & bits) === bits;
  };
  const above: string[] = [];
  for (let at = dirname(path); ; at = dirname(at)) {
    above.unshift(at);
    if (at === dirname(at)) break;
  }
  for (const directory of above) {
    const stat = await fs.stat(directory).catch(() => null);
    if (stat === null) return null;
    if (!allowed(stat, 1)) return directory;
  }
  const own = options.wayOnly === true ? null : await fs.stat(path).catch(() => null);
  return own === null || allowed(own, own.isDirectory() || (own.mode & 0o111) !== 0 ? 5 : 4) ? null : path;
}

export interface AppendFile {
  /** Bytes in the file when it was opened. */
  readonly size: number;
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

export async function openAppend(path: string): Promise<AppendFile> {
  const file = await fs.open(path, 'a', 0o600);
  const { size } = await file.stat();
  return {
    size,
    write: async (text) => {
      await file.appendFile(text);
    },
    close: () => file.close(),
  };
}

export interface ReadFile {
  /** Tells a renamed file from a new one of the same name. */
  readonly inode: number;
  size(): Promise<number>;
  /** Bytes from offset; shorter at the end of the file. */
  read(offset: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

export async function openRead(path: string): Promise<ReadFile | null> {
  const file = await fs.open(path, constants.O_RDONLY).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return null;
  return {
    inode: (await file.stat()).ino,
    size: async () => (await file.stat()).size,
    read: async (offset, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}

/** Inode of the file a path names now, null when there is none. */
export async function inodeOf(path: string): Promise<number | null> {
  return (await fs.stat(path).catch(() => null))?.ino ?? null;
}

/** A file's bytes in pieces of up to a mebibyte. */
export function readChunks(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 1 << 20 });
}
