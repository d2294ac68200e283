import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

/** A directory of temporary files that only this user can enter. */
export interface Staging {
  directory: string;
  /** @param path below the directory @param text bytes, as latin1 */
  write(path: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

export async function openStaging(prefix: string): Promise<Staging> {
  const directory = await mkdtemp(join(tmpdir(), prefix));
  return {
    directory,
    write: async (path, text) => {
      await mkdir(dirname(join(directory, path)), { recursive: true, mode: 0o700 });
      await writeFile(join(directory, path), text, { encoding: 'latin1', mode: 0o600 });
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The last bytes of a file as latin1, from the beginning of a line on; null where it cannot be read. */
export async function tailOf(path: string, bytes: number): Promise<string | null> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const text = buffer.toString('latin1', 0, bytesRead);
    return length < size ? text.slice(text.indexOf('\n') + 1) : text;
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** Regular files below a directory, with "/", sorted; empty where there is none. Links are not followed. */
export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}
