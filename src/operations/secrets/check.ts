import { messageOf } from '../../core/errors.ts';
import { checkBucket } from '../../probes/s3-account.ts';
import { findTool } from '../../runtimes/kubernetes/tools.ts';
import { type Credentials, isStaged, readSecrets } from '../../state/secrets.ts';
import { exists, modeOf } from '../../system/files.ts';
import { loadProfile } from '../profiles.ts';
import { type OpenStack, openStack, projectRoot, type StackRef } from '../stack.ts';
import { type AccountName, accountId, accountNames, s3Credential, snowflakeCredential } from './accounts.ts';
import { certificateFindings } from './certificates.ts';
import { findClearText } from './clear-text.ts';
import { controllerOf } from './controller.ts';
import type { SecretFinding } from './findings.ts';
import { checkSealed } from './sealed-check.ts';
import { chosenProfile, lastSealing } from './sealed-directory.ts';
import { credentialUses } from './usage.ts';

export interface SecretsCheckRequest extends StackRef {
  /** Directory of sealed files; where `secrets seal` wrote to last when null. */
  sealed: string | null;
  /** Context whose controller is asked whether it can open them; nobody is asked when null. */
  context: string | null;
  /** "namespace/name" of that controller. */
  controller: string | null;
  /** Directories in which nothing may stand in the clear. */
  scan: readonly string[];
}

/** One credential, without its secret. */
export interface CredentialStatus {
  id: string;
  user: string;
  /** ISO time from which it holds; null where it is not known. */
  since: string | null;
  /** Whole days; null where it is not known. */
  ageDays: number | null;
  /** Components and jobs whose settings hold it; the CLI uses the others. */
  usedBy: readonly string[];
}

export interface SecretsReport {
  stack: string;
  ok: boolean;
  credentials: readonly CredentialStatus[];
  findings: readonly SecretFinding[];
}

/**
 * Whether the stack's secrets can be opened, lie closed, and whether the accounts that its profile names take them; whether sealed files
 * still fit, and whether nothing stands in the clear where it must not. Where no account is named nothing is connected to.
 */
export async function checkSecrets(request: SecretsCheckRequest, signal: AbortSignal): Promise<SecretsReport> {
  const stack = await openStack(request);
  const { paths, profile } = stack;
  const credentials = await readSecrets(paths);
  const findings = [
    ...(await closedFiles(stack)),
    ...generated(credentials),
    ...certificateFindings(credentials, new Date()),
    ...(await accounts(stack, credentials)),
    ...(await sealedFiles(request, stack, credentials, signal)),
  ];
  for (const directory of request.scan) findings.push(...(await findClearText(directory, credentials)));
  return {
    stack: stack.name,
    ok: findings.every(({ ok }) => ok),
    credentials: statuses(credentials, profile ?? (await loadProfile('lite'))),
    findings,
  };
}

const dayMs = 86_400_000;

function statuses(credentials: Credentials, profile: Parameters<typeof credentialUses>[0]): CredentialStatus[] {
  const uses = credentialUses(profile);
  return Object.entries(credentials)
    .filter(([id]) => !isStaged(id))
    .map(([id, { user, since }]) => {
      const use = uses.get(id);
      return {
        id,
        user,
        since: since ?? null,
        ageDays: since === undefined ? null : Math.floor((Date.now() - Date.parse(since)) / dayMs),
        usedBy: [...(use?.components ?? []), ...(use?.jobs ?? [])],
      };
    });
}

async function closedFiles({ paths }: OpenStack): Promise<SecretFinding[]> {
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
  return findings;
}

function generated(credentials: Credentials): SecretFinding[] {
  const made = Object.keys(credentials).filter((id) => !id.startsWith('account.') && !isStaged(id));
  const halfway = Object.keys(credentials).filter(isStaged);
  const detail = `${made.length} credentials of components, sealed`;
  if (halfway.length === 0) return [{ name: 'generated', ok: true, detail }];
  return [
    {
      name: 'generated',
      ok: false,
      detail: `${detail}; a rotation was interrupted: lambdactl secrets rotate ${halfway.map((id) => id.replace(/^next\./, '')).join(' ')}`,
    },
  ];
}

async function accounts(stack: OpenStack, credentials: Credentials): Promise<SecretFinding[]> {
  const { profile } = stack;
  const needed = new Set<AccountName>([
    ...(profile?.lake.storage.kind === 's3' ? (['s3'] as const) : []),
    ...(profile?.warehouse.target === 'snowflake' ? (['snowflake'] as const) : []),
  ]);
  const findings: SecretFinding[] = [];
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
  return findings;
}

async function sealedFiles(
  request: SecretsCheckRequest,
  stack: OpenStack,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<readonly SecretFinding[]> {
  const last = await lastSealing(stack.paths);
  const directory = request.sealed ?? last?.directory ?? null;
  if (directory === null) return [];
  const profile = await chosenProfile(stack, last ?? { profile: null, values: null });
  const controller = request.context === null ? null : controllerOf(stack, profile, request);
  const cluster =
    controller === null
      ? null
      : { kubeseal: (await findTool('kubeseal', { home: stack.home, projectRoot, signal })).path, controller, signal };
  // What is sealed goes into git: nothing else of value may lie beside it.
  const scanned = exists(directory) && !request.scan.includes(directory);
  return [
    ...(await checkSealed({ stack, profile, credentials, directory, cluster })),
    ...(scanned ? await findClearText(directory, credentials) : []),
  ];
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
