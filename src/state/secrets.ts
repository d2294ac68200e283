import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { writeAtomic } from '../system/files.ts';
import { isRecord, readJson, toJson, versioned } from './json-file.ts';
import type { StackPaths } from './paths.ts';
import { type SealedText, seal, secretsKey, unseal, wrongKey } from './sealing.ts';

/** As CredentialNeed of src/components. */
export interface SecretNeed {
  id: string;
  user: string;
  kind: 'password' | 'accessKey' | 'uuid' | 'clusterId';
}

export interface Credential {
  user: string;
  secret: string;
  /** ISO time from which it holds; absent of those that an earlier lambdactl made. */
  since?: string;
}
export type Credentials = Readonly<Record<string, Credential>>;

/** Empty when none were made yet. @throws LambdaError STATE_CORRUPT, BAD_SECRETS_KEY */
export async function readSecrets(paths: StackPaths): Promise<Credentials> {
  const advice = [
    `Restore ${paths.secretsFile} from a backup. Without it the stack's data cannot be opened: \`lambdactl down --volumes\` and \`lambdactl up\` begin anew.`,
  ];
  const file = await readJson(paths.secretsFile, parseFile, advice);
  if (file === null) return {};
  if ('credentials' in file) return file.credentials;
  const key = await secretsKey(paths.home, false);
  if (key === null) throw wrongKey(paths.secretsFile, new Error('there is no key'));
  try {
    return parseCredentials(JSON.parse(unseal(file.sealed, key)));
  } catch (error) {
    throw wrongKey(paths.secretsFile, error);
  }
}

/**
 * All credentials of the stack; missing ones are generated and saved (sealed, 0600) first, present ones never change. The caller
 * holds the stack's lock.
 * @throws LambdaError STATE_CORRUPT, BAD_SECRETS_KEY, DISK_FULL, HOME_NOT_WRITABLE
 */
export async function ensureSecrets(paths: StackPaths, needs: readonly SecretNeed[]): Promise<Credentials> {
  const present = await readSecrets(paths);
  const missing = needs.filter(({ id }) => !Object.hasOwn(present, id));
  if (missing.length === 0) return present;
  return writeSecrets(paths, { ...present, ...newCredentials(missing) });
}

function newCredentials(needs: readonly SecretNeed[]): Credentials {
  const since = now();
  return Object.fromEntries(needs.map(({ id, user, kind }) => [id, { user, secret: generate[kind](), since }]));
}

const now = (): string => new Date().toISOString();

/** Credentials that the user brings (a cloud account's); replaces the ones of the same id. The caller holds the stack's lock. */
export async function saveCredentials(paths: StackPaths, brought: Credentials): Promise<Credentials> {
  const since = now();
  const dated = Object.entries(brought).map(([id, credential]) => [id, { ...credential, since }]);
  return writeSecrets(paths, { ...(await readSecrets(paths)), ...Object.fromEntries(dated) });
}

const stagedPrefix = 'next.';

/** Whether this is a successor that has not taken its place yet. */
export const isStaged = (id: string): boolean => id.startsWith(stagedPrefix);

/** The successor of a credential that `stageSecrets` made and `commitSecrets` has not put in place; null without one. */
export const stagedOf = (credentials: Credentials, id: string): Credential | null =>
  credentials[`${stagedPrefix}${id}`] ?? null;

/**
 * Makes successors and keeps them beside the present ones: a server is told the new password first, and whatever is killed in between,
 * one of the two that are kept opens it. A successor that is there already stays. The caller holds the stack's lock.
 */
export async function stageSecrets(paths: StackPaths, needs: readonly SecretNeed[]): Promise<Credentials> {
  return ensureSecrets(
    paths,
    needs.map((need) => ({ ...need, id: `${stagedPrefix}${need.id}` })),
  );
}

/** Puts staged successors in the place of the present ones, all in one write. The caller holds the stack's lock. */
export async function commitSecrets(paths: StackPaths, ids: readonly string[]): Promise<Credentials> {
  const present = await readSecrets(paths);
  const staged = ids.flatMap((id) => {
    const next = stagedOf(present, id);
    return next === null ? [] : [[id, { ...next, since: now() }] as const];
  });
  const kept = Object.entries(present).filter(([id]) => !ids.some((each) => id === `${stagedPrefix}${each}`));
  return writeSecrets(paths, { ...Object.fromEntries(kept), ...Object.fromEntries(staged) });
}

async function writeSecrets(paths: StackPaths, credentials: Credentials): Promise<Credentials> {
  const sealed = seal(JSON.stringify(credentials), await secretsKey(paths.home, true));
  await writeAtomic(paths.secretsFile, toJson({ version: 1, sealed }), { mode: 0o600 });
  return credentials;
}

const upperCase = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

const generate: Record<SecretNeed['kind'], () => string> = {
  /** 24 url-safe characters that begin with a letter, so that no command line takes it for an option. */
  password: () => {
    const letter = upperCase.charAt(randomInt(26));
    return `${letter}${randomBytes(18).toString('base64url').slice(1)}`;
  },
  accessKey: () => Array.from({ length: 20 }, () => upperCase.charAt(randomInt(upperCase.length))).join(''),
  uuid: () => randomUUID(),
  /** Kafka's form of a uuid; it refuses one that begins with a hyphen. */
  clusterId: () => {
    for (;;) {
      const id = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url');
      if (!id.startsWith('-')) return id;
    }
  },
};

/** Sealed; in the clear where an earlier lambdactl wrote it (the next change seals it). */
function parseFile(raw: unknown): { credentials: Credentials } | { sealed: SealedText } {
  const { credentials, sealed } = versioned(raw);
  if (!isRecord(sealed)) return { credentials: parseCredentials(credentials) };
  const { cipher, nonce, tag, text } = sealed;
  if (cipher !== 'aes-256-gcm' || typeof nonce !== 'string' || typeof tag !== 'string' || typeof text !== 'string') {
    throw new Error('it is not sealed as it should be');
  }
  return { sealed: { cipher, nonce, tag, text } };
}

function parseCredentials(credentials: unknown): Credentials {
  if (!isRecord(credentials)) throw new Error('credentials are missing');
  for (const [id, entry] of Object.entries(credentials)) {
    if (!isRecord(entry) || typeof entry.user !== 'string' || typeof entry.secret !== 'string') {
      throw new Error(`credential ${id} is not as it should be`);
    }
  }
  // Each entry was just checked.
  return credentials as Credentials;
}
