import { joinPem } from '../../core/pem.ts';
import type { RenderedFile, ServiceSpec } from '../../core/service-spec.ts';
import type { Profile } from '../../platform/profile.ts';
import type { ComponentDefinition, RenderContext } from '../contract.ts';
import { javaCommand, javaService } from '../jvm.ts';
import { authorityIn, authorityPath, clientFiles } from '../tls.ts';
import { mebibytes } from '../units.ts';

/** Combined broker and controller nodes in KRaft mode: one, or three with replication 3. */
export const kafka: ComponentDefinition = {
  name: 'kafka',
  title: 'Kafka',
  dependsOn: [],
  artifacts: ['jre', 'kafka'],
  instances: (profile) => nodes(profile).map(({ instance }) => instance),
  ports: (profile) =>
    nodes(profile).flatMap(({ instance, id }) => [
      { id: `${instance}.broker`, instance, preferred: 19092 + 10 * (id - 1) },
      { id: `${instance}.controller`, instance, preferred: 19093 + 10 * (id - 1) },
    ]),
  credentials: [{ id: 'kafka.cluster', user: 'cluster', kind: 'clusterId' }],
  servesTls: true,
  render: (context, instance) => {
    return { files: configFiles(context, instance), service: service(context, instance) };
  },
  endpoints: (context) => [
    {
      component: 'kafka',
      protocol: 'kafka',
      url: bootstrapServers(context),
      tls: context.certificates !== null,
      description:
        context.certificates === null ? 'Bootstrap servers, plaintext on loopback' : 'Bootstrap servers, TLS',
    },
  ],
};

/** "host:port" of every broker, comma-separated. */
export function bootstrapServers(context: RenderContext): string {
  return nodes(context.profile)
    .map(({ instance }) => `${context.hostOf(instance)}:${context.port(`${instance}.broker`)}`)
    .join(',');
}

/** Copies of every partition, and how many of them must have a record before it counts as written. */
export function replication({ kafka: { brokers } }: Profile): { factor: number; minInSync: number } {
  return brokers === 1 ? { factor: 1, minInSync: 1 } : { factor: 3, minInSync: 2 };
}

/** The first node has the component's own name, so that a stack with one broker and one with three share it. */
function nodes({ kafka: { brokers } }: Profile): { instance: string; id: number }[] {
  return Array.from({ length: brokers }, (_, index) => ({
    instance: index === 0 ? 'kafka' : `kafka-${index + 1}`,
    id: index + 1,
  }));
}

/** Where a broker listens for clients from outside its network; never advertised. */
export const outsidePort = 29_092;

const nodeId = (instance: string): number => Number(/-(\d+)$/.exec(instance)?.[1] ?? 1);

function configFiles(context: RenderContext, instance: string): RenderedFile[] {
  const { profile } = context;
  const conf = context.dir(instance, 'conf');
  const outside = context.outside(`${instance}.broker`);
  const data = {
    listenHost: context.listenHost,
    host: context.hostOf(instance),
    protocol: context.certificates === null ? 'PLAINTEXT' : 'SSL',
    keystore: keystoreOf(context, instance),
    truststore: authorityPath(context, instance),
    // Clients that are not on the brokers' own network come by an address that is advertised for them alone.
    outside: outside === null ? null : { ...outside, listenPort: outsidePort },
    nodeId: nodeId(instance),
    brokerPort: context.port(`${instance}.broker`),
    controllerPort: context.port(`${instance}.controller`),
    voters: nodes(profile).map(
      (node) => `${node.id}@${context.hostOf(node.instance)}:${context.port(`${node.instance}.controller`)}`,
    ),
    dataDir: context.dir(instance, 'data'),
    replication: replication(profile),
    single: profile.kafka.brokers === 1,
    cleanerBufferBytes: mebibytes((profile.components.kafka.heapMiB ?? 256) / 32),
  };
  return [
    { path: `${conf}/server.properties`, content: context.template('kafka/server.properties.eta', data), mode: 0o644 },
    { path: `${conf}/log4j2.properties`, content: context.template('kafka/log4j2.properties.eta', {}), mode: 0o644 },
    ...storeFiles(context, instance),
  ];
}

const keystoreOf = (context: RenderContext, instance: string): string =>
  `${context.dir(instance, 'conf')}/keystore.pem`;

/** Kafka reads key and certificate from one file. */
function storeFiles(context: RenderContext, instance: string): RenderedFile[] {
  if (context.certificates === null) return [];
  const keystore = joinPem(context.certificates.of(instance));
  return [{ path: keystoreOf(context, instance), content: keystore, mode: 0o600 }, ...clientFiles(context, instance)];
}

function service(context: RenderContext, instance: string): ServiceSpec {
  const { memoryMiB, heapMiB = Math.floor(memoryMiB / 2) } = context.profile.components.kafka;
  const conf = context.dir(instance, 'conf');
  const { classPath } = context.artifact('kafka');
  const common = { instance, classPath, metaspaceMiB: 128, codeCacheMiB: 64 };
  const logging = `-Dlog4j2.configurationFile=${conf}/log4j2.properties`;
  return {
    name: instance,
    component: 'kafka',
    prepare: [
      {
        title: 'Format storage',
        command: javaCommand(context, {
          ...common,
          mainClass: 'kafka.tools.StorageTool',
          heapMiB: 128,
          quickStart: true,
          flags: [logging],
          args: [
            'format',
            '--ignore-formatted',
            '-t',
            context.secret('kafka.cluster'),
            '-c',
            `${conf}/server.properties`,
          ],
        }),
        marker: `${context.dir(instance, 'data')}/.formatted`,
      },
    ],
    ...javaService(
      context,
      {
        ...common,
        mainClass: 'kafka.Kafka',
        heapMiB,
        directMiB: 64,
        flags: [logging],
        args: [`${conf}/server.properties`],
      },
      'kafka',
    ),
    stopSignal: 'SIGTERM',
    stopGraceMs: 30_000,
    probe: {
      kind: 'kafka',
      bootstrap: `${context.hostOf(instance)}:${context.port(`${instance}.broker`)}`,
      ...authorityIn(context),
    },
    startTimeoutMs: 180_000,
    probeIntervalMs: 5000,
    memoryBytes: mebibytes(memoryMiB),
  };
}
