import { dirname, join, normalize, relative, sep } from 'node:path';
import { z } from 'zod';
import { exec } from '../system/exec.ts';
import { makeDirectory, readTextIfPresent, replaceByLink } from '../system/store-files.ts';
import { installFailed } from './errors.ts';
import type { ArtifactName } from './names.ts';

/** What an unpacked tree still needs to be usable; no script of a package is ever run. */
export const finishing: Partial<Record<ArtifactName, (tree: string, signal: AbortSignal) => Promise<void>>> = {
  jre: dumpBaseArchive,
  postgres: hydrateSymlinks,
};

/** This JRE ships without the archive of its own classes; with it every JVM starts 0.3 s sooner and smaller. */
async function dumpBaseArchive(tree: string, signal: AbortSignal): Promise<void> {
  const result = await exec(join(tree, 'bin', 'java'), ['-Xshare:dump'], { signal });
  if (result.failure !== undefined) {
    throw installFailed(
      'jre',
      'java -Xshare:dump failed; is this a glibc system?',
      `${result.stdout}\n${result.stderr}`,
    );
  }
}

const symlinks = z.array(z.object({ source: z.string(), target: z.string() }));

/** npm packages hold no symbolic links: the list of those that were left out comes beside (source = existing file). */
async function hydrateSymlinks(tree: string): Promise<void> {
  const text = await readTextIfPresent(join(tree, 'pg-symlinks.json'));
  for (const { source, target } of symlinks.parse(JSON.parse(text ?? '[]'))) {
    const existing = inside(tree, source);
    const missing = inside(tree, target);
    await makeDirectory(dirname(missing));
    await replaceByLink(missing, relative(dirname(missing), existing));
  }
}

/** Paths in the list begin with "native/", which is where the tree came from. */
function inside(tree: string, path: string): string {
  const absolute = normalize(join(tree, path.replace(/^(\.\/)?native\//, '')));
  if (!absolute.startsWith(normalize(tree) + sep))
    throw installFailed('postgres', `${path} points out of the package.`);
  return absolute;
}
