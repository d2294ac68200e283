import type { Bootstrap } from '../../core/bootstrap.ts';
import { authorityVariable } from '../connect/authority.ts';
import { archives, connect } from '../connect/component.ts';
import { type Connector, declaredConnectors } from '../connect/connectors.ts';
import { cpuRequest } from '../cpu.ts';
import { bootstrapServers } from '../kafka/component.ts';
import type { KubernetesContext, KubernetesObject, OperatorDelivery } from '../kubernetes.ts';
import { authorityIn } from '../tls.ts';
import { kafkaVersion } from './charts.ts';
import { connectTopics, metricsPort, strimzi, strimziPods } from './kafka.ts';
import { type Peer, podsOf, policy } from './network.ts';
import {
  authorityMount,
  fileOf,
  instanceServices,
  object,
  podLabels,
  resources,
  restrictedContainer,
  revision,
  secret,
  settingsOf,
  strimziPlacement,
  without,
} from './objects.ts';

export const connectCluster = 'connect';
const api = 'kafka.strimzi.io/v1';
const port = 'connect.rest';
const restPort = 8083;
const environment = 'connect-environment';
/** Strimzi allows mounts below /mnt alone. */
const authorityDirectory = '/mnt/authority';

/** Strimzi's KafkaConnect from our image, and a KafkaConnector for every connector that is declared. */
export const connectOperator: OperatorDelivery = {
  ownImage: true,
  service: (instance) => instance,
  port: (id) => (id === port ? restPort : undefined),
  // Where the brokers are delivered plainly, Connect brings the operator.
  releases: (context) => (context.profile.kubernetes.delivery.kafka === 'operator' ? [] : strimzi(context)),
  objects: (context) => [
    secret(context, 'connect', environment, environmentOf(context)),
    ...authorityMount(context, 'connect', authorityDirectory).objects,
    worker(context),
    ...connectorsOf(context).map((connector) => connectorObject(context, connector)),
    ...instanceServices(context, 'connect', 'connect', { 'strimzi.io/name': `${connectCluster}-connect` }, [port]),
    ...policies(context),
  ],
};

/** By which Strimzi has the worker, and what it makes for connectors, verify brokers. */
function tlsOf(context: KubernetesContext): Record<string, unknown> {
  if (context.certificates === null) return {};
  return { tls: { trustedCertificates: [{ secretName: 'connect-authority', certificate: 'ca.crt' }] } };
}

/** As in plain delivery, but for the place of what is mounted. */
function environmentOf(context: KubernetesContext): Record<string, string> {
  const { env } = connect.render(context, 'connect').service.command;
  return context.certificates === null ? { ...env } : { ...env, [authorityVariable]: `${authorityDirectory}/ca.crt` };
}

/** What Strimzi sets itself (KafkaConnectSpec of the release); restarts of failed tasks, which a REST extension does elsewhere, are its own. */
const forbidden = [
  'group.id',
  'config.storage.topic',
  'offset.storage.topic',
  'status.storage.topic',
  'listeners',
  'plugin.path',
  'rest.',
  'bootstrap.servers',
  ...['', 'producer.', 'consumer.', 'admin.'].flatMap((whose) => [`${whose}security.`, `${whose}ssl.`]),
];

