import { cdcTables, databases, replication } from '../../platform/pipeline.ts';
import { heartbeat } from '../connect/debezium.ts';
import { cpuRequest } from '../cpu.ts';
import type { KubernetesContext, KubernetesObject, OperatorDelivery } from '../kubernetes.ts';
import { postgres } from '../postgres/component.ts';
import { isInstalledElsewhere, overriddenImage, release, upstreamImage } from './charts.ts';
import { type ForeignPeer, type Peer, podsOf, policy } from './network.ts';
import {
  certificateSecrets,
  fileOf,
  fixedResources,
  instanceServices,
  loginSecret,
  object,
  placement,
  podLabels,
  resources,
  settingsOf,
  without,
} from './objects.ts';

const cluster = 'postgres';
const api = 'postgresql.cnpg.io/v1';
const port = 'postgres.sql';
const sqlPort = 5432;
/** Where an instance's manager tells the operator of itself. */
const statusPort = 8000;
const webhookPort = 9443;

/** CloudNativePG: one Cluster with the settings, roles and databases that the pipeline declares. */
export const postgresOperator: OperatorDelivery = {
  ownImage: false,
  service: (instance) => instance,
  port: (id) => (id === port ? sqlPort : undefined),
  // Standbys, and the manager of each instance, go by the Services of the operator's own.
  serverNames: (namespace) =>
    ['rw', 'r', 'ro'].flatMap((kind) => [
      `${cluster}-${kind}`,
      `${cluster}-${kind}.${namespace}`,
      `${cluster}-${kind}.${namespace}.svc`,
    ]),
  releases: (context) =>
    release(context, 'cloudnative-pg', context.namespaceOf('postgres'), {
      resources: fixedResources(100, 128, '50m'),
      // This namespace only: another stack, or another team, has its own.
      config: { clusterWide: false },
      podLabels: podLabels(context, 'cloudnative-pg'),
      ...image(context),
    }),
  objects: (context) => [
    ...loginSecrets(context),
    ...certificateSecrets(context, 'postgres', 'postgres'),
    clusterObject(context),
    ...ownDatabases().map((name) => database(context, name)),
    publication(context),
    ...instanceServices(context, 'postgres', 'postgres', primary, [port]),
    ...policies(context),
  ],
};

const primary = { 'cnpg.io/cluster': cluster, 'cnpg.io/instanceRole': 'primary' };

function image(context: KubernetesContext): Record<string, unknown> {
  const parts = overriddenImage(context, 'cloudnative-pg');
  return parts === null ? {} : { image: { repository: `${parts.registry}/${parts.repository}`, tag: parts.tag } };
}

const secretOf = (user: string): string => `${cluster}-login-${user}`;

const loginSecrets = (context: KubernetesContext): KubernetesObject[] =>
  postgres.credentials.map(({ id }) => loginSecret(context, 'postgres', secretOf(context.user(id)), id));

/** The first database is made with the cluster, the others by an object each. */
const firstDatabase = 'shop';
const ownDatabases = (): string[] => Object.keys(databases).filter((name) => name !== firstDatabase);

/** What CloudNativePG sets itself and refuses to be told. */
const fixedSettings = [
  'data_directory',
  'hba_file',
  'listen_addresses',
  'port',
  'unix_socket_directories',
  'log_destination',
  'logging_collector',
  'ssl',
];

/** Before the rules of CloudNativePG's own, of which the last lets passwords in without TLS. */
const onlyTls = ['hostnossl all all all reject'];

