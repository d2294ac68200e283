import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { messageOf, usageError } from '../../core/errors.ts';
import type { Credential } from '../../state/secrets.ts';

/** Accounts whose credentials the user brings. */
export const accountNames = ['s3', 'snowflake'] as const;
export type AccountName = (typeof accountNames)[number];

/** Id in the stack's secrets. */
export const accountId = (name: AccountName): string => `account.${name}`;

export interface AccountField {
  /** As typed at the prompt. */
  label: string;
  /** Where it is taken from without a prompt; the first that is set. */
  environment: readonly string[];
  hidden: boolean;
}

export const accountFields: Readonly<Record<AccountName, Readonly<Record<'user' | 'secret', AccountField>>>> = {
  s3: {
    user: { label: 'Access key id', environment: ['LAMBDACTL_S3_ACCESS_KEY_ID', 'AWS_ACCESS_KEY_ID'], hidden: false },
    secret: {
      label: 'Secret access key',
      environment: ['LAMBDACTL_S3_SECRET_ACCESS_KEY', 'AWS_SECRET_ACCESS_KEY'],
      hidden: true,
    },
  },
  snowflake: {
    user: { label: 'User', environment: ['LAMBDACTL_SNOWFLAKE_USER'], hidden: false },
    secret: {
      label: 'Private key (path of a PEM file)',
      environment: ['LAMBDACTL_SNOWFLAKE_PRIVATE_KEY'],
      hidden: false,
    },
  },
};

/** @throws LambdaError BAD_ACCOUNT_CREDENTIAL naming what is wrong, never the value */
export function s3Credential(user: string, secret: string): Credential {
  if (!/^[A-Za-z0-9_-]{3,128}$/.test(user)) throw bad('The access key id is not one: letters and digits are expected.');
  if (secret.length < 16 || /\s/.test(secret)) throw bad('The secret access key is too short or holds white space.');
  return { user, secret };
}

/**
 * Kept as unencrypted PKCS#8, inside the sealed file: every client can read that.
 * @param pem a private RSA key, encrypted or not
 * @throws LambdaError BAD_ACCOUNT_CREDENTIAL
 */
export function snowflakeCredential(user: string, pem: string, passphrase: string | undefined): Credential {
  if (user.trim() === '') throw bad('The Snowflake user is missing.');
  const key = readKey(pem, passphrase);
  if (key.asymmetricKeyType !== 'rsa') throw bad(`Snowflake wants an RSA key, this one is ${key.asymmetricKeyType}.`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < 2048) throw bad(`The key has ${bits} bits; Snowflake wants 2048 at least.`);
  return { user, secret: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** What goes into `ALTER USER … SET RSA_PUBLIC_KEY`. */
export function publicKeyOf(pem: string): string {
  const der = createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'der' });
  return der.toString('base64');
}

function readKey(pem: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    const wantsPassphrase = pem.includes('ENCRYPTED') && passphrase === undefined;
    throw bad(
      wantsPassphrase
        ? 'The private key is encrypted and no passphrase was given.'
        : `The private key cannot be read: ${messageOf(error)}.`,
      wantsPassphrase ? ['Set LAMBDACTL_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE, or type it when asked.'] : [],
    );
  }
}

function bad(message: string, actions: readonly string[] = []) {
  return usageError(message, { code: 'BAD_ACCOUNT_CREDENTIAL', actions: [...actions, 'lambdactl secrets set --help'] });
}
