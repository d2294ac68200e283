import { basename } from 'node:path';
import type { Profile } from '../../platform/profile.ts';
import { type SealingController, verifySealed } from '../../runtimes/kubernetes/sealed.ts';
import { fingerprintOf, type PlainSecret, type SealingCertificate } from '../../runtimes/kubernetes/sealed-file.ts';
import { secretsKey } from '../../state/sealing.ts';
import type { Credentials } from '../../state/secrets.ts';
import { readIfExists } from '../../system/files.ts';
import type { OpenStack } from '../stack.ts';
import { accountId, accountNames } from './accounts.ts';
import type { SecretFinding } from './findings.ts';
import { readSealedDirectory, type SealedFile } from './sealed-directory.ts';
import { accountSecretName, plainSecrets, type SealSource } from './sources.ts';

/** From here on an expiring certificate is told, days. */
const soonDays = 7;
const dayMs = 86_400_000;

export interface SealedCheck {
  stack: OpenStack;
  profile: Profile;
  credentials: Credentials;
  directory: string;
  /** Whose controller is asked whether it can open each file; nobody when null. */
  cluster: { kubeseal: string; controller: SealingController; signal: AbortSignal } | null;
}

/** Whether sealed files still hold what is set, for one place only, and can be sealed again. Nothing is opened for that. */
export async function checkSealed(check: SealedCheck): Promise<readonly SecretFinding[]> {
  const { stack, directory } = check;
  const { files, certificate } = await readSealedDirectory(directory);
  if (files.length === 0) return [{ name: directory, ok: true, detail: 'no sealed files' }];
  const expected = await expectedSecrets(check, files);
  const key = await secretsKey(stack.home, false);
  const findings: SecretFinding[] = [];
  for (const file of files) {
    const secret = expected.find(({ namespace, name }) => namespace === file.namespace && name === file.name);
    const problem = problemOf(file, secret, key) ?? (await refusal(file, check));
    const note =
      certificate !== null && file.certificate !== certificate.fingerprint ? ', by an earlier certificate' : '';
    const detail = problem ?? `sealed for ${file.namespace}/${file.name}${note}: ${file.keys.join(', ')}`;
    findings.push({ name: basename(file.path), ok: problem === null, detail });
  }
  return [...findings, ...missingAccounts(check, files), ...(certificate === null ? [] : [validity(certificate)])];
}

/** Components are rendered only where something of theirs is sealed. */
function expectedSecrets(
  { stack, profile, credentials }: SealedCheck,
  files: readonly SealedFile[],
): Promise<readonly PlainSecret[]> {
  const isAccount = (name: string) => accountNames.some((account) => accountSecretName(account) === name);
  const accounts = accountNames.filter((account) => credentials[accountId(account)] !== undefined);
  const sources: SealSource[] = [
    ...accounts,
    ...(files.every(({ name }) => isAccount(name)) ? [] : ['generated' as const]),
  ];
  return sources.length === 0 ? Promise.resolve([]) : plainSecrets(stack, { profile, credentials }, sources);
}

function problemOf(file: SealedFile, secret: PlainSecret | undefined, key: Buffer | null): string | null {
  if (file.scope !== 'strict') return `its scope is ${file.scope}: whoever may make Secrets elsewhere can open it`;
  if (secret === undefined) return 'the stack has no such secret: delete the file';
  if (file.fingerprint === null || key === null) return 'not sealed by this lambdactl: whether it fits cannot be told';
  if (file.fingerprint === fingerprintOf(secret, key)) return null;
  return 'holds other values than those that are set: lambdactl secrets seal';
}

async function refusal(file: SealedFile, { cluster }: SealedCheck): Promise<string | null> {
  if (cluster === null) return null;
  const { kubeseal, controller, signal } = cluster;
  const reason = await verifySealed(kubeseal, controller, (await readIfExists(file.path)) ?? '', signal);
  return reason === null ? null : `${controller.kubeContext} cannot open it: ${reason}`;
}

function missingAccounts({ credentials }: SealedCheck, files: readonly SealedFile[]): SecretFinding[] {
  return accountNames.flatMap((account) => {
    const isSealed = files.some(({ name }) => name === accountSecretName(account));
    if (isSealed || credentials[accountId(account)] === undefined) return [];
    const detail = `set and not sealed: lambdactl secrets seal --name ${account}`;
    return [{ name: accountSecretName(account), ok: false, detail }];
  });
}

/** What is sealed already stays readable for the cluster; only sealing anew wants a certificate that is still valid. */
function validity({ validTo }: SealingCertificate): SecretFinding {
  const days = Math.floor((Date.parse(validTo) - Date.now()) / dayMs);
  const until = validTo.slice(0, 10);
  if (days < 0) {
    return {
      name: 'certificate.pem',
      ok: false,
      detail: `expired on ${until}: lambdactl secrets seal --context C fetches the present one`,
    };
  }
  const soon = days < soonDays ? ', fetch the next one then: lambdactl secrets seal --context C' : '';
  return { name: 'certificate.pem', ok: true, detail: `valid until ${until} (${days} days)${soon}` };
}
