import { join } from 'node:path';
import { readLockFile } from '../../artifacts/lock-file.ts';
import { imageTagVariable } from '../../runtimes/kubernetes/in-cluster.ts';
import { exists, hashTree } from '../../system/files.ts';
import { hashText } from '../../system/store-files.ts';
import { packageVersion } from '../stack.ts';

/** What goes into images besides artifacts; `dist` is lambdactl itself, which is in one of them. */
const trees = ['templates', 'schemas', 'dags-repo', 'dist'] as const;

/**
 * The tag of all images: 12 hex digits over everything that they are made of, so that the same tag means the same content and a change is
 * a new one. Neither the machine nor its Python nor the base is in it: an image for another processor, or on a base of your own, has the
 * same name. Needs nothing to be installed.
 * @throws LambdaError LOCK_INVALID
 */
export async function imageTag({ projectRoot }: { projectRoot: string }): Promise<string> {
  // Within an image there is neither the lock nor all that goes into images: a pod is told its stack's tag.
  const told = process.env[imageTagVariable];
  if (told !== undefined && told !== '') return told;
  const { artifacts } = await readLockFile(projectRoot);
  const parts = [await packageVersion(), JSON.stringify(artifacts)];
  for (const tree of trees) {
    const path = join(projectRoot, tree);
    parts.push(tree, exists(path) ? hashTree(path) : '');
  }
  return hashText(parts.join('\n')).slice(0, 12);
}
