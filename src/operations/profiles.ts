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

async function readProfile(ref: string, from: string | null): Promise<ProfileSource> {
  const isFile = ref.includes('/') || /\.ya?ml$/.test(ref);
  const beside = from === null ? resolve(ref) : join(dirname(from), ref);
  const path = isFile ? (isAbsolute(ref) ? ref : beside) : join(shippedDir, `${ref}.yaml`);
  const text = await readIfExists(path);
  if (text !== null) return { path, text };
  const shipped = (await entriesOf(shippedDir)).map((name) => name.replace(/\.yaml$/, ''));
  throw usageError(isFile ? `There is no profile file ${path}.` : `There is no profile "${ref}".`, {
    code: 'UNKNOWN_PROFILE',
    actions: [`Shipped profiles: ${shipped.join(', ')}; or give the path of a YAML file (docs/profiles.md).`],
  });
}
