import { existsSync, globSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { parseManifest } from '../../artifacts/manifest.ts';
import { imageArtifacts } from './image-layout.ts';

const store = join(homedir(), '.lambdactl/artifacts');

/** The newest installation of each artifact of this machine. */
function installed(name: string): string | null {
  const directory = join(store, name);
  if (!existsSync(directory)) return null;
  const all = readdirSync(directory).map((key) => join(directory, key));
  return all.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0] ?? null;
}

const withJars = [...imageArtifacts('x')].filter(([, { classPath }]) => classPath.length > 0);

it.each(withJars)(
  'the class path of %s in an image has the jars of the installed one, in its order',
  async (name, artifact) => {
    const root = installed(name);
    const manifest = root === null ? undefined : await parseManifest(root);
    if (root === null || manifest === undefined) return;
    const found = artifact.classPath.flatMap((entry) => {
      const below = entry.slice(artifact.root.length + 1);
      // As the JVM's launcher: the jars of that one directory.
      return basename(below) === '*'
        ? globSync(`${dirname(below)}/*.jar`, { cwd: root }).map((path) => path.replace(/^\.\//, ''))
        : [below];
    });
    expect(found.toSorted()).toEqual(manifest.classPath.toSorted());
    // Directories follow each other as in the manifest; within one of them the order does not matter.
    const directories = (paths: readonly string[]) => [...new Set(paths.map((path) => dirname(path)))];
    expect(directories(found)).toEqual(directories(manifest.classPath));
  },
);
