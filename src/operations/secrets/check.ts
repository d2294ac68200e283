import { messageOf } from '../../core/errors.ts';
import { checkBucket } from '../../probes/s3-account.ts';
import { readSecrets } from '../../state/secrets.ts';
import { modeOf } from '../../system/files.ts';
import { type OpenStack, openStack, type StackRef } from '../stack.ts';
import { type AccountName, accountId, accountNames, s3Credential, snowflakeCredential } from './accounts.ts';

export interface SecretFinding {
  name: string;
  ok: boolean;
  /** Never a secret. */
  detail: string;
}

export interface SecretsReport {
  stack: string;
  ok: boolean;
  findings: readonly SecretFinding[];
}

/**
 * Whether the stack's secrets can be opened, lie closed, and whether the accounts that its profile names take them. Where no account
 * is named nothing is connected to.
 */
export async function checkSecrets(ref: StackRef): Promise<SecretsReport> {
  const stack = await openStack(ref);
  const { paths, profile } = stack;
  const credentials = await readSecrets(paths);
  const needed = new Set<AccountName>([
    ...(profile?.lake.storage.kind === 's3' ? (['s3'] as const) : []),
    ...(profile?.warehouse.target === 'snowflake' ? (['snowflake'] as const) : []),
  ]);
  const findings: SecretFinding[] = [];
  for (const path of [paths.secretsFile, `${paths.home}/secrets.key`]) {
    const mode = await modeOf(path);
    if (mode === null) continue;
    const text = `mode ${mode.toString(8)}`;
    findings.push({
      name: path,
      ok: mode === 0o600,
      detail: mode === 0o600 ? text : `${text}, others may read it: chmod 600`,
    });
  }
  const generated = Object.keys(credentials).filter((id) => !id.startsWith('account.'));
  findings.push({ name: 'generated', ok: true, detail: `${generated.length} credentials of components, sealed` });
  for (const account of accountNames) {
    const credential = credentials[accountId(account)];
    if (credential === undefined) {
      const detail = needed.has(account)
        ? `missing, and the profile needs it: lambdactl secrets set ${account}`
        : 'not set, and the profile does not need it';
      findings.push({ name: account, ok: !needed.has(account), detail });
      continue;
    }
    findings.push({ name: account, ...(await checkAccount(stack, account, credential, needed.has(account))) });
  }
  return { stack: stack.name, ok: findings.every(({ ok }) => ok), findings };
}

async function checkAccount(
  stack: OpenStack,
  account: AccountName,
  { user, secret }: { user: string; secret: string },
  isNeeded: boolean,
): Promise<Omit<SecretFinding, 'name'>> {
  const { profile } = stack;
  try {
    if (account === 's3') s3Credential(user, secret);
    else snowflakeCredential(user, secret, undefined);
    if (!isNeeded || profile === null)
      return { ok: true, detail: `${user}: well-formed; no account in the profile to try it on` };
    if (account === 's3' && profile.lake.storage.kind === 's3') {
      const { bucket, region } = profile.lake.storage;
      await checkBucket({ bucket, region, accessKey: user, secretKey: secret });
      return { ok: true, detail: `${user}: may list bucket ${bucket} in ${region}` };
    }
    const { checkSnowflake } = await import('./snowflake.ts');
    return { ok: true, detail: await checkSnowflake(stack, profile) };
  } catch (error) {
    return { ok: false, detail: messageOf(error).split('\n')[0] ?? '' };
  }
}
