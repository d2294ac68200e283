import type { Profile } from '../../platform/profile.ts';
import { archives } from '../connect/component.ts';
import { controlTopic } from '../connect/connectors.ts';
import { cpuRequest } from '../cpu.ts';
import { kafka, replication } from '../kafka/component.ts';
import { type DeclaredTopic, declaredTopics } from '../kafka/topics.ts';
import type { KubernetesContext, KubernetesObject, OperatorDelivery } from '../kubernetes.ts';
import { kafkaVersion, overriddenImage, release } from './charts.ts';
import { brokerPort, listeners } from './kafka-listeners.ts';
import { type Peer, podsOf, policy } from './network.ts';
import {
  certificateSecrets,
  fileOf,
  fixedResources,
  instanceServices,
  object,
  podLabels,
  resources,
  restrictedContainer,
  settingsOf,
  strimziPlacement,
  without,
} from './objects.ts';

export const kafkaCluster = 'kafka';
const pool = 'node';
const api = 'kafka.strimzi.io/v1';
/** Strimzi's own: between controllers, between brokers and its operators, and the agent beside each broker. */
const [controlPort, replicationPort, agentPort, connectPort] = [9090, 9091, 8443, 8083];
export const metricsPort = 9404;

/** Strimzi: brokers in KRaft mode with the settings that are declared, and a KafkaTopic for every topic of the pipeline. */
export const kafkaOperator: OperatorDelivery = {
  ownImage: false,
  service: (instance) => instance,
  // What brokers tell clients of themselves are their pods' own names; the Services carry those of plain delivery.
  serverNames: (namespace) => [
    ...['kafka', 'kafka-2', 'kafka-3'].flatMap((name) => [name, `${name}.${namespace}`, `${name}.${namespace}.svc`]),
    ...['svc', 'svc.cluster.local'].map((end) => `*.${kafkaCluster}-kafka-brokers.${namespace}.${end}`),
  ],
  port: (id) => (id.endsWith('.broker') ? brokerPort : undefined),
  releases: (context) => strimzi(context),
  objects: (context) => [
    ...certificateSecrets(context, 'kafka', 'kafka'),
    nodePool(context),
    cluster(context),
    ...allTopics(context.profile).map((topic) => topicObject(context, topic)),
    ...services(context),
    ...policies(context),
  ],
};

/** One operator for brokers and Connect. */
export function strimzi(context: KubernetesContext) {
  const own = context.namespaceOf('kafka');
  const connectNamespace = context.namespaceOf('connect');
  const image = overriddenImage(context, 'strimzi');
  const [name = '', ...path] = image === null ? [] : image.repository.split('/').reverse();
  const pieces = image && { registry: image.registry, repository: path.reverse().join('/'), name, tag: image.tag };
  return release(context, 'strimzi', own, {
    // Its own namespace is always watched.
    watchNamespaces: own === connectNamespace ? [] : [connectNamespace],
    resources: fixedResources(320, 352, '100m'),
    // Ours are exact; Strimzi's would let everybody in who reaches a listener.
    generateNetworkPolicy: false,
    labels: podLabels(context, 'strimzi'),
    ...(pieces === null ? {} : { image: pieces, topicOperator: { image: pieces }, kafkaInit: { image: pieces } }),
  });
}

/** The pipeline's, the lake's control topic, and those in which Connect keeps its state. */
export function allTopics(profile: Profile): DeclaredTopic[] {
  const { factor } = replication(profile);
  const compact = { 'cleanup.policy': 'compact' };
  const state = connectTopics.map((name) => ({ name, partitions: 1, replicas: factor, config: compact }));
  return [...declaredTopics(profile), ...(archives(profile) ? [controlTopic(profile)] : []), ...state];
}

/** As in templates/connect/connect.properties.eta. */
export const connectTopics = ['connect-configs', 'connect-offsets', 'connect-status'] as const;

/** Names of objects have no underscores. */
const objectName = (topic: string): string => topic.replace(/[^a-z0-9.-]/g, '-');

function topicObject(
  context: KubernetesContext,
  { name, partitions, replicas, config }: DeclaredTopic,
): KubernetesObject {
  const labels = { 'strimzi.io/cluster': kafkaCluster };
  return object(
    context,
    { apiVersion: api, kind: 'KafkaTopic', name: objectName(name), component: 'kafka', labels },
    { spec: { topicName: name, partitions, replicas, config } },
  );
}

/** Combined brokers and controllers: three nodes of each would be more than a workstation has. */
function nodePool(context: KubernetesContext): KubernetesObject {
  const { components, kafka: settings, kubernetes } = context.profile;
  const { memoryMiB, heapMiB = Math.floor(memoryMiB / 2) } = components.kafka;
  const { storageClass, volumesGiB } = kubernetes;
  const volume = {
    id: 0,
    type: 'persistent-claim',
    size: `${volumesGiB.kafka ?? 10}Gi`,
    ...(storageClass === undefined ? {} : { class: storageClass }),
    kraftMetadata: 'shared',
    // Data goes only when it is asked for: `down --volumes`.
    deleteClaim: false,
  };
  return object(
    context,
    {
      apiVersion: api,
      kind: 'KafkaNodePool',
      name: pool,
      component: 'kafka',
      labels: { 'strimzi.io/cluster': kafkaCluster },
    },
    {
      spec: {
        replicas: settings.brokers,
        roles: ['controller', 'broker'],
        storage: { type: 'jbod', volumes: [volume] },
        resources: resources(memoryMiB, cpuRequest('kafka', context.profile)),
        jvmOptions: { '-Xms': `${Math.min(64, heapMiB)}m`, '-Xmx': `${heapMiB}m` },
      },
    },
  );
}

