import type { StackPaths } from '../state/paths.ts';
import { entriesOf, remove } from '../system/files.ts';

/** Deletes what this machine keeps of a stack: data, settings, credentials, logs. */
export async function removeStackFiles(paths: StackPaths): Promise<void> {
  // The lock is held by who called us, and goes with the stack's last file only.
  const entries = (await entriesOf(paths.stackDir)).filter((name) => name !== 'lock');
  // What makes it a stack last: an interrupted removal can be repeated.
  for (const name of entries.filter((each) => each !== 'stack.json')) await remove(`${paths.stackDir}/${name}`);
  await remove(paths.desiredFile);
}
