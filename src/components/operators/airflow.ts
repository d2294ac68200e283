import { airflow } from '../airflow/component.ts';
import { apiUrl, connection, dagBundle, fetchIntervalSeconds } from '../airflow/environment.ts';
import type { KubernetesContext, KubernetesObject, OperatorDelivery } from '../kubernetes.ts';
import { gitObjects, gitUrl } from './airflow-git.ts';
import { logSettings, logStore } from './airflow-logs.ts';
import { charts, type ImageParts, imageParts, release, upstreamImage } from './charts.ts';
import { podsOf, policy } from './network.ts';
import {
  authorityMount,
  instanceServices,
  placement,
  podLabels,
  resources,
  restrictedContainer,
  secret,
} from './objects.ts';

const port = 'airflow.api';
/** The chart's, of the API server and of the server for logs of tasks that run. */
const [apiPort, logPort] = [8080, 8793];
const secrets = {
  metadata: 'airflow-metadata',
  fernet: 'airflow-fernet',
  api: 'airflow-api-secret',
  jwt: 'airflow-jwt',
  admin: 'airflow-admin',
} as const;
const authorityDirectory = '/etc/lambdactl/authority';
/** Of upstream's image. */
const user = 50_000;
const podSecurity = {
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: 0,
  fsGroup: 0,
  seccompProfile: { type: 'RuntimeDefault' },
};

/** The official chart on the platform's own PostgreSQL; DAGs by git-sync. */
export const airflowOperator: OperatorDelivery = {
  ownImage: true,
  service: (instance) => instance,
  port: (id) => (id === port ? apiPort : undefined),
  releases: (context) => release(context, 'airflow', context.namespaceOf('airflow'), values(context)),
  objects: (context) => [
    ...secretObjects(context),
    ...gitObjects(context),
    ...instanceServices(
      context,
      'airflow',
      'airflow-api',
      { tier: 'airflow', component: 'api-server', release: 'airflow' },
      [port],
    ),
    ...policies(context),
  ],
};

/** A pod for every task, where there is the memory for it: each brings an interpreter of its own. */
export const executorOf = ({ profile }: Pick<KubernetesContext, 'profile'>): 'KubernetesExecutor' | 'LocalExecutor' =>
  profile.totalMiB >= 16_384 ? 'KubernetesExecutor' : 'LocalExecutor';

function secretObjects(context: KubernetesContext): KubernetesObject[] {
  const rendered = environmentOf(context);
  const made = (name: string, data: Record<string, string>) => secret(context, 'airflow', name, data);
  return [
    made(secrets.metadata, { connection: connection(context, `${authorityDirectory}/ca.crt`) }),
    made(secrets.fernet, { 'fernet-key': rendered.AIRFLOW__CORE__FERNET_KEY ?? '' }),
    made(secrets.api, { 'api-secret-key': context.secret('airflow.api') }),
    made(secrets.jwt, { 'jwt-secret': context.secret('airflow.jwt') }),
    made(secrets.admin, { user: context.user('airflow.admin'), password: context.secret('airflow.admin') }),
    made(logStore.secret, logStore.data(context)),
    ...authorityMount(context, 'airflow', authorityDirectory).objects,
  ];
}

const environmentOf = (context: KubernetesContext): Readonly<Record<string, string>> =>
  airflow.render(context, 'airflow-scheduler').service.command.env;

const imageOf = ({ registry, repository, tag }: ImageParts) => ({ repository: `${registry}/${repository}`, tag });

function values(context: KubernetesContext): Record<string, unknown> {
  const image = imageOf(imageParts(context.image('airflow')));
  const gitSync = imageOf(imageParts(upstreamImage(context, 'git-sync')));
  return {
    executor: executorOf(context),
    airflowVersion: charts.airflow.app,
    defaultAirflowRepository: image.repository,
    defaultAirflowTag: image.tag,
    images: {
      airflow: { ...image, pullPolicy: context.imagePullPolicy },
      gitSync: { ...gitSync, pullPolicy: context.imagePullPolicy },
    },
    labels: podLabels(context, 'airflow'),
    ...placement(context),
    enableServiceLinks: false,
    securityContexts: { pod: podSecurity, containers: restrictedContainer },
    // What the platform has already, or nobody uses.
    ...Object.fromEntries(
      ['postgresql', 'redis', 'statsd', 'triggerer', 'flower'].map((name) => [name, { enabled: false }]),
    ),
    data: { metadataSecretName: secrets.metadata },
    fernetKeySecretName: secrets.fernet,
    apiSecretKeySecretName: secrets.api,
    jwtSecretName: secrets.jwt,
    env: taskVariables(context),
    secret: [{ envName: logStore.variable, secretName: logStore.secret, secretKey: logStore.key }],
    config: settings(context),
    ...authorityValues(context),
    dags: { persistence: { enabled: false }, gitSync: gitSyncValues(context) },
    ...processes(context),
    ...jobs(),
  };
}

/** In all of the chart's containers. */
function authorityValues(context: KubernetesContext): Record<string, unknown> {
  const { volumes, mounts } = authorityMount(context, 'airflow', authorityDirectory);
  return volumes.length === 0 ? {} : { volumes, volumeMounts: mounts };
}

