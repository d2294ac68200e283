/** The records' contracts in schemas/: their shape, how files refer to each other, and the form that is registered. Pure. */

import { dirname, join } from 'node:path';

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

/**
 * A file of schemas/ with references to its neighbours taken in: one object schema that stands alone.
 * @param read text of a file, null when there is none
 */
export async function composeSchema(path: string, read: (path: string) => Promise<string | null>): Promise<JsonSchema> {
  const text = await read(path);
  if (text === null) throw new Error(`there is no schema ${path}`);
  // Shipped with the project and checked by its contract tests.
  const schema = JSON.parse(text) as JsonSchema;
  const { allOf = [], ...own } = schema;
  const bases = await Promise.all(
    allOf.map(({ $ref, ...rest }) => ($ref === undefined ? rest : composeSchema(join(dirname(path), $ref), read))),
  );
  return joined(own, bases);
}

/** As `composeSchema`, at once. */
export function composeSchemaNow(path: string, read: (path: string) => string): JsonSchema {
  // Shipped with the project and checked by its contract tests.
  const { allOf = [], ...own } = JSON.parse(read(path)) as JsonSchema;
  const bases = allOf.map(({ $ref, ...rest }) =>
    $ref === undefined ? rest : composeSchemaNow(join(dirname(path), $ref), read),
  );
  return joined(own, bases);
}

function joined(own: JsonSchema, bases: readonly JsonSchema[]): JsonSchema {
  const all = [...bases, own];
  return {
    ...own,
    properties: Object.assign({}, ...all.map(({ properties }) => properties)),
    required: [...new Set(all.flatMap(({ required = [] }) => required))],
  };
}

/**
 * The form in which the registry can compare versions. Its checker knows drafts up to 7 (our schemas use nothing newer), and
 * takes a field added to an open object for a narrowing: any value could have stood there. In a closed one a new optional field
 * is backward compatible, and a new required one, another type or a dropped field is not.
 */
export function asRegistered({ $id: _, ...schema }: JsonSchema): object {
  return { ...schema, $schema: 'http://json-schema.org/draft-07/schema#', additionalProperties: false };
}
