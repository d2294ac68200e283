import { join } from 'node:path';
import { topics } from '../../platform/pipeline.ts';
import { asRegistered } from '../../platform/schema.ts';
import { RegistryClient } from '../../probes/registry.ts';
import type { ProvisionContext } from './context.ts';
import { loadSchema } from './schemas.ts';

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