/** What DAGs find, as in plain delivery. */
const taskVariables = (context: KubernetesContext): object[] =>
  Object.entries(environmentOf(context))
    .filter(([name]) => /^LAMBDA(CTL)?_/.test(name))
    .map(([name, value]) => ({ name, value }));

/** Settings of plain delivery that mean the same under the chart; executor, bundles, addresses and logins are the chart's. */
const kept = [
  /^core\.(parallelism|load_examples|lazy_load_plugins|dags_are_paused_at_creation|dag_discovery_safe_mode|dagbag_import_timeout)$/,
  /^core\.min_serialized_dag_(update|fetch)_interval$/,
  /^scheduler\./,
  /^dag_processor\.(parsing_processes|print_stats_interval|min_file_process_interval|refresh_interval)$/,
  /^(api\.expose_config|usage_data_collection\.enabled)$/,
];

function settings(context: KubernetesContext): Record<string, Record<string, string>> {
  const sections: Record<string, Record<string, string>> = {};
  const set = (section: string, key: string, value: string) => {
    sections[section] = { ...sections[section], [key]: value };
  };
  for (const [name, value] of Object.entries(environmentOf(context))) {
    const [, section = '', key = ''] =
      /^AIRFLOW__([A-Z_]+?)__([A-Z_]+)$/.exec(name)?.map((part) => part.toLowerCase()) ?? [];
    if (kept.some((pattern) => pattern.test(`${section}.${key}`))) set(section, key, value);
  }
  // Logins are kept in the database; the token's address is the same as the simple manager's.
  set('core', 'auth_manager', 'airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager');
  set('core', 'execution_api_server_url', `${apiUrl(context)}/execution/`);
  set('api', 'base_url', apiUrl(context));
  set('api', 'workers', '1');
  for (const [key, value] of Object.entries(logSettings(context))) set('logging', key, value);
  return sections;
}

const gitSyncValues = (context: KubernetesContext) => ({
  enabled: true,
  repo: gitUrl(context),
  branch: dagBundle.branch,
  ref: dagBundle.branch,
  subPath: dagBundle.subdir,
  depth: 1,
  period: `${fetchIntervalSeconds}s`,
  maxFailures: 10,
  resources: resources(32, '10m'),
  securityContexts: { container: restrictedContainer },
});

function processes(context: KubernetesContext): Record<string, unknown> {
  const { airflow: process, batch } = context.profile.components;
  const needs = { resources: resources(process.memoryMiB, '100m') };
  const groomer = { logGroomerSidecar: { enabled: false } };
  return {
    apiServer: {
      ...needs,
      replicas: 1,
      // Two cores: the default gives it a minute.
      startupProbe: { periodSeconds: 10, failureThreshold: 30, timeoutSeconds: 20 },
      service: { type: 'ClusterIP' },
    },
    scheduler: { ...needs, ...groomer, replicas: 1 },
    dagProcessor: { ...needs, ...groomer, enabled: true, replicas: 1 },
    // A task is the command line tool and an interpreter; heavy work is a Job of its own.
    workers: { kubernetes: { resources: resources(Math.min(512, batch.memoryMiB), '100m') } },
  };
}

/** Not as hooks: those run after everything is ready, and nothing is ready before the database is migrated. */
function jobs(): Record<string, unknown> {
  const common = { useHelmHooks: false, applyCustomEnv: false, ttlSecondsAfterFinished: 120 };
  const fromSecret = (name: string, key: string) => ({
    name,
    valueFrom: { secretKeyRef: { name: secrets.admin, key } },
  });
  return {
    migrateDatabaseJob: common,
    createUserJob: {
      ...common,
      // The chart's own command has the password in its arguments, and in its values.
      args: ['bash', '-c', createAdministrator],
      env: [fromSecret('ADMIN_USER', 'user'), fromSecret('ADMIN_PASSWORD', 'password')],
    },
  };
}

/** The second command makes the password follow the stack's. Both ask for it twice. */
const createAdministrator = `
set -e
answer() { printf '%s\\n%s\\n' "$ADMIN_PASSWORD" "$ADMIN_PASSWORD"; }
answer | airflow users create --username "$ADMIN_USER" --role Admin --email "$ADMIN_USER@localhost" --firstname Stack --lastname Admin
answer | airflow users reset-password --username "$ADMIN_USER"
`.trim();

function policies(context: KubernetesContext): KubernetesObject[] {
  const pods = podsOf(context, 'airflow');
  const store = context.profile.lake.storage.kind === 'embedded';
  return [
    policy(
      context,
      'airflow-chart',
      { ...pods, component: 'airflow' },
      {
        // The executor makes pods, and watches them.
        apiServer: executorOf(context) === 'KubernetesExecutor',
        dns: true,
        flows: [
          { from: pods, ports: [apiPort, logPort] },
          { to: pods, ports: [apiPort, logPort] },
          ...(store ? [{ to: podsOf(context, 'objectstore'), ports: [context.port('objectstore.s3')] }] : []),
        ],
      },
    ),
    ...(store
      ? [
          policy(
            context,
            'airflow-logs',
            { ...podsOf(context, 'objectstore'), component: 'airflow' },
            {
              flows: [{ from: pods, ports: [context.port('objectstore.s3')] }],
            },
          ),
        ]
      : []),
  ];
}
