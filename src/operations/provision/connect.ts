import { join } from 'node:path';
import { archives } from '../../components/connect/component.ts';
import { debeziumConfig } from '../../components/connect/debezium.ts';
import { lakeControlTopic, lakeSinkConfig } from '../../components/connect/iceberg.ts';
import { replication as replicationOf } from '../../components/kafka/component.ts';
import type { OperationContext } from '../../core/events.ts';
import { lake, replication } from '../../platform/pipeline.ts';
import { ConnectClient } from '../../probes/connect.ts';
import { ensureTopics } from '../../probes/kafka.ts';
import { brokersOf } from '../brokers.ts';
import type { ProvisionContext } from './context.ts';
import { loadSchema } from './schemas.ts';

/** The connectors, as they are declared, running: Debezium's, and the lake's sink where Connect writes the lake. */
export async function provisionConnect(context: ProvisionContext, { signal }: OperationContext): Promise<string> {
  const connect = new ConnectClient(await context.runtime.endpoint('connect', 'rest'));
  const configs = [{ name: replication.connector as string, config: await sourceConfig(context) }];
  if (archives(context.profile)) configs.push({ name: lake.connector, config: await sinkConfig(context) });
  else await connect.remove(lake.connector);
  for (const [name, config] of Object.entries(context.profile.connect.connectors)) configs.push({ name, config });
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

async function sourceConfig({ runtime, profile }: ProvisionContext) {
  const { host, port, user } = await runtime.endpoint('postgres', 'cdc');
  return debeziumConfig({
    host,
    port,
    user: user ?? 'debezium',
    database: 'shop',
    replicationFactor: replicationOf(profile).factor,
  });
}

async function sinkConfig({ runtime, profile, projectRoot }: ProvisionContext) {
  const catalog = await runtime.endpoint('postgres', 'lake');
  const brokers = await brokersOf(runtime);
  const { factor, minInSync } = replicationOf(profile);
  await ensureTopics(brokers, [
    {
      ...lakeControlTopic,
      replicas: factor,
      config: { ...lakeControlTopic.config, 'min.insync.replicas': String(minInSync) },
    },
  ]);
  const files = [...new Set(lake.tables.map(({ schema }) => schema))];
  const schemas = await Promise.all(files.map((file) => loadSchema(join(projectRoot, 'schemas', file))));
  return lakeSinkConfig({
    catalogUrl: `jdbc:postgresql://${catalog.host}:${catalog.port}/lake`,
    catalogUser: catalog.user ?? 'lake',
    bootstrapServers: brokers.join(','),
    endpoint: profile.lake.storage.kind === 's3' ? null : (await runtime.endpoint('objectstore', 's3')).url,
    settings: profile.lake,
    schemas: Object.fromEntries(files.map((file, index) => [file, schemas[index] ?? {}])),
  });
}
