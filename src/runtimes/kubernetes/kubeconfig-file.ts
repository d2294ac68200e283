import { delimiter, join } from 'node:path';
import { realPathOf } from '../../system/file-system.ts';
import { exists, modeOf, readIfExists, writeAtomic } from '../../system/files.ts';
import { homeDirectory } from '../../system/store-files.ts';

/** Files that make up the user's kubeconfig, as kubectl and kind find them. */
export function kubeconfigFiles(variable = process.env.KUBECONFIG): readonly string[] {
  const named = [...new Set((variable ?? '').split(delimiter).filter((path) => path !== ''))];
  return named.length > 0 ? named : [join(homeDirectory(), '.kube', 'config')];
}

/** Where kind writes: the first of them that exists, else the last. */
function fileForMerge(): string {
  const files = kubeconfigFiles();
  return files.find((path) => exists(path)) ?? files.at(-1) ?? '';
}

const line = /^current-context:[ \t]*(.*)$/m;

const currentIn = (text: string | null): string =>
  (line.exec(text ?? '')?.[1] ?? '').trim().replace(/^(["'])(.*)\1$/, '$2');

/**
 * kind makes its cluster the current context, so that the user's next `kubectl` would speak with it unasked. This remembers which one was
 * current.
 * @returns how to put it back; nothing is changed where there was none, or where it has become another one than `made` meanwhile
 */
export async function keepCurrentContext(made: string): Promise<() => Promise<void>> {
  const file = fileForMerge();
  const before = currentIn(await readIfExists(file));
  return async () => {
    const text = await readIfExists(file);
    if (before === '' || before === made || text === null || currentIn(text) !== made) return;
    const mode = (await modeOf(file)) ?? 0o600;
    await writeAtomic(
      await realPathOf(file),
      text.replace(line, () => `current-context: ${JSON.stringify(before)}`),
      { mode },
    );
  };
}

/** Whether a context of that name is in the user's kubeconfig. */
export async function hasContext(name: string): Promise<boolean> {
  const { parse } = await import('yaml');
  for (const file of kubeconfigFiles()) {
    const text = await readIfExists(file);
    if (text === null) continue;
    const contexts: unknown = parse(text)?.contexts;
    if (Array.isArray(contexts) && contexts.some((each) => each?.name === name)) return true;
  }
  return false;
}
