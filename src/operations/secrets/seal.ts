import { resolve } from 'node:path';
import { catalogue } from '../../components/catalogue.ts';
import { usageError } from '../../core/errors.ts';
import { type OperationContext, step } from '../../core/events.ts';
import type { Profile } from '../../platform/profile.ts';
import { fetchCertificate, type Sealing, sealSecret } from '../../runtimes/kubernetes/sealed.ts';
import {
  fingerprintOf,
  type PlainSecret,
  readCertificate,
  type SealingCertificate,
} from '../../runtimes/kubernetes/sealed-file.ts';
import { findTool } from '../../runtimes/kubernetes/tools.ts';
import { secretsKey } from '../../state/sealing.ts';
import { type Credentials, readSecrets } from '../../state/secrets.ts';
import { makeDirectory, readIfExists, writeAtomic, writeIfChanged } from '../../system/files.ts';
import { ensureCredentials } from '../credentials.ts';
import { type OpenStack, openStack, projectRoot, type StackRef } from '../stack.ts';
import { controllerOf } from './controller.ts';
import {
  certificateFileOf,
  chosenProfile,
  type ProfileChoice,
  readSealedDirectory,
  rememberSealing,
  sealedPath,
} from './sealed-directory.ts';
import { plainSecrets, type SealSource } from './sources.ts';

export interface SecretsSealRequest extends StackRef, ProfileChoice {
  /** Every account that is set, when empty. */
  sources: readonly SealSource[];
  /** A certificate's file; then no cluster is asked. */
  certificate: string | null;
  /** Context of the kubeconfig; the stack's own cluster when null. */
  context: string | null;
  /** "namespace/name"; the chart's own when null. */
  controller: string | null;
  output: string;
  /** Whether a missing tool may be fetched. */
  confirm: (question: string) => Promise<boolean>;
}

export interface SealedReport {
  path: string;
  namespace: string;
  name: string;
  keys: readonly string[];
  /** kept: the file holds these values already, sealed with this certificate. */
  outcome: 'sealed' | 'kept';
}

export interface SecretsSealReport {
  stack: string;
  directory: string;
  certificate: { fingerprint: string; validTo: string };
  files: readonly SealedReport[];
}

/**
 * Writes SealedSecret files that one cluster alone can open, each under its own name and in its own namespace alone.
 * @throws LambdaError SECRET_MISSING, SEALING_CERTIFICATE_NEEDED, what src/runtimes/kubernetes/sealed.ts throws
 */
export async function sealSecrets(request: SecretsSealRequest, context: OperationContext): Promise<SecretsSealReport> {
  const stack = await openStack(request);
  const profile = await chosenProfile(stack, request);
  const credentials = await credentialsFor(stack, profile, request, context);
  const secrets = await plainSecrets(stack, { profile, credentials }, request.sources);
  const { emit, signal } = context;
  const tool = await findTool('kubeseal', { home: stack.home, projectRoot, confirm: request.confirm, emit, signal });
  const directory = resolve(request.output);
  return step(context, { id: 'seal', title: 'Seal secrets' }, async () => {
    const certificate = await certificateFor(request, { stack, profile, directory, kubeseal: tool.path }, signal);
    await makeDirectory(directory);
    await writeIfChanged(certificateFileOf(directory), certificate.pem, { mode: 0o644 });
    const sealing: Sealing = {
      kubeseal: tool.path,
      certificateFile: certificateFileOf(directory),
      certificate,
      key: await secretsKey(stack.home, true),
      signal,
    };
    const files = await sealAll(secrets, sealing, directory);
    await rememberSealing(stack.paths, { directory, profile: request.profile, values: request.values });
    const { fingerprint, validTo } = certificate;
    const value = { stack: stack.name, directory, certificate: { fingerprint, validTo }, files };
    return { value, detail: `${files.filter(({ outcome }) => outcome === 'sealed').length} of ${files.length} anew` };
  });
}

/** A stack that only ever is in git has its passwords made here. */
function credentialsFor(
  stack: OpenStack,
  profile: Profile,
  { sources }: SecretsSealRequest,
  context: OperationContext,
): Promise<Credentials> {
  if (!sources.includes('generated')) return readSecrets(stack.paths);
  const wish = { profile, components: catalogue, runtime: 'kubernetes' as const };
  return stack.exclusively('secrets seal', context, () => ensureCredentials(stack.paths, wish));
}

/** Of the file, of the cluster, or the one that sealed what lies there. */
async function certificateFor(
  { certificate, context, controller }: SecretsSealRequest,
  { stack, profile, directory, kubeseal }: { stack: OpenStack; profile: Profile; directory: string; kubeseal: string },
  signal: AbortSignal,
): Promise<SealingCertificate> {
  if (certificate !== null) {
    const pem = await readIfExists(certificate);
    if (pem !== null) return readCertificate(pem, certificate);
    throw usageError(`There is no certificate at ${certificate}.`, { code: 'SEALING_CERTIFICATE_INVALID' });
  }
  const cluster = controllerOf(stack, profile, { context, controller });
  if (cluster !== null) return fetchCertificate(kubeseal, cluster, signal);
  const present = (await readSealedDirectory(directory)).certificate;
  if (present !== null) return present;
  throw usageError('For which cluster? A certificate is needed to seal with.', {
    code: 'SEALING_CERTIFICATE_NEEDED',
    actions: ["Take a cluster's own: --context C", 'Or a file, where the cluster cannot be reached: --cert FILE'],
  });
}

/** A file that fits already is kept: sealing again would give other text for the same values, and git a change that is none. */
async function sealAll(
  secrets: readonly PlainSecret[],
  sealing: Sealing,
  directory: string,
): Promise<readonly SealedReport[]> {
  const { files } = await readSealedDirectory(directory);
  const reports: SealedReport[] = [];
  for (const secret of secrets) {
    const { namespace, name, values } = secret;
    const path = sealedPath(directory, secret);
    const present = files.find((file) => file.path === path);
    const fits =
      present?.scope === 'strict' &&
      present.fingerprint === fingerprintOf(secret, sealing.key) &&
      present.certificate === sealing.certificate.fingerprint;
    if (!fits) await writeAtomic(path, await sealSecret(secret, sealing), { mode: 0o644 });
    reports.push({ path, namespace, name, keys: Object.keys(values).sort(), outcome: fits ? 'kept' : 'sealed' });
  }
  return reports;
}
