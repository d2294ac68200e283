import { dirname, isAbsolute, join, resolve } from 'node:path';
import { usageError } from '../core/errors.ts';
import { type Profile, type ProfileSource, resolveProfile } from '../platform/profile.ts';
import { entriesOf, readIfExists } from '../system/files.ts';
import { projectRoot } from './stack.ts';

const shippedDir = join(projectRoot, 'profiles');

/**
 * A shipped profile by name, or a file by path.
 * @throws LambdaError UNKNOWN_PROFILE, PROFILE_INVALID
 */
export function loadProfile(ref: string): Promise<Profile> {
  return resolveProfile(ref, readProfile);
}

/**
 * A profile with what a place lays over it: profiles/values/<name>.yaml, or a file by path. It has the keys of a profile and extends none.
 * @throws LambdaError UNKNOWN_PROFILE, UNKNOWN_VALUES, PROFILE_INVALID
 */
export async function loadProfileFor(ref: string, values: string): Promise<Profile> {
  const isFile = isPath(values);
  const path = isFile ? resolve(values) : join(shippedDir, 'values', `${values}.yaml`);
  const text = await readIfExists(path);
  if (text === null) {
    const shipped = (await entriesOf(join(shippedDir, 'values'))).map((name) => name.replace(/\.yaml$/, ''));
    throw usageError(isFile ? `There is no file of values ${path}.` : `There are no values "${values}".`, {
      code: 'UNKNOWN_VALUES',
      actions: [`Shipped values: ${shipped.join(', ')}; or give the path of a YAML file (docs/kubernetes-objects.md).`],
    });
  }
  // Its last line, so that the numbers of the others stay.
  const over: ProfileSource = { path, text: `${text.trimEnd()}\nextends: ${JSON.stringify(ref)}\n` };
  return resolveProfile(values, async (name, from) => {
    if (from === null) return over;
    return readProfile(name, from === path ? null : from);
  });
}

const isPath = (ref: string): boolean => ref.includes('/') || /\.ya?ml$/.test(ref);

async function readProfile(ref: string, from: string | null): Promise<ProfileSource> {
  const isFile = isPath(ref);
  const beside = from === null ? resolve(ref) : join(dirname(from), ref);
  const path = isFile ? (isAbsolute(ref) ? ref : beside) : join(shippedDir, `${ref}.yaml`);
  const text = await readIfExists(path);
  if (text !== null) return { path, text };
  const shipped = (await entriesOf(shippedDir))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.replace(/\.yaml$/, ''));
  throw usageError(isFile ? `There is no profile file ${path}.` : `There is no profile "${ref}".`, {
    code: 'UNKNOWN_PROFILE',
    actions: [`Shipped profiles: ${shipped.join(', ')}; or give the path of a YAML file (docs/profiles.md).`],
  });
}
