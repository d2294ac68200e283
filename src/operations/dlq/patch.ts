import { usageError } from '../../core/errors.ts';

/** One `--set`: a field, with dots into objects, and its new value. */
export interface Change {
  path: readonly string[];
  value: unknown;
}

/**
 * Reads "field=value"; the value is JSON where it reads as such, else text. An empty value is an empty text.
 * @throws LambdaError BAD_PATCH
 */
export function readChange(text: string): Change {
  const [, field, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  const path = field?.split('.') ?? [];
  if (path.length === 0 || path.some((part) => part === '' || part === '__proto__')) {
    throw usageError(`--set ${text}: expected field=value.`, {
      code: 'BAD_PATCH',
      actions: ['For example: --set status=completed, --set properties.quantity=2, --set note=\'"7"\' (a text)'],
    });
  }
  return { path, value: parsed(value) };
}

/** The record's JSON with the changes; null when it holds no JSON object there. Numbers that are not changed keep their digits. */
export function patch(value: Buffer | null, changes: readonly Change[]): Buffer | null {
  if (value === null) return null;
  let root: unknown;
  try {
    root = JSON.parse(value.toString('utf8'), keepDigits);
  } catch {
    return null;
  }
  for (const { path, value: wanted } of changes) {
    let at: unknown = root;
    for (const part of path.slice(0, -1)) at = isObject(at) ? at[part] : undefined;
    const last = path.at(-1);
    if (!isObject(at) || last === undefined) return null;
    at[last] = wanted;
  }
  return isObject(root) ? Buffer.from(JSON.stringify(root)) : null;
}

/** What lib.esnext does not declare yet (tc39 proposal JSON.parse source text access, in Node since 22). */
interface ExactJson {
  rawJSON(text: string): unknown;
}

/** 19.90 stays 19.90, and a whole number beyond 2^53 itself. */
function keepDigits(_name: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return (JSON as unknown as ExactJson).rawJSON(context.source); // see ExactJson
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text, keepDigits);
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !('rawJSON' in value && Object.isFrozen(value))
  );
}
