import { expect, it } from 'vitest';
import { clusterOptions, shippedProfile } from '../../../test/support/cluster.ts';
import { catalogue } from '../../components/catalogue.ts';
import { probesFor } from './probes.ts';
import { clusterContext } from './render.ts';

const profile = await shippedProfile('lite');
const context = clusterContext(await clusterOptions(profile));
const services = catalogue.flatMap((definition) =>
  definition.instances(profile).map((instance) => definition.render(context, instance).service),
);

/** "readiness | liveness" by instance. */
function asked(): Record<string, string> {
  const text = (probe: ReturnType<typeof probesFor>['readinessProbe']): string => {
    if ('httpGet' in probe) return `GET ${probe.httpGet.path}`;
    return 'exec' in probe ? probe.exec.command.slice(-2).join(' ') : 'port';
  };
  return Object.fromEntries(
    services.map((service) => {
      const { readinessProbe, livenessProbe } = probesFor(service, context);
      return [service.name, `${text(readinessProbe)} | ${text(livenessProbe)}`];
    }),
  );
}

it('asks each product what the kubelet can ask, and restarts none for another one’s sake', () => {
  expect(asked()).toEqual({
    postgres: 'port | port',
    kafka: 'port | port',
    clickhouse: 'GET /ping | GET /ping',
    // Not healthy while Kafka is away, but alive.
    spark: 'GET /healthz | GET /status',
    connect: 'GET /health | port',
    registry: 'GET /apis/ccompat/v7/subjects | port',
    objectstore: 'port | port',
    warehouse: 'GET /healthz | port',
    'airflow-api': 'GET /api/v2/monitor/health | port',
    'airflow-scheduler': 'SchedulerJob ready | SchedulerJob alive',
    'airflow-dag-processor': 'DagProcessorJob ready | DagProcessorJob alive',
  });
});

it('waits for a start twice as long as a supervisor does, and is slow to restart', () => {
  for (const service of services) {
    const { startupProbe, livenessProbe } = probesFor(service, context);
    const startMs = startupProbe.periodSeconds * startupProbe.failureThreshold * 1000;
    expect(startMs).toBeGreaterThanOrEqual(2 * service.startTimeoutMs);
    expect(livenessProbe.periodSeconds * livenessProbe.failureThreshold).toBeGreaterThanOrEqual(120);
  }
});
