import { join } from 'node:path';
import type { OperationContext } from '../core/events.ts';
import { move, namesIn, removeTree, withFileLock } from '../system/store-files.ts';
import { describeFailure } from './errors.ts';
import { bytesOf, problemsOf } from './manifest.ts';
import { artifactNames } from './names.ts';
import type { StoreFrame, VerifyResult } from './store.ts';

/** Compares every installed file of the present lock with its manifest. */
export async function verifyArtifacts(frame: StoreFrame, context: OperationContext): Promise<VerifyResult[]> {
  const results: VerifyResult[] = [];
  for (const { name, root } of await frame.wanted(artifactNames, 'overview')) {
    context.signal.throwIfAborted();
    if ((await namesIn(root)).length === 0) continue;
    const problems = await problemsOf(root);
    results.push({ name, ok: problems.length === 0, problems });
    // Without its manifest it counts as missing, so the next ensure repairs it. A read-only home just keeps it.
    if (problems.length > 0)
      await move(join(root, 'manifest.json'), join(root, 'manifest.damaged.json')).catch(() => undefined);
  }
  return results;
}

/** What prune would remove, but for unfinished installations. Looks only. */
export async function unusedArtifacts(frame: StoreFrame): Promise<{ label: string; path: string; bytes: number }[]> {
  const keep = new Set((await frame.wanted(artifactNames, 'overview')).map(({ root }) => root));
  const unused: { label: string; path: string; bytes: number }[] = [];
  for (const name of await namesIn(frame.directory)) {
    if (name.startsWith('.') || name === 'cds') continue;
    for (const key of await namesIn(join(frame.directory, name))) {
      const path = join(frame.directory, name, key);
      if (!keep.has(path)) unused.push({ label: `${name}/${key}`, path, bytes: await bytesOf(path) });
    }
  }
  return unused;
}

export async function pruneArtifacts(
  frame: StoreFrame,
  context: OperationContext,
): Promise<{ removed: string[]; bytes: number }> {
  const removed: string[] = [];
  let bytes = 0;
  const remove = async (label: string, path: string, size: number) => {
    bytes += size;
    await removeTree(path);
    removed.push(label);
  };
  try {
    for (const unused of await unusedArtifacts(frame)) {
      context.signal.throwIfAborted();
      await remove(unused.label, unused.path, unused.bytes);
    }
    for (const left of await namesIn(join(frame.directory, '.staging'))) {
      const name = artifactNames.find((each) => left.startsWith(`${each}-`)) ?? left;
      const lock = join(frame.directory, '.locks', name);
      // Whoever is installing right now is waited for; then there is nothing left to remove.
      await withFileLock(lock, context, async () => {
        const path = join(frame.directory, '.staging', left);
        if ((await namesIn(path)).length > 0) await remove(`unfinished ${left}`, path, await bytesOf(path));
      });
    }
  } catch (error) {
    throw describeFailure(error, frame.home);
  }
  return { removed, bytes };
}
