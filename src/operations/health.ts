import { connectorNames } from '../components/connect/connectors.ts';
import type { HealthReport } from '../core/reports.ts';
import { hasProcess } from '../core/service-spec.ts';
import { importErrorLine } from '../probes/airflow/import-errors.ts';
import { ConnectClient } from '../probes/connect.ts';
import { dagImportErrors } from './dags/import-errors.ts';
import { type OpenStack, openStack, type StackRef } from './stack.ts';

type Check = HealthReport['checks'][number];

/**
 * The last probe of every component, the connectors' tasks and the DAGs that do not load; a component that is not running is not
 * healthy.
 */
export async function health(ref: StackRef): Promise<HealthReport> {
  const stack = await openStack(ref);
  const { services } = await stack.runtime.observe();
  const components = services.map(({ name, state, detail, lastProbe, ...service }) => ({
    name,
    healthy: hasProcess(service) && state === 'healthy',
    detail: state === 'healthy' ? (lastProbe?.detail ?? detail) : `${state}${detail === '' ? '' : `: ${detail}`}`,
    latencyMs: lastProbe?.latencyMs ?? null,
  }));
  const isHealthy = (name: string) => components.some((each) => each.name === name && each.healthy);
  const [connectors, dags] = await Promise.all([
    isHealthy('connect') ? connectorChecks(stack) : [],
    isHealthy('airflow-api') ? dagCheck(stack) : [],
  ]);
  const checks = [...components, ...connectors, ...dags];
  return { stack: stack.name, healthy: checks.length > 0 && checks.every(({ healthy }) => healthy), checks };
}

/** A worker can be well while a connector's task has failed. */
async function connectorChecks(stack: OpenStack): Promise<Check[]> {
  const client = new ConnectClient(await stack.runtime.endpoint('connect', 'rest'));
  // Without a profile the endpoint above is refused already.
  const expected = stack.profile === null ? [] : connectorNames(stack.profile);
  return Promise.all(
    expected.map(async (connector) => {
      const started = performance.now();
      const status = await client.status(connector).catch(() => null);
      const states = status === null ? [] : [status.connector, ...status.tasks];
      const failed = states.find(({ state }) => state === 'FAILED');
      const running = status !== null && status.tasks.length > 0 && states.every(({ state }) => state === 'RUNNING');
      const trace =
        failed?.trace?.split('\n').findLast((line) => line.startsWith('Caused by: ')) ?? failed?.trace?.split('\n')[0];
      return {
        name: `connector ${connector}`,
        healthy: running,
        detail: running
          ? `${status.tasks.length} ${status.tasks.length === 1 ? 'task runs' : 'tasks run'}`
          : (trace ??
            (status === null
              ? 'there is no such connector: lambdactl up'
              : `state ${status.connector.state}, ${status.tasks.length} tasks`)),
        latencyMs: performance.now() - started,
      };
    }),
  );
}

async function dagCheck(stack: OpenStack): Promise<Check[]> {
  const started = performance.now();
  const errors = await dagImportErrors(stack);
  const detail = errors.length === 0 ? 'all load' : errors.map(importErrorLine).join('; ');
  return [{ name: 'dags', healthy: errors.length === 0, detail, latencyMs: performance.now() - started }];
}
