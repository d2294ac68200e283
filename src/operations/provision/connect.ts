import { debeziumConfig } from '../../components/connect/debezium.ts';
import { replication as replicationOf } from '../../components/kafka/component.ts';
import type { OperationContext } from '../../core/events.ts';
import { replication } from '../../platform/pipeline.ts';
import { ConnectClient } from '../../probes/connect.ts';
import type { ProvisionContext } from './context.ts';

/** The Debezium connector, as it is declared, running. */
export async function provisionConnect(
  { runtime, profile }: ProvisionContext,
  { signal }: OperationContext,
): Promise<string> {
  const connect = new ConnectClient(await runtime.endpoint('connect', 'rest'));
  const { host, port, user } = await runtime.endpoint('postgres', 'cdc');
  const config = debeziumConfig({
    host,
    port,
    user: user ?? 'debezium',
    database: 'shop',
    replicationFactor: replicationOf(profile).factor,
  });
  const name = replication.connector;
  const change = await connect.put(name, config);
  const tasks = await connect.waitUntilRunning(name, signal);
  return `connector ${name} ${change === 'unchanged' ? 'runs' : change}, ${tasks} task`;
}