function clusterObject(context: KubernetesContext): KubernetesObject {
  const { kubernetes, components } = context.profile;
  const rendered = postgres.render(context, 'postgres').files;
  const parameters = without(settingsOf(fileOf(rendered, 'postgresql.conf')), fixedSettings);
  const { storageClass, volumesGiB } = kubernetes;
  const { nodeSelector, ...pulling } = placement(context);
  return object(
    context,
    { apiVersion: api, kind: 'Cluster', name: cluster, component: 'postgres' },
    {
      spec: {
        instances: kubernetes.postgresInstances ?? 1,
        imageName: upstreamImage(context, 'postgres'),
        imagePullPolicy: context.imagePullPolicy,
        ...(nodeSelector === undefined ? {} : { affinity: { nodeSelector } }),
        ...pulling,
        inheritedMetadata: { labels: podLabels(context, 'postgres') },
        // Its client authority stays CloudNativePG's own: standbys log in by it.
        ...(context.certificates === null
          ? {}
          : { certificates: { serverTLSSecret: 'postgres-tls', serverCASecret: 'postgres-tls' } }),
        enableSuperuserAccess: true,
        superuserSecret: { name: secretOf(context.user('postgres.superuser')) },
        postgresql: {
          // Standbys take connections and slots of their own; a logical slot is kept up to date on them only with both of the others.
          ...(context.certificates === null ? {} : { pg_hba: onlyTls }),
          parameters: {
            ...parameters,
            max_replication_slots: '12',
            max_wal_senders: '12',
            hot_standby_feedback: 'on',
            sync_replication_slots: 'on',
          },
        },
        replicationSlots: { highAvailability: { enabled: true, synchronizeLogicalDecoding: true } },
        bootstrap: {
          initdb: {
            database: firstDatabase,
            owner: context.user(`postgres.${firstDatabase}`),
            secret: { name: secretOf(context.user(`postgres.${firstDatabase}`)) },
            encoding: 'UTF8',
            localeProvider: 'builtin',
            builtinLocale: 'C.UTF-8',
            locale: 'C',
          },
        },
        managed: {
          roles: managedRoles(context),
          // Everybody goes by the Service that carries the instance's own name.
          services: { disabledDefaultServices: ['ro', 'r'] },
        },
        storage: {
          size: `${volumesGiB.postgres ?? 5}Gi`,
          ...(storageClass === undefined ? {} : { storageClass }),
        },
        resources: resources(components.postgres.memoryMiB, cpuRequest('postgres', context.profile)),
        // Seconds for a clean stop; the default is half an hour.
        stopDelay: 60,
        smartShutdownTimeout: 15,
        enablePDB: (kubernetes.postgresInstances ?? 1) > 1,
      },
    },
  );
}

/** All logins but the superuser's and the first database's, which the cluster makes itself. */
function managedRoles(context: KubernetesContext): object[] {
  const made = ['postgres.superuser', `postgres.${firstDatabase}`];
  return postgres.credentials
    .filter(({ id }) => !made.includes(id))
    .map(({ id }) => ({
      name: context.user(id),
      ensure: 'present',
      login: true,
      ...(id === 'postgres.debezium' ? { replication: true } : {}),
      passwordSecret: { name: secretOf(context.user(id)) },
    }));
}

function database(context: KubernetesContext, name: string): KubernetesObject {
  return object(
    context,
    { apiVersion: api, kind: 'Database', name: `${cluster}-${name}`, component: 'postgres' },
    // Kept when the object goes: what is in it is data.
    {
      spec: {
        cluster: { name: cluster },
        name,
        owner: context.user(`postgres.${name}`),
        databaseReclaimPolicy: 'retain',
      },
    },
  );
}

/** Applied by the operator as soon as the tables are there, which provisioning makes. */
function publication(context: KubernetesContext): KubernetesObject {
  const tables = [...cdcTables.map(({ table }) => ({ name: table, schema: 'public' })), heartbeatTable];
  return object(
    context,
    { apiVersion: api, kind: 'Publication', name: `${cluster}-cdc`, component: 'postgres' },
    {
      spec: {
        cluster: { name: cluster },
        dbname: firstDatabase,
        name: replication.publication,
        target: { objects: tables.map((table) => ({ table })) },
        publicationReclaimPolicy: 'retain',
      },
    },
  );
}

const heartbeatTable = { name: heartbeat.table, schema: heartbeat.schema };

function policies(context: KubernetesContext): KubernetesObject[] {
  const namespace = context.namespaceOf('postgres');
  const pods = { 'app.kubernetes.io/name': 'cloudnative-pg' };
  const elsewhere = isInstalledElsewhere(context, 'cloudnative-pg');
  const operator: Peer | ForeignPeer = elsewhere ? { pods } : { namespace, pods };
  const instances = podsOf(context, 'postgres');
  const inner = { ports: [sqlPort, statusPort] };
  const ofOperator = policy(
    context,
    'cloudnative-pg',
    { namespace, pods, component: 'postgres' },
    {
      apiServer: true,
      webhook: webhookPort,
      flows: [{ to: instances, ...inner }],
    },
  );
  return [
    ...(elsewhere ? [] : [ofOperator]),
    // The instance's manager keeps its state in the Cluster; standbys read from the primary.
    policy(
      context,
      'postgres-cluster',
      { ...instances, component: 'postgres' },
      {
        apiServer: true,
        flows: [
          { to: instances, ...inner },
          { from: instances, ...inner },
          { from: operator, ...inner },
        ],
      },
    ),
  ];
}
