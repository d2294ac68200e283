import { join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { usageError } from '../../core/errors.ts';
import { createRedactor } from '../../core/redaction.ts';
import { isRecord } from '../../state/json-file.ts';
import type { Credentials } from '../../state/secrets.ts';
import { exists, readIfExists } from '../../system/files.ts';
import { filesBelow } from '../../system/staging.ts';
import type { SecretFinding } from './findings.ts';

/** Larger files are no manifests. */
const largestBytes = 8 * 1024 * 1024;

/**
 * Looks for the stack's secrets in every file below a directory (what `render` wrote, what goes into git): as they are, escaped, as hex,
 * as base64 also in the middle of something longer; and for Secret objects with values, whatever they hold.
 * @throws LambdaError BAD_DIRECTORY
 */
export async function findClearText(directory: string, credentials: Credentials): Promise<readonly SecretFinding[]> {
  if (!exists(directory)) {
    throw usageError(`There is no directory ${directory}.`, { code: 'BAD_DIRECTORY', details: { directory } });
  }
  const known = Object.entries(credentials).filter(([id]) => id !== 'kafka.cluster');
  const seekers = known.map(([id, { secret }]) => ({ id, redactor: createRedactor([secret]) }));
  const findings: SecretFinding[] = [];
  const files = await filesBelow(directory);
  for (const name of files) {
    const text = await readIfExists(join(directory, name));
    if (text === null || text.length > largestBytes) continue;
    const bytes = Buffer.from(text, 'utf8').toString('latin1');
    const held = seekers.filter(({ redactor }) => redactor.holdsWriting(bytes)).map(({ id }) => id);
    const open = /\.(?:ya?ml|json)$/.test(name) ? openSecrets(text) : [];
    const problems = [
      ...(held.length > 0 ? [`holds ${held.join(', ')} in the clear`] : []),
      ...(open.length > 0 ? [`Secret ${open.join(', ')} with values: lambdactl secrets seal`] : []),
    ];
    if (problems.length > 0)
      findings.push({ name: join(relative('.', directory), name), ok: false, detail: problems.join('; ') });
  }
  if (findings.length > 0) return findings;
  return [{ name: directory, ok: true, detail: `${files.length} files, none holds a secret in the clear` }];
}

/** Names of Secret objects that hold anything. */
function openSecrets(text: string): string[] {
  if (!text.includes('Secret')) return [];
  return parseAllDocuments(text).flatMap((document) => {
    const value: unknown = document.errors.length > 0 ? null : document.toJS();
    if (!isRecord(value) || value.kind !== 'Secret' || value.apiVersion !== 'v1') return [];
    const holds = [value.data, value.stringData].some((each) => isRecord(each) && Object.keys(each).length > 0);
    return holds ? [isRecord(value.metadata) ? String(value.metadata.name) : ''] : [];
  });
}
