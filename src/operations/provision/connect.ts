import { join } from 'node:path';
import { archives } from '../../components/connect/component.ts';
import { type Connector, controlTopic, declaredConnectors } from '../../components/connect/connectors.ts';
import type { OperationContext } from '../../core/events.ts';
import { lake } from '../../platform/pipeline.ts';
import { ConnectClient } from '../../probes/connect.ts';
import { ensureTopics } from '../../probes/kafka.ts';
import { brokersInside, brokersOf } from '../brokers.ts';
import type { ProvisionContext } from './context.ts';
import { loadSchema } from './schemas.ts';

/** The connectors, as they are declared, running: Debezium's, and the lake's sink where Connect writes the lake. */
export async function provisionConnect(context: ProvisionContext, { signal }: OperationContext): Promise<string> {
  const connect = new ConnectClient(await context.runtime.endpoint('connect', 'rest'));
  if (archives(context.profile)) await ensureTopics(await brokersOf(context.runtime), [controlTopic(context.profile)]);
  else await connect.remove(lake.connector);
  const configs = await connectors(context);
  // All are asked for before any is waited for: they start side by side.
  const changes = new Map<string, string>();
  for (const { name, config } of configs) changes.set(name, await connect.put(name, config));
  const lines = configs.map(async ({ name }) => {
    const tasks = await connect.waitUntilRunning(name, signal);
    const change = changes.get(name);
    return `${name} ${change === 'unchanged' ? 'runs' : change}, ${tasks} ${tasks === 1 ? 'task' : 'tasks'}`;
  });
  return `connector ${(await Promise.all(lines)).join('; ')}`;
}

async function connectors({ runtime, profile, projectRoot }: ProvisionContext): Promise<Connector[]> {
  const files = [...new Set(lake.tables.map(({ schema }) => schema))];
  const schemas = await Promise.all(files.map((file) => loadSchema(join(projectRoot, 'schemas', file))));
  const embedded = archives(profile) && profile.lake.storage.kind === 'embedded';
  return declaredConnectors({
    profile,
    shop: await runtime.inside('postgres', 'cdc'),
    catalog: await runtime.inside('postgres', 'lake'),
    brokers: await brokersInside(runtime),
    objectstore: embedded ? (await runtime.inside('objectstore', 's3')).url : null,
    schemas: Object.fromEntries(files.map((file, index) => [file, schemas[index] ?? {}])),
  });
}
