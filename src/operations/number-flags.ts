import { usageError } from '../core/errors.ts';

/** A flag's number, undefined when the flag is absent. @throws LambdaError BAD_NUMBER */
export function numberFlag(name: string, text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const value = Number(text.replaceAll('_', ''));
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw usageError(`--${name} ${text} is no number.`, { code: 'BAD_NUMBER' });
}

/** Of the named flags those that were given, as numbers. @throws LambdaError BAD_NUMBER */
export function givenNumbers<K extends string>(
  flags: Readonly<Record<string, unknown>>,
  names: readonly K[],
): { [P in K]?: number } {
  const given: { [P in K]?: number } = {};
  for (const name of names) {
    const value = numberFlag(name, flags[name]);
    if (value !== undefined) given[name] = value;
  }
  return given;
}
