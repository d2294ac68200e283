import type { ComponentDefinition } from '../../components/contract.ts';
import { usageError } from '../../core/errors.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { accountNames } from './accounts.ts';
import { credentialUses, declaredCredentials } from './usage.ts';

type Declared = ReturnType<typeof declaredCredentials>[number];

export interface Rotation {
  id: string;
  need: Declared;
  /** How the new one becomes valid, in a sentence. */
  how: string;
  /** Components that are restarted, because their settings hold it. */
  restarts: readonly ComponentName[];
}

export interface Refusal {
  id: string;
  reason: string;
}

export interface RotationPlan {
  rotations: readonly Rotation[];
  /** Asked for, by name or as part of all, and left as they are. */
  refused: readonly Refusal[];
}

/** The one login by which all others of PostgreSQL are changed: its successor is told to the server before it takes its place. */
export const superuser = 'postgres.superuser';

const refusals: Readonly<Record<string, string>> = {
  'kafka.cluster':
    "it is the identity in Kafka's storage, no secret: brokers refuse a log directory that was formatted under another one",
  'airflow.fernet':
    'Airflow has encrypted its connections and variables with it: a new one alone would make them unreadable',
};

/**
 * What a rotation of these names means.
 * @param keepers components that are given every credential, whatever they use themselves
 * @param names credentials ("postgres.shop") or components ("postgres": all of it); every credential when empty
 * @throws LambdaError SECRET_UNKNOWN, SECRET_NOT_ROTATABLE (asked for by its own name)
 */
export function planRotation(
  names: readonly string[],
  profile: Profile,
  chosen: readonly ComponentDefinition[],
  keepers: readonly ComponentName[] = [],
): RotationPlan {
  const declared = declaredCredentials(chosen);
  const asked = names.length === 0 ? declared : [...new Set(names.flatMap((name) => matching(name, declared)))];
  const uses = credentialUses(profile, chosen);
  const rotations: Rotation[] = [];
  const refused: Refusal[] = [];
  for (const need of asked) {
    const reason = refusals[need.id];
    if (reason === undefined) {
      const restarts = [...new Set([...(uses.get(need.id)?.components ?? []), ...keepers])];
      rotations.push({ id: need.id, need, how: howOf(need), restarts });
    } else if (names.includes(need.id)) throw notRotatable(need.id, reason);
    else refused.push({ id: need.id, reason });
  }
  return { rotations, refused };
}

function matching(name: string, declared: readonly Declared[]): readonly Declared[] {
  const account = accountNames.find((each) => name === each || name === `account.${each}`);
  if (account !== undefined) {
    throw notRotatable(account, "it is the account's own: make a new key there", [
      `Then take it over: lambdactl secrets set ${account}`,
    ]);
  }
  const found = declared.filter(({ id, owner }) => id === name || owner === name);
  if (found.length > 0) return found;
  throw usageError(`The stack has no credential "${name}".`, {
    code: 'SECRET_UNKNOWN',
    details: { name },
    actions: [`Credentials: ${declared.map(({ id }) => id).join(', ')}.`],
  });
}

const notRotatable = (id: string, reason: string, actions: readonly string[] = []) =>
  usageError(`${id} cannot be rotated: ${reason}.`, { code: 'SECRET_NOT_ROTATABLE', details: { id }, actions });

function howOf({ id, owner }: Declared): string {
  if (owner === 'postgres')
    return `ALTER ROLE in PostgreSQL${id === superuser ? ', before anything else is changed' : ''}`;
  if (owner === 'clickhouse') return 'ClickHouse reads its users anew when it starts';
  if (owner === 'airflow') {
    return id === 'airflow.admin'
      ? 'Airflow reads its passwords when it starts'
      : 'sessions and running tasks of Airflow end';
  }
  return `${owner} takes it when it starts`;
}
