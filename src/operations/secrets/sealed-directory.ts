import { basename, join } from 'node:path';
import { describeSealed, readCertificate, type SealedDescription, type SealingCertificate } from '../../runtimes/kubernetes/sealed-file.ts';
import { isRecord, readJson, toJson } from '../../state/json-file.ts';
import type { StackPaths } from '../../state/paths.ts';
import { entriesOf, readIfExists, writeAtomic } from '../../system/files.ts';

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

/** Where `secrets seal` wrote to last; null when it never did. */
export async function rememberedDirectory(paths: StackPaths): Promise<string | null> {
  return readJson(
    memoryOf(paths),
    (raw) => (isRecord(raw) && typeof raw.directory === 'string' ? raw.directory : null),
    [`Remove ${memoryOf(paths)}: the next \`lambdactl secrets seal\` writes it anew.`],
  );
}

export async function rememberDirectory(paths: StackPaths, directory: string): Promise<void> {
  await writeAtomic(memoryOf(paths), toJson({ version: 1, directory }));
}
