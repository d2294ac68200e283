import { dirname, join } from 'node:path';
import { readIfExists } from '../../system/files.ts';

export interface JsonSchema {
  $id?: string;
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | readonly string[];
  format?: string;
  enum?: readonly string[];
  minimum?: number;
  minLength?: number;
  properties?: Readonly<Record<string, JsonSchema>>;
  required?: readonly string[];
  allOf?: readonly JsonSchema[];
  /** [precision, scale] of a decimal. */
  'x-decimal'?: readonly [number, number];
}

/** A file of schemas/ with references to its neighbours taken in: one object schema that stands alone. */
export async function loadSchema(path: string): Promise<JsonSchema> {
  const text = await readIfExists(path);
  if (text === null) throw new Error(`there is no schema ${path}`);
  // Shipped with the project and checked by its contract tests.
  const schema = JSON.parse(text) as JsonSchema;
  const { allOf = [], ...own } = schema;
  const bases = await Promise.all(
    allOf.map(({ $ref, ...rest }) => ($ref === undefined ? rest : loadSchema(join(dirname(path), $ref)))),
  );
  const all = [...bases, own];
  return {
    ...own,
    properties: Object.assign({}, ...all.map(({ properties }) => properties)),
    required: [...new Set(all.flatMap(({ required = [] }) => required))],
  };
}
