import { LambdaError, messageOf } from '../core/errors.ts';
import { readIfExists } from '../system/files.ts';

/**
 * A JSON file of our own.
 * @param parse checks the shape and throws an Error that says what is wrong
 * @returns null when there is no such file
 * @throws LambdaError STATE_CORRUPT naming the file and what to do
 */
export async function readJson<T>(
  path: string,
  parse: (value: unknown) => T,
  advice: readonly string[],
): Promise<T | null> {
  const text = await readIfExists(path);
  if (text === null) return null;
  try {
    return parse(JSON.parse(text));
  } catch (error) {
    throw new LambdaError(`${path} cannot be read: ${messageOf(error)}.`, {
      code: 'STATE_CORRUPT',
      category: 'preflight',
      actions: advice,
      details: { path },
      cause: error,
    });
  }
}

export const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws Error when it is not an object of schema version 1 */
export function versioned(value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw new Error('it does not hold an object');
  if (value.version !== 1) throw new Error(`its version is ${String(value.version)}, this lambdactl reads version 1`);
  return value;
}
