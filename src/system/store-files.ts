import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, readFileSync } from 'node:fs';
import {
  chmod,
  constants,
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  statfs,
  symlink,
  unlink,
} from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type HashAlgorithm = 'sha256' | 'sha512';

/** Hex digest of a file's content. */
export async function hashFile(path: string, algorithm: HashAlgorithm = 'sha256'): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

/** Hex sha256 of a file that fits into memory. Not async: of 20,000 files a stream each takes ten seconds, this one. */
export function hashSmallFile(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Hex sha256 of a text. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Text of a file, or undefined where there is none. */
export async function readTextIfPresent(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined;
    throw error;
  });
}

export async function readBytes(path: string): Promise<Buffer> {
  return readFile(path);
}

/** Bytes of a file, or undefined where there is none (a directory is none either). */
export async function fileSize(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
}

/** Written beside, flushed and renamed: a reader sees the old text or the new one. */
export async function writeTextAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const file = await open(temporary, 'w', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** Creates a directory that other users may enter, whatever the umask: some products must run under another uid. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let each = path; each.startsWith(first); each = dirname(each)) await chmod(each, 0o755);
}

export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

export async function move(from: string, to: string): Promise<void> {
  await rename(from, to);
}

/** Copies a file, sharing its blocks where the file system can. */
export async function copy(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
}

/** Gives a file a second name on the same file system, or copies it where that is not possible. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copy(from, to));
}

/** Makes `path` a symbolic link to `target`, replacing what is there. */
export async function replaceByLink(path: string, target: string): Promise<void> {
  await rm(path, { force: true });
  await symlink(target, path);
}

export interface TreeEntry {
  /** Below the tree's root, with "/". */
  path: string;
  bytes: number;
  /** Target of a symbolic link. */
  link?: string;
  executable: boolean;
}

/** Every file and symbolic link below a directory, sorted by path. */
export async function listTree(root: string): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for (const each of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (each.isDirectory()) continue;
    const path = join(each.parentPath, each.name);
    const found = lstatSync(path);
    entries.push({
      path: relative(root, path).replaceAll('\\', '/'),
      bytes: found.size,
      executable: (found.mode & 0o111) !== 0,
      ...(each.isSymbolicLink() ? { link: await readlink(path) } : {}),
    });
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Lets everybody read the tree and enter its directories, and only its owner write. Most files are that way already. */
export async function makeReadable(root: string): Promise<void> {
  await chmod(root, 0o755);
  for (const each of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (each.isSymbolicLink()) continue;
    const path = join(each.parentPath, each.name);
    // Not async: of 25,000 files that would take seconds.
    const { mode } = lstatSync(path);
    const wanted = each.isDirectory() || (mode & 0o111) !== 0 ? 0o755 : 0o644;
    if ((mode & 0o7777) !== wanted) await chmod(path, wanted);
  }
}

/** Names in a directory, or none where it does not exist. */
export async function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}

/** Bytes that files below a directory take. */
export async function treeBytes(path: string): Promise<number> {
  const entries = await listTree(path).catch(() => []);
  return entries.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Whether each path exists with that size; one look per file, no reading. Not async: 2,000 looks then take 10 ms, not 30. */
export function haveSizes(root: string, files: readonly { path: string; bytes: number }[]): boolean {
  try {
    return files.every(({ path, bytes }) => lstatSync(join(root, path), { throwIfNoEntry: false })?.size === bytes);
  } catch {
    return false;
  }
}

/** Whether each directory has at least that many entries. Not async, for the same reason. */
export function haveEntries(root: string, directories: readonly (readonly [path: string, entries: number])[]): boolean {
  try {
    return directories.every(([path, entries]) => readdirSync(join(root, path)).length >= entries);
  } catch {
    return false;
  }
}

/** Free bytes for this user on the file system that holds `path` or its nearest existing parent. */
export async function freeBytes(path: string): Promise<number> {
  for (let each = path; ; each = dirname(each)) {
    const found = await statfs(each).catch(() => undefined);
    if (found !== undefined) return found.bavail * found.bsize;
    if (dirname(each) === each) return Number.POSITIVE_INFINITY;
  }
}

export function homeDirectory(): string {
  return homedir();
}

/** e.g. "linux-x64": how npm's os and cpu name this machine. */
export function platformName(): string {
  return `${process.platform}-${process.arch}`;
}

/** errno name of a failed system call, '' for anything else. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/**
 * Runs `work` while no other process holds the same lock file; waits for it otherwise. A lock whose holder is dead
 * (or whose pid now belongs to another process) is taken over, so a kill -9 blocks nobody.
 */
export async function withFileLock<T>(
  path: string,
  options: { signal: AbortSignal; onWait?: () => void; pollMs?: number },
  work: () => Promise<T>,
): Promise<T> {
  const own = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await makeDirectory(dirname(path));
  const file = await open(own, 'w');
  await file.writeFile(await identity(process.pid));
  await file.close();
  try {
    for (let waited = false; ; waited = true) {
      options.signal.throwIfAborted();
      if (await tryLink(own, path)) break;
      if (await takeOver(path)) continue;
      if (!waited) options.onWait?.();
      await sleep(options.pollMs ?? 100, undefined, { signal: options.signal });
    }
  } finally {
    await unlink(own);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLink(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock of a dead holder. Renamed first, so that of two that notice it only one removes it. */
async function takeOver(path: string): Promise<boolean> {
  const holder = await readTextIfPresent(path);
  if (holder === undefined) return true;
  if (holder === (await identity(Number(holder.split(' ')[0])))) return false;
  const aside = `${path}.dead.${process.pid}`;
  await rename(path, aside).catch(() => undefined);
  if ((await readTextIfPresent(aside)) !== holder) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return true;
}

/** "pid start-time", '' of a process that is not there. */
async function identity(pid: number): Promise<string> {
  if (!Number.isInteger(pid) || pid <= 0) return '';
  const line = await readTextIfPresent(`/proc/${pid}/stat`).catch(() => undefined);
  // Fields are counted after the command name, which may hold spaces: the start time is the 22nd of all.
  if (line !== undefined) return `${pid} ${line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`;
  if (process.platform === 'linux') return '';
  try {
    process.kill(pid, 0);
    return `${pid} `;
  } catch (error) {
    return errnoOf(error) === 'EPERM' ? `${pid} ` : '';
  }
}
