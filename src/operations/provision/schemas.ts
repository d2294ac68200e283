import { composeSchema, type JsonSchema } from '../../platform/schema.ts';
import { readIfExists } from '../../system/files.ts';

export type { JsonSchema };

/** A file of schemas/ with references to its neighbours taken in: one object schema that stands alone. */
export const loadSchema = (path: string): Promise<JsonSchema> => composeSchema(path, readIfExists);
