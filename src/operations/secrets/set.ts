import { usageError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import { saveCredentials } from '../../state/secrets.ts';
import { readIfExists } from '../../system/files.ts';
import { openStack, type StackRef } from '../stack.ts';
import {
  type AccountField,
  type AccountName,
  accountFields,
  accountId,
  publicKeyOf,
  s3Credential,
  snowflakeCredential,
} from './accounts.ts';

/** Asks the user; null where nobody can be asked. */
export type Ask = (question: string, options: { hidden: boolean }) => Promise<string | null>;

export interface SecretsSetRequest extends StackRef {
  account: AccountName;
  ask: Ask;
}

export interface SecretsSetReport {
  stack: string;
  account: AccountName;
  user: string;
  file: string;
  /** Snowflake: what the account's administrator registers for the user; null otherwise. */
  publicKey: string | null;
}

/**
 * Takes an account's credentials from the environment, else from prompts, and seals them into the stack's secrets.
 * @throws LambdaError SECRET_MISSING, BAD_ACCOUNT_CREDENTIAL, STACK_BUSY
 */
export async function setSecrets(
  { account, ask, ...ref }: SecretsSetRequest,
  context: OperationContext,
): Promise<SecretsSetReport> {
  const fields = accountFields[account];
  const user = await fieldValue(fields.user, ask);
  const secret = await fieldValue(fields.secret, ask);
  const credential = account === 's3' ? s3Credential(user, secret) : await snowflakeFrom(user, secret, ask);
  const stack = await openStack(ref);
  await stack.exclusively('secrets set', context, () =>
    saveCredentials(stack.paths, { [accountId(account)]: credential }),
  );
  return {
    stack: stack.name,
    account,
    user: credential.user,
    file: stack.paths.secretsFile,
    publicKey: account === 'snowflake' ? publicKeyOf(credential.secret) : null,
  };
}

async function snowflakeFrom(user: string, keyOrPath: string, ask: Ask) {
  const pem = keyOrPath.includes('-----BEGIN') ? keyOrPath : await readIfExists(keyOrPath);
  if (pem === null) {
    throw usageError(`There is no private key at ${keyOrPath}.`, { code: 'BAD_ACCOUNT_CREDENTIAL' });
  }
  const given = process.env.LAMBDACTL_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE;
  const asked =
    given === undefined && pem.includes('ENCRYPTED') ? await ask('Passphrase of the key', { hidden: true }) : null;
  return snowflakeCredential(user, pem, given ?? asked ?? undefined);
}

async function fieldValue({ label, environment, hidden }: AccountField, ask: Ask): Promise<string> {
  for (const name of environment) {
    const value = process.env[name];
    if (value !== undefined && value !== '') return value;
  }
  const answer = (await ask(label, { hidden }))?.trim();
  if (answer !== undefined && answer !== '') return answer;
  throw usageError(`${label} is missing.`, {
    code: 'SECRET_MISSING',
    actions: [`Set ${environment.join(' or ')}, or run this on a terminal to be asked.`],
  });
}
