import type { OperationContext } from '../../core/events.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import { provisionAirflow } from './airflow.ts';
import { provisionClickhouse } from './clickhouse.ts';
import { provisionConnect } from './connect.ts';
import type { ProvisionContext } from './context.ts';
import { provisionKafka } from './kafka.ts';
import { provisionObjectstore } from './objectstore.ts';
import { provisionPostgres } from './postgres.ts';
import { provisionRegistry } from './registry.ts';
import { provisionWarehouse } from './warehouse.ts';

type Provision = (context: ProvisionContext, operation: OperationContext) => Promise<string>;

const provisions: Record<ComponentName, Provision> = {
  postgres: provisionPostgres,
  kafka: provisionKafka,
  clickhouse: provisionClickhouse,
  // The job itself is the whole of it: healthy means that its queries run.
  spark: async () => 'queries run',
  connect: provisionConnect,
  registry: provisionRegistry,
  objectstore: provisionObjectstore,
  warehouse: provisionWarehouse,
  airflow: provisionAirflow,
};

/**
 * Makes a healthy component ready for those that depend on it: databases, topics, tables, connectors. Idempotent.
 * @returns one line about what it did
 */
export function provision(component: ComponentName, context: ProvisionContext, operation: OperationContext) {
  return provisions[component](context, operation);
}
