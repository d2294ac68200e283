import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { JsonSchema } from '../provision/schemas.ts';

/** Why a record does not fit its schema, one line; null when it does. */
export type Contract = (record: unknown) => string | null;

/** The form that speed and batch layer check, told beforehand. */
export function contractOf(schema: JsonSchema): Contract {
  const ajv = addFormats.default(new Ajv2020({ strict: false, allowUnionTypes: true }));
  const validate = ajv.compile(schema);
  return (record) => {
    if (validate(record)) return null;
    const [error] = validate.errors ?? [];
    const field = error?.instancePath.replace(/^\//, '').replaceAll('/', '.') || 'record';
    return `${field}: ${error?.message ?? 'does not fit the schema'}`;
  };
}
