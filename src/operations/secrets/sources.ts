import { usageError } from '../../core/errors.ts';
import type { Profile } from '../../platform/profile.ts';
import { type PlainSecret, plainSecret } from '../../runtimes/kubernetes/sealed-file.ts';
import type { Credential, Credentials } from '../../state/secrets.ts';
import type { OpenStack } from '../stack.ts';
import { type AccountName, accountId, accountNames } from './accounts.ts';

/** What can be sealed: the accounts that the user brought, and the Secrets of the components with all that was generated. */
export const sealSources = [...accountNames, 'generated'] as const;
export type SealSource = (typeof sealSources)[number];

/** Keys of the Secret under which programs find an account: the names that AWS's and Snowflake's own clients read. */
const keys: Readonly<Record<AccountName, Readonly<Record<keyof Pick<Credential, 'user' | 'secret'>, string>>>> = {
  s3: { user: 'AWS_ACCESS_KEY_ID', secret: 'AWS_SECRET_ACCESS_KEY' },
  snowflake: { user: 'SNOWFLAKE_USER', secret: 'SNOWFLAKE_PRIVATE_KEY' },
};

/** Name of an account's Secret, in the namespace of what processes: Connect, Spark, Airflow and every job are there. */
export const accountSecretName = (account: AccountName): string => `account-${account}`;

export function accountSecret(
  account: AccountName,
  { user, secret }: Credential,
  { stack, profile }: { stack: string; profile: Profile },
): PlainSecret {
  return {
    namespace: profile.kubernetes.namespaces.processing,
    name: accountSecretName(account),
    type: 'Opaque',
    labels: {
      'app.kubernetes.io/name': accountSecretName(account),
      'app.kubernetes.io/instance': stack,
      'app.kubernetes.io/managed-by': 'lambdactl',
      'app.kubernetes.io/part-of': 'lambdactl',
      'lambdactl.dev/stack': stack,
    },
    annotations: {},
    values: { [keys[account].user]: user, [keys[account].secret]: secret },
  };
}

/**
 * The Secrets of these sources as they must be in the cluster now.
 * @param asked empty: every account that is set
 * @throws LambdaError SECRET_MISSING
 */
export async function plainSecrets(
  stack: OpenStack,
  { profile, credentials }: { profile: Profile; credentials: Credentials },
  asked: readonly SealSource[],
): Promise<readonly PlainSecret[]> {
  const present = accountNames.filter((name) => credentials[accountId(name)] !== undefined);
  const accounts = asked.length === 0 ? present : accountNames.filter((name) => asked.includes(name));
  if (accounts.length === 0 && !asked.includes('generated')) throw nothingSet();
  const secrets = accounts.map((name) => {
    const credential = credentials[accountId(name)];
    if (credential === undefined) throw notSet(name);
    return accountSecret(name, credential, { stack: stack.name, profile });
  });
  return asked.includes('generated') ? [...secrets, ...(await componentSecrets(stack, profile, credentials))] : secrets;
}

/** Everything that `lambdactl render` leaves out because it would be in the clear. @throws LambdaError SECRET_MISSING */
async function componentSecrets(
  stack: OpenStack,
  profile: Profile,
  credentials: Credentials,
): Promise<readonly PlainSecret[]> {
  // Half of lambdactl is needed to render: loaded only where it is.
  const { secretsOfCluster } = await import('../render.ts');
  const objects = await secretsOfCluster(stack.name, profile, credentials);
  return objects.map(plainSecret).filter(({ values }) => Object.keys(values).length > 0);
}

const notSet = (name: AccountName) =>
  usageError(`No credentials of ${name} are set.`, {
    code: 'SECRET_MISSING',
    actions: [`lambdactl secrets set ${name}`],
  });

const nothingSet = () =>
  usageError('No account is set: there is nothing to seal.', {
    code: 'SECRET_MISSING',
    actions: [
      ...accountNames.map((name) => `lambdactl secrets set ${name}`),
      'Or seal the passwords that lambdactl made: lambdactl secrets seal --name generated',
    ],
  });