function worker(context: KubernetesContext): KubernetesObject {
  const { memoryMiB, heapMiB = Math.floor(memoryMiB / 2) } = context.profile.components.connect;
  const { files } = connect.render(context, 'connect');
  const variables = environmentOf(context);
  const { volumes, mounts } = authorityMount(context, 'connect', authorityDirectory);
  const settings = settingsOf(fileOf(files, 'connect.properties'));
  const [configs, offsets, status] = connectTopics;
  const fromSecret = Object.keys(variables).map((name) => ({
    name,
    valueFrom: { secretKeyRef: { name: environment, key: name } },
  }));
  return object(
    context,
    {
      apiVersion: api,
      kind: 'KafkaConnect',
      name: connectCluster,
      component: 'connect',
      annotations: { 'strimzi.io/use-connector-resources': 'true' },
    },
    {
      spec: {
        version: kafkaVersion,
        replicas: 1,
        image: context.image('connect'),
        bootstrapServers: bootstrapServers(context),
        ...tlsOf(context),
        groupId: settings['group.id'] ?? 'connect-lambda',
        configStorageTopic: configs,
        offsetStorageTopic: offsets,
        statusStorageTopic: status,
        config: without(settings, forbidden),
        resources: resources(memoryMiB, cpuRequest('connect', context.profile)),
        jvmOptions: { '-Xms': `${Math.min(64, heapMiB)}m`, '-Xmx': `${heapMiB}m` },
        metricsConfig: { type: 'strimziMetricsReporter', values: { allowList: workerMetrics } },
        template: {
          pod: {
            ...strimziPlacement(context),
            metadata: {
              labels: podLabels(context, 'connect'),
              annotations: revision({ ...variables, ...authorityIn(context) }),
            },
            enableServiceLinks: false,
            ...(volumes.length === 0 ? {} : { volumes }),
            securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          },
          connectContainer: {
            securityContext: restrictedContainer,
            ...(mounts.length === 0 ? {} : { volumeMounts: mounts }),
            // Our jars on the class path behind Kafka's own, as in plain delivery; Kafka's script puts what it finds itself behind both.
            env: [...fromSecret, { name: 'CLASSPATH', value: ['/opt/kafka/libs/*', ...classPath(context)].join(':') }],
          },
        },
      },
    },
  );
}

const workerMetrics = [
  'kafka_connect_connector.*',
  'kafka_connect_.*task.*',
  'kafka_connect_connect_worker.*',
  'debezium_.*',
];

function classPath(context: KubernetesContext): string[] {
  const names = archives(context.profile)
    ? (['debezium', 'connect-transforms', 'iceberg-sink'] as const)
    : (['debezium'] as const);
  return names.flatMap((name) => context.artifact(name).classPath);
}

/** As the provisioning of plain delivery declares them, with addresses inside the cluster. */
export function connectorsOf(context: KubernetesContext): Connector[] {
  const database = { host: context.hostOf('postgres'), port: context.port('postgres.sql'), ...authorityIn(context) };
  const ownStore = archives(context.profile) && context.profile.lake.storage.kind === 'embedded';
  return declaredConnectors({
    profile: context.profile,
    shop: { ...database, user: context.user('postgres.debezium') },
    catalog: { ...database, user: context.user('postgres.lake') },
    brokers: brokersOf(context),
    objectstore: ownStore ? `http://${context.hostOf('objectstore')}:${context.port('objectstore.s3')}` : null,
    schemas: context.schemas,
  });
}

function brokersOf(context: KubernetesContext): Bootstrap {
  const servers = bootstrapServers(context).split(',');
  return context.certificates === null ? servers : { servers, authority: context.certificates.authority };
}

function connectorObject(context: KubernetesContext, { name, config }: Connector): KubernetesObject {
  const { 'connector.class': className, 'tasks.max': tasks, ...rest } = config;
  return object(
    context,
    {
      apiVersion: api,
      kind: 'KafkaConnector',
      name,
      component: 'connect',
      labels: { 'strimzi.io/cluster': connectCluster },
    },
    {
      spec: {
        class: className,
        tasksMax: Number(tasks ?? 1),
        // For ever, with growing pauses, as everywhere.
        autoRestart: { enabled: true },
        config: rest,
      },
    },
  );
}

function policies(context: KubernetesContext): KubernetesObject[] {
  const workers = podsOf(context, 'connect');
  const prometheus: Peer = { namespace: context.profile.kubernetes.namespaces.monitoring };
  return [
    policy(
      context,
      'connect-operator',
      { ...workers, component: 'connect' },
      {
        dns: true,
        flows: [
          { from: strimziPods(context), ports: [restPort] },
          // Workers pass requests on to each other.
          { from: workers, ports: [restPort] },
          { to: workers, ports: [restPort] },
          { from: prometheus, ports: [metricsPort] },
        ],
      },
    ),
  ];
}