/** What Strimzi sets itself, by prefix, and what it leaves alone nevertheless (KafkaClusterSpec of the release). */
const forbidden = [
  'listeners',
  'advertised.',
  'broker.',
  'listener.',
  'inter.broker.listener.name',
  'log.dir',
  'node.id',
  'process.roles',
  'controller.',
  'ssl.',
];
const allowed = [
  'broker.session.timeout.ms',
  'broker.heartbeat.interval.ms',
  'controller.quorum.election.backoff.max.ms',
  'controller.quorum.election.timeout.ms',
  'controller.quorum.fetch.timeout.ms',
];

function cluster(context: KubernetesContext): KubernetesObject {
  const rendered = fileOf(kafka.render(context, 'kafka').files, 'server.properties');
  return object(
    context,
    { apiVersion: api, kind: 'Kafka', name: kafkaCluster, component: 'kafka' },
    {
      spec: {
        kafka: {
          version: kafkaVersion,
          metadataVersion: '4.3-IV0',
          listeners: listeners(context),
          config: without(settingsOf(rendered), forbidden, allowed),
          metricsConfig: { type: 'strimziMetricsReporter', values: { allowList: brokerMetrics } },
          template: {
            pod: {
              ...strimziPlacement(context),
              metadata: { labels: podLabels(context, 'kafka') },
              securityContext: podSecurity,
            },
            kafkaContainer: { securityContext: restrictedContainer },
          },
        },
        entityOperator: {
          topicOperator: { resources: fixedResources(256, 288, '50m'), reconciliationIntervalMs: 60_000 },
          template: { pod: { ...strimziPlacement(context), metadata: { labels: podLabels(context, 'kafka-topics') } } },
        },
        // Lag of every consumer group, for Prometheus; nobody reads it without.
        ...(context.profile.kubernetes.monitoring ? { kafkaExporter: exporter(context) } : {}),
      },
    },
  );
}

const podSecurity = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };

/** Rates, replication and requests; the whole list is thousands of series. */
const brokerMetrics = [
  'kafka_server_brokertopicmetrics.*',
  'kafka_server_replicamanager.*',
  'kafka_controller_kafkacontroller.*',
  'kafka_network_requestmetrics_totaltimems.*',
  'kafka_log_log_size',
];

const exporter = (context: KubernetesContext) => ({
  topicRegex: '.*',
  groupRegex: '.*',
  resources: fixedResources(64, 128, '25m'),
  template: { pod: { metadata: { labels: podLabels(context, 'kafka-exporter') } } },
});

/** Under the names and ports of plain delivery; from outside the listener's own Services lead to each broker. */
function services(context: KubernetesContext): KubernetesObject[] {
  return kafka.instances(context.profile).flatMap((instance, broker) => {
    const selector = { 'strimzi.io/pod-name': `${kafkaCluster}-${pool}-${broker}` };
    const inner = { ...context, nodePort: () => null };
    return instanceServices(inner, 'kafka', instance, selector, [`${instance}.broker`]);
  });
}

export const strimziPods = (context: KubernetesContext): Peer => ({
  namespace: context.namespaceOf('kafka'),
  pods: { 'strimzi.io/kind': 'cluster-operator' },
});

function policies(context: KubernetesContext): KubernetesObject[] {
  const namespace = context.namespaceOf('kafka');
  const [operator, brokers] = [strimziPods(context), podsOf(context, 'kafka')];
  const topics: Peer = { namespace, pods: podLabels(context, 'kafka-topics') };
  const lag: Peer = { namespace, pods: podLabels(context, 'kafka-exporter') };
  const inner = [controlPort, replicationPort, agentPort];
  const prometheus: Peer = { namespace: context.profile.kubernetes.namespaces.monitoring };
  const scraped = context.profile.kubernetes.monitoring;
  return [
    policy(
      context,
      'strimzi',
      { ...operator, component: 'kafka' },
      {
        apiServer: true,
        flows: [
          { to: brokers, ports: inner },
          { to: podsOf(context, 'connect'), ports: [connectPort] },
        ],
      },
    ),
    policy(
      context,
      'kafka-topics',
      { ...topics, component: 'kafka' },
      {
        apiServer: true,
        flows: [{ to: brokers, ports: [replicationPort] }],
      },
    ),
    policy(
      context,
      'kafka-cluster',
      { ...brokers, component: 'kafka' },
      {
        dns: true,
        flows: [
          { to: brokers, ports: inner },
          ...[operator, topics, lag, brokers].map((from) => ({ from, ports: inner })),
          { from: prometheus, ports: [metricsPort] },
        ],
      },
    ),
    ...(scraped
      ? [
          policy(
            context,
            'kafka-exporter',
            { ...lag, component: 'kafka' },
            {
              dns: true,
              flows: [
                { to: brokers, ports: [replicationPort] },
                { from: prometheus, ports: [metricsPort] },
              ],
            },
          ),
        ]
      : []),
  ];
}
