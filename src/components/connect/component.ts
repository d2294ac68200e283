import type { RenderedFile, ServiceSpec } from '../../core/service-spec.ts';
import type { Profile } from '../../platform/profile.ts';
import type { ComponentDefinition, RenderContext } from '../contract.ts';
import { compileOnlyHotCode, javaService } from '../jvm.ts';
import { bootstrapServers, replication } from '../kafka/component.ts';
import { verifiedClient } from '../kafka/verified.ts';
import { authorityPath, clientFiles } from '../tls.ts';
import { mebibytes } from '../units.ts';
import { authorityVariable } from './authority.ts';
import { databasePasswordVariable } from './debezium.ts';
import { lakeVariables } from './iceberg.ts';

const port = 'connect.rest';

/** A distributed Kafka Connect worker: Debezium's PostgreSQL connector, and the Iceberg sink where it writes the lake. */
export const connect: ComponentDefinition = {
  name: 'connect',
  title: 'Kafka Connect: Debezium and the Iceberg sink',
  dependsOn: ['kafka', 'postgres'],
  alsoDependsOn: (profile) => (archives(profile) && profile.lake.storage.kind === 'embedded' ? ['objectstore'] : []),
  artifacts: ['jre', 'kafka', 'debezium', 'iceberg-sink', 'connect-transforms'],
  instances: () => ['connect'],
  ports: () => [{ id: port, instance: 'connect', preferred: 18083 }],
  credentials: [],
  render: (context) => ({ files: configFiles(context), service: service(context) }),
  endpoints: (context) => [
    { component: 'connect', protocol: 'rest', url: restUrl(context), description: 'REST API, open on loopback' },
  ],
};

/** Whether Connect writes the lake, and not Spark. */
export const archives = ({ lake }: Profile): boolean => lake.archive === 'connect';

const restUrl = (context: RenderContext): string => `http://${context.hostOf('connect')}:${context.port(port)}`;

function configFiles(context: RenderContext): RenderedFile[] {
  const conf = context.dir('connect', 'conf');
  const data = {
    listenHost: context.listenHost,
    host: context.hostOf('connect'),
    port: context.port(port),
    bootstrapServers: bootstrapServers(context),
    replicationFactor: replication(context.profile).factor,
    variables: [
      ...(context.certificates === null ? [] : [authorityVariable]),
      databasePasswordVariable,
      ...Object.values(lakeVariables),
    ].join('|'),
    healer: archives(context.profile),
    pluginPath: context.profile.connect.pluginPath ?? '',
    security: context.certificates === null ? [] : workerSecurity(authorityPath(context, 'connect')),
  };
  return [
    {
      path: `${conf}/connect.properties`,
      content: context.template('connect/connect.properties.eta', data),
      mode: 0o644,
    },
    { path: `${conf}/log4j2.properties`, content: context.template('connect/log4j2.properties.eta', {}), mode: 0o644 },
    ...clientFiles(context, 'connect'),
  ];
}

/** Lines of settings: the worker's own clients and those that it makes for connectors each have their own. */
function workerSecurity(authority: string): string[] {
  const settings = Object.entries(verifiedClient(authority));
  return ['', 'producer.', 'consumer.', 'admin.'].flatMap((whose) =>
    settings.map(([key, value]) => `${whose}${key}=${value}`),
  );
}

/** In this order: what dags-repo/connect brings hides a resource of the sink's. */
const lakeArtifacts = ['connect-transforms', 'iceberg-sink'] as const;

/** Of the stack's object store, or of the account that `lambdactl secrets set s3` was given. */
function lakeSecrets(context: RenderContext): Record<string, string> {
  const key = context.profile.lake.storage.kind === 'embedded' ? 'objectstore.key' : 'account.s3';
  return {
    [lakeVariables.catalogPassword]: context.secret('postgres.lake'),
    [lakeVariables.accessKey]: context.user(key),
    [lakeVariables.secretKey]: context.secret(key),
  };
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
      // Connectors on the class path, not in a plugin directory: only so can their classes come from the class archive.
      classPath: (['kafka', 'debezium', ...(archives(context.profile) ? lakeArtifacts : [])] as const).flatMap(
        (name) => context.artifact(name).classPath,
      ),
      mainClass: 'org.apache.kafka.connect.cli.ConnectDistributed',
      heapMiB,
      metaspaceMiB: 192,
      codeCacheMiB: 96,
      directMiB: 64,
      flags: [...compileOnlyHotCode, `-Dlog4j2.configurationFile=${conf}/log4j2.properties`],
      args: [`${conf}/connect.properties`],
      env: {
        [databasePasswordVariable]: context.secret('postgres.debezium'),
        ...(archives(context.profile) ? lakeSecrets(context) : {}),
        ...(context.certificates === null ? {} : { [authorityVariable]: authorityPath(context, 'connect') }),
      },
    }),
    stopSignal: 'SIGTERM',
    stopGraceMs: 15_000,
    // Answers 503 until the worker has read its topics and joined its group.
    probe: { kind: 'http', url: `${restUrl(context)}/health`, expectStatus: 200 },
    startTimeoutMs: 300_000,
    probeIntervalMs: 5000,
    memoryBytes: mebibytes(memoryMiB),
    nice: 5,
  };
}
