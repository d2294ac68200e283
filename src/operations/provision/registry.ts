import { join } from 'node:path';
import { topics } from '../../platform/pipeline.ts';
import { RegistryClient } from '../../probes/registry.ts';
import type { ProvisionContext } from './context.ts';
import { type JsonSchema, loadSchema } from './schemas.ts';

/** The value schema of every topic that has one, as subject "<topic>-value", with its compatibility. */
export async function provisionRegistry({ runtime, projectRoot }: ProvisionContext): Promise<string> {
  const registry = new RegistryClient(await runtime.endpoint('registry', 'http'));
  const described = topics.flatMap((topic) => (topic.schema === undefined ? [] : [{ ...topic, schema: topic.schema }]));
  const register = async ({ name, schema, compatibility = 'BACKWARD' }: (typeof described)[number]) => {
    const subject = `${name}-value`;
    await registry.register(subject, asRegistered(await loadSchema(join(projectRoot, 'schemas', schema))));
    await registry.setCompatibility(subject, compatibility);
  };
  await Promise.all(described.map(register));
  return `${described.length} subjects`;
}

/**
 * The form in which the registry can compare versions. Its checker knows drafts up to 7 (our schemas use nothing newer), and
 * takes a field added to an open object for a narrowing: any value could have stood there. In a closed one a new optional field
 * is backward compatible, and a new required one, another type or a dropped field is not.
 */
export function asRegistered({ $id: _, ...schema }: JsonSchema): object {
  return { ...schema, $schema: 'http://json-schema.org/draft-07/schema#', additionalProperties: false };
}
