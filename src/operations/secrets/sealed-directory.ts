import { basename, join } from 'node:path';
import type { Profile } from '../../platform/profile.ts';
import {
  describeSealed,
  readCertificate,
  type SealedDescription,
  type SealingCertificate,
} from '../../runtimes/kubernetes/sealed-file.ts';
import { readJson, toJson, versioned } from '../../state/json-file.ts';
import { createStackDirs, type StackPaths } from '../../state/paths.ts';
import { entriesOf, readIfExists, writeAtomic } from '../../system/files.ts';
import { loadProfile, loadProfileFor } from '../profiles.ts';
import type { OpenStack } from '../stack.ts';

/** The certificate is no secret: it lies beside what it sealed, so that the next sealing needs no cluster. */
const certificateName = 'certificate.pem';
export const certificateFileOf = (directory: string): string => join(directory, certificateName);

export interface SealedFile extends SealedDescription {
  path: string;
}

/** Where a Secret of this name and namespace is sealed into. */
export const sealedPath = (directory: string, { namespace, name }: { namespace: string; name: string }): string =>
  join(directory, `${namespace}-${name}.yaml`);

export interface SealedDirectory {
  directory: string;
  certificate: SealingCertificate | null;
  files: readonly SealedFile[];
  /** Other YAML files. */
  others: readonly string[];
}

/** What lies in a directory of sealed secrets. @throws LambdaError SEALING_CERTIFICATE_INVALID */
export async function readSealedDirectory(directory: string): Promise<SealedDirectory> {
  const files: SealedFile[] = [];
  const others: string[] = [];
  for (const name of [...(await entriesOf(directory))].sort()) {
    if (!/\.ya?ml$/.test(name)) continue;
    const path = join(directory, name);
    const description = describeSealed((await readIfExists(path)) ?? '');
    if (description === null) others.push(basename(path));
    else files.push({ path, ...description });
  }
  const pem = await readIfExists(certificateFileOf(directory));
  const certificate = pem === null ? null : readCertificate(pem, certificateFileOf(directory));
  return { directory, certificate, files, others };
}

const memoryOf = ({ stackDir }: StackPaths): string => join(stackDir, 'sealed.json');

/** What `secrets seal` did last. */
export interface SealingMemory extends ProfileChoice {
  directory: string;
}

/** As the flags of `render` name it; the stack's own profile where both are null. */
export interface ProfileChoice {
  profile: string | null;
  values: string | null;
}

/** null when nothing was sealed yet. @throws LambdaError STATE_CORRUPT */
export async function lastSealing(paths: StackPaths): Promise<SealingMemory | null> {
  return readJson(memoryOf(paths), parseMemory, [
    `Remove ${memoryOf(paths)}: the next \`lambdactl secrets seal\` writes it anew.`,
  ]);
}

function parseMemory(raw: unknown): SealingMemory {
  const { directory, profile, values } = versioned(raw);
  if (typeof directory !== 'string') throw new Error('the directory is missing');
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return { directory, profile: text(profile), values: text(values) };
}

export async function rememberSealing(paths: StackPaths, { directory, profile, values }: SealingMemory): Promise<void> {
  await createStackDirs(paths);
  await writeAtomic(memoryOf(paths), toJson({ version: 1, directory, profile, values }));
}

/** @throws LambdaError UNKNOWN_PROFILE, UNKNOWN_VALUES, PROFILE_INVALID */
export async function chosenProfile(stack: OpenStack, { profile, values }: ProfileChoice): Promise<Profile> {
  if (profile === null && values === null) return stack.profile ?? loadProfile('lite');
  return values === null ? loadProfile(profile ?? 'lite') : loadProfileFor(profile ?? 'lite', values);
}
