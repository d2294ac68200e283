import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { LambdaError, usageError } from '../core/errors.ts';
import { createExclusive, makeDirectory, readIfExists } from '../system/files.ts';

/** What lies on disk: AES-256-GCM, everything base64. */
export interface SealedText {
  cipher: 'aes-256-gcm';
  nonce: string;
  tag: string;
  text: string;
}

const purpose = Buffer.from('lambdactl secrets');

/** @param key 32 bytes */
export function seal(plain: string, key: Buffer): SealedText {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(purpose);
  const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return {
    cipher: 'aes-256-gcm',
    nonce: nonce.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    text: text.toString('base64'),
  };
}

/** @throws Error when the key is another one or the text was changed */
export function unseal({ nonce, tag, text }: SealedText, key: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'));
  decipher.setAAD(purpose);
  decipher.setAuthTag(Buffer.from(tag, 'base64'));
  return Buffer.concat([decipher.update(Buffer.from(text, 'base64')), decipher.final()]).toString('utf8');
}

/**
 * The key that seals the secrets of every stack in this home: LAMBDACTL_SECRETS_KEY (base64 of 32 bytes, for keys kept in a keychain or
 * a vault), else the file `secrets.key` of the home, made at the first use (0600). A copy of a stack's directory alone tells nothing.
 * @param make false: null where there is no key yet
 * @throws LambdaError BAD_SECRETS_KEY, HOME_NOT_WRITABLE, DISK_FULL
 */
export async function secretsKey(home: string, make: true): Promise<Buffer>;
export async function secretsKey(home: string, make: false): Promise<Buffer | null>;
export async function secretsKey(home: string, make: boolean): Promise<Buffer | null> {
  const given = process.env.LAMBDACTL_SECRETS_KEY;
  if (given !== undefined && given !== '') return decode(given, 'LAMBDACTL_SECRETS_KEY');
  const path = `${home}/secrets.key`;
  const present = await readIfExists(path);
  if (present !== null) return decode(present, path);
  if (!make) return null;
  await makeDirectory(home, 0o755);
  await createExclusive(path, `${randomBytes(32).toString('base64')}\n`);
  // Another process may have been the first.
  return decode((await readIfExists(path)) ?? '', path);
}

function decode(text: string, source: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length === 32) return key;
  throw usageError(`${source} does not hold a key: 32 bytes in base64 are expected.`, {
    code: 'BAD_SECRETS_KEY',
    details: { source },
    actions: ['Make one: openssl rand -base64 32', `Or restore ${source} as it was when the secrets were written.`],
  });
}

/** The secrets were sealed with another key, or changed since. */
export function wrongKey(path: string, cause: unknown): LambdaError {
  return new LambdaError(`${path} cannot be opened with this key.`, {
    code: 'BAD_SECRETS_KEY',
    category: 'preflight',
    details: { path },
    actions: [
      'Use the key it was sealed with: secrets.key of the same home, or LAMBDACTL_SECRETS_KEY.',
      "Without it the stack's data cannot be opened: `lambdactl down --volumes` and `lambdactl up` begin anew.",
    ],
    cause,
  });
}
