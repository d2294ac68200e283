import { LambdaError, usageError } from '../core/errors.ts';
import type { Profile } from '../platform/profile.ts';
import { type DesiredState, readDesired } from '../state/desired.ts';
import type { StackPaths } from '../state/paths.ts';
import { type Credentials, readSecrets } from '../state/secrets.ts';

/** What a stack is to be: everything rendering needs, read once. */
export interface Wanted {
  desired: DesiredState;
  profile: Profile;
  credentials: Credentials;
}

/** @throws LambdaError NOT_UP, STATE_CORRUPT */
export async function readWanted(paths: StackPaths): Promise<Wanted> {
  const desired = await readDesired(paths);
  if (desired === null) {
    throw new LambdaError(`Stack "${paths.stack}" was never up.`, {
      code: 'NOT_UP',
      category: 'preflight',
      actions: ['Start it with `lambdactl up`.'],
    });
  }
  // Loaded late: `status` does without a schema library.
  const { profileSchema } = await import('../platform/profile.ts');
  const profile = profileSchema.safeParse(desired.profile);
  if (!profile.success) {
    throw usageError(`The profile recorded in ${paths.desiredFile} does not fit this version of lambdactl.`, {
      code: 'PROFILE_INVALID',
      details: { problems: profile.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) },
      actions: ['Run `lambdactl up` again; it records the profile anew.'],
    });
  }
  return { desired, profile: profile.data, credentials: await readSecrets(paths) };
}
