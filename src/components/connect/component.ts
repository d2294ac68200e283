import type { RenderedFile, ServiceSpec } from '../../core/service-spec.ts';
import type { ComponentDefinition, RenderContext } from '../contract.ts';
import { javaService } from '../jvm.ts';
import { bootstrapServers, replication } from '../kafka/component.ts';
import { mebibytes } from '../units.ts';
import { databasePasswordVariable } from './debezium.ts';

const port = 'connect.rest';

/** A distributed Kafka Connect worker with Debezium's PostgreSQL connector. */
export const connect: ComponentDefinition = {
  name: 'connect',
  title: 'Kafka Connect with Debezium',
  dependsOn: ['kafka', 'postgres'],
  artifacts: ['jre', 'kafka', 'debezium'],
  instances: () => ['connect'],
  ports: () => [{ id: port, instance: 'connect', preferred: 18083 }],
  credentials: [],
  render: (context) => ({ files: configFiles(context), service: service(context) }),
  endpoints: (context) => [
    { component: 'connect', protocol: 'rest', url: restUrl(context), description: 'REST API, open on loopback' },
  ],
};

const restUrl = (context: RenderContext): string => `http://${context.host}:${context.port(port)}`;

function configFiles(context: RenderContext): RenderedFile[] {
  const conf = context.dir('connect', 'conf');
  const data = {
    host: context.host,
    port: context.port(port),
    bootstrapServers: bootstrapServers(context),
    replicationFactor: replication(context.profile).factor,
    passwordVariable: databasePasswordVariable,
  };
  return [
    {
      path: `${conf}/connect.properties`,
      content: context.template('connect/connect.properties.eta', data),
      mode: 0o644,
    },
    { path: `${conf}/log4j2.properties`, content: context.template('connect/log4j2.properties.eta', {}), mode: 0o644 },
  ];
}

function service(context: RenderContext): ServiceSpec {
  const { memoryMiB, heapMiB = Math.floor(memoryMiB / 2) } = context.profile.components.connect;
  const conf = context.dir('connect', 'conf');
  return {
    name: 'connect',
    component: 'connect',
    prepare: [],
    ...javaService(context, {
      instance: 'connect',
      // Debezium on the class path, not in a plugin directory: only so can its classes come from the class archive.
      classPath: [...context.artifact('kafka').classPath, ...context.artifact('debezium').classPath],
      mainClass: 'org.apache.kafka.connect.cli.ConnectDistributed',
      heapMiB,
      metaspaceMiB: 160,
      codeCacheMiB: 64,
      directMiB: 64,
      flags: [`-Dlog4j2.configurationFile=${conf}/log4j2.properties`],
      args: [`${conf}/connect.properties`],
      env: { [databasePasswordVariable]: context.secret('postgres.debezium') },
    }),
    stopSignal: 'SIGTERM',
    stopGraceMs: 15_000,
    // Answers 503 until the worker has read its topics and joined its group.
    probe: { kind: 'http', url: `${restUrl(context)}/health`, expectStatus: 200 },
    startTimeoutMs: 120_000,
    probeIntervalMs: 5000,
    memoryBytes: mebibytes(memoryMiB),
    nice: 5,
  };
}
