import { chmod, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { copy, linkOrCopy } from './store-files.ts';

/**
 * Gives every file below `from` a second name below `to`, a hard link where both lie on one file system: a second tree that costs no
 * space. Directories are made, symbolic links stay what they are. A file that not everybody may read is copied and made readable, since
 * changing a link's mode would change the original's.
 * @param wanted path below `from`, with "/"; what it refuses is left out, of a directory with everything in it
 */
export async function linkTree(
  from: string,
  to: string,
  wanted: (path: string) => boolean = () => true,
): Promise<void> {
  const limit = pLimit(16);
  const walk = async (below: string): Promise<void> => {
    await mkdir(join(to, below), { recursive: true, mode: 0o755 });
    // Whatever the umask.
    await chmod(join(to, below), 0o755);
    const entries = await readdir(join(from, below), { withFileTypes: true });
    await Promise.all(
      entries.map(async (entry) => {
        const path = below === '' ? entry.name : `${below}/${entry.name}`;
        if (!wanted(path)) return;
        if (entry.isDirectory()) await walk(path);
        else if (entry.isSymbolicLink()) await symlink(await readlink(join(from, path)), join(to, path));
        else if (entry.isFile()) await limit(() => linkFile(join(from, path), join(to, path)));
      }),
    );
  };
  await walk('');
}

async function linkFile(from: string, to: string): Promise<void> {
  const { mode } = await lstat(from);
  const executable = (mode & 0o111) !== 0;
  const readable = executable ? 0o005 : 0o004;
  if ((mode & readable) === readable) return linkOrCopy(from, to);
  await copy(from, to);
  await chmod(to, executable ? 0o755 : 0o644);
}
