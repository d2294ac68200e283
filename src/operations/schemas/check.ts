import { join, resolve } from 'node:path';
import { usageError } from '../../core/errors.ts';
import { topics } from '../../platform/pipeline.ts';
import { asRegistered } from '../../platform/schema.ts';
import { compareSchemas, type SchemaChange } from '../../platform/schema-changes.ts';
import { RegistryClient } from '../../probes/registry.ts';
import { readIfExists } from '../../system/files.ts';
import { type JsonSchema, loadSchema } from '../provision/schemas.ts';
import { openStack, projectRoot, type StackRef } from '../stack.ts';

export interface SchemasCheckRequest extends StackRef {
  /** Directory to take schemas from; the project's own when absent. */
  directory: string | undefined;
}

export interface SubjectCheck {
  subject: string;
  file: string;
  /** null: nothing is registered yet. */
  registeredVersion: number | null;
  /** same: nothing to register. */
  verdict: 'same' | 'new' | 'compatible' | 'incompatible';
  changes: readonly SchemaChange[];
  /** The registry's own words about an incompatible one. */
  registrySays: string | null;
}

export interface SchemasReport {
  stack: string;
  compatible: boolean;
  subjects: readonly SubjectCheck[];
}

/**
 * Every schema of the directory against what is registered; changes nothing.
 * @throws LambdaError BAD_SCHEMA naming the file, NOT_UP, SERVICE_UNREACHABLE
 */
export async function checkSchemas({ directory, ...ref }: SchemasCheckRequest): Promise<SchemasReport> {
  const root = directory === undefined ? join(projectRoot, 'schemas') : resolve(directory);
  const described = topics.flatMap(({ name, schema }) => (schema === undefined ? [] : [{ name, schema }]));
  const schemas = new Map<string, JsonSchema>();
  for (const { schema } of described) {
    if (!schemas.has(schema)) schemas.set(schema, await readSchema(root, schema));
  }
  const stack = await openStack(ref);
  await stack.requireUp();
  const registry = new RegistryClient(await stack.runtime.endpoint('registry', 'http'));
  const subjects = await Promise.all(
    described.map(({ name, schema }) =>
      checkSubject(registry, { subject: `${name}-value`, file: schema, later: schemas.get(schema) ?? {} }),
    ),
  );
  return { stack: stack.name, compatible: subjects.every(({ verdict }) => verdict !== 'incompatible'), subjects };
}

async function readSchema(root: string, file: string): Promise<JsonSchema> {
  const path = join(root, file);
  if ((await readIfExists(path)) === null) {
    throw usageError(`There is no ${path}.`, {
      code: 'BAD_SCHEMA',
      details: { file: path },
      actions: ['A directory of schemas holds one file for every topic, as schemas/ of the project does.'],
    });
  }
  try {
    const schema = await loadSchema(path);
    if (schema.type !== 'object' || Object.keys(schema.properties ?? {}).length === 0)
      throw new Error('it describes no object');
    return schema;
  } catch (error) {
    throw usageError(
      `${path} is no JSON Schema of a record: ${error instanceof Error ? error.message : String(error)}`,
      {
        code: 'BAD_SCHEMA',
        details: { file: path },
      },
    );
  }
}

async function checkSubject(
  registry: RegistryClient,
  { subject, file, later }: { subject: string; file: string; later: JsonSchema },
): Promise<SubjectCheck> {
  const registered = await registry.latest(subject);
  if (registered === null) {
    return { subject, file, registeredVersion: null, verdict: 'new', changes: [], registrySays: null };
  }
  const form = asRegistered(later);
  // Parsed JSON of a subject that only `up` registers.
  const earlier = registered.schema as JsonSchema;
  const changes = compareSchemas(earlier, later);
  const common = { subject, file, registeredVersion: registered.version, changes };
  if (JSON.stringify(earlier) === JSON.stringify(form)) return { ...common, verdict: 'same', registrySays: null };
  const refusal = await registry.incompatibility(subject, form);
  const refused = refusal !== null || changes.some(({ compatible }) => !compatible);
  return { ...common, verdict: refused ? 'incompatible' : 'compatible', registrySays: refusal };
}
