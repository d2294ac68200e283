import { createHash } from 'node:crypto';
import { clickhouse } from '../clickhouse/component.ts';
import { cpuRequest } from '../cpu.ts';
import type { KubernetesContext, KubernetesObject, OperatorDelivery } from '../kubernetes.ts';
import { overriddenImage, release, upstreamImage } from './charts.ts';
import { userSettings } from './clickhouse-users.ts';
import { type Peer, podsOf, policy } from './network.ts';
import {
  claim,
  fileOf,
  fixedResources,
  instanceServices,
  object,
  placement,
  podLabels,
  resources,
  restrictedContainer,
  revision,
  secret,
} from './objects.ts';

const installation = 'clickhouse';
const keeper = 'clickhouse-keeper';
const hashes = 'clickhouse-users';
const operatorLogin = 'clickhouse-operator-login';
const operatorName = 'clickhouse-operator';
const ports = { 'clickhouse.http': 8123, 'clickhouse.tcp': 9000 } as const;
const interserverPort = 9009;
const [keeperPort, raftPort] = [2181, 9444];

/** Altinity's operator: one server with the settings and users of plain delivery, and Keeper. */
export const clickhouseOperator: OperatorDelivery = {
  ownImage: false,
  service: (instance) => instance,
  port: (id) => (id === 'clickhouse.http' || id === 'clickhouse.tcp' ? ports[id] : undefined),
  releases: (context) => release(context, 'clickhouse-operator', context.namespaceOf('clickhouse'), values(context)),
  objects: (context) => [
    secret(context, 'clickhouse', hashes, passwords(context)),
    // Before the operator: its chart is told this Secret instead of the well-known password that it would make.
    secret(context, 'clickhouse', operatorLogin, {
      username: 'clickhouse_operator',
      password: operatorPassword(context),
    }),
    keeperInstallation(context),
    server(context),
    ...instanceServices(
      context,
      'clickhouse',
      'clickhouse',
      { 'clickhouse.altinity.com/chi': installation },
      Object.keys(ports),
    ),
    ...policies(context),
  ],
};

/** Nobody but the operator uses it, so no credential of the stack stands for it: it follows from the administrator's. */
const operatorPassword = (context: KubernetesContext): string =>
  createHash('sha256')
    .update(`operator ${context.secret('clickhouse.admin')}`)
    .digest('base64url')
    .slice(0, 24);

function values(context: KubernetesContext): Record<string, unknown> {
  const image = overriddenImage(context, 'clickhouse-operator');
  const own = context.namespaceOf('clickhouse');
  return {
    operator: {
      resources: fixedResources(96, 160, '50m'),
      containerSecurityContext: restrictedContainer,
      ...(image === null ? {} : { image: { repository: `${image.registry}/${image.repository}`, tag: image.tag } }),
    },
    // The server's own endpoint is scraped; a second process that asks it for the same by SQL is not needed.
    metrics: { enabled: false },
    podSecurityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: 'RuntimeDefault' } },
    podLabels: podLabels(context, operatorName),
    // Helm installs the definitions from the chart; the hook would fetch an image of Bitnami's that is no longer there.
    crdHook: { enabled: false },
    // Then it watches its own namespace and no other.
    rbac: { namespaceScoped: true },
    secret: { create: false },
    configs: {
      files: {
        'config.yaml': {
          clickhouse: { access: { secret: { namespace: own, name: operatorLogin } } },
        },
      },
    },
  };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Hash of a user's password by the user's name. */
const passwords = (context: KubernetesContext): Record<string, string> =>
  Object.fromEntries(clickhouse.credentials.map(({ id }) => [context.user(id), sha256(context.secret(id))]));

/** The settings file of plain delivery; the operator tells the server where the users are. */
function settingsFile(context: KubernetesContext): string {
  const rendered = fileOf(clickhouse.render(context, 'clickhouse').files, 'config.xml');
  return rendered.replace(/<!--[\s\S]*?-->\s*/, '').replace(/\s*<users_config>[^<]*<\/users_config>/, '');
}

function server(context: KubernetesContext): KubernetesObject {
  const { memoryMiB } = context.profile.components.clickhouse;
  return object(
    context,
    {
      apiVersion: 'clickhouse.altinity.com/v1',
      kind: 'ClickHouseInstallation',
      name: installation,
      component: 'clickhouse',
    },
    {
      spec: {
        configuration: {
          zookeeper: { nodes: [{ host: `keeper-${keeper}`, port: keeperPort }] },
          clusters: [{ name: 'lambda', layout: { shardsCount: 1, replicasCount: 1 } }],
          files: { 'config.d/lambdactl.xml': settingsFile(context) },
          ...userSettings(context, hashes),
        },
        defaults: { templates: { podTemplate: 'server', dataVolumeClaimTemplate: 'data' } },
        templates: {
          podTemplates: [
            {
              name: 'server',
              metadata: { labels: podLabels(context, 'clickhouse'), annotations: revision(passwords(context)) },
              spec: pod(
                context,
                'clickhouse',
                upstreamImage(context, 'clickhouse'),
                resources(memoryMiB, cpuRequest('clickhouse', context.profile)),
              ),
            },
          ],
          volumeClaimTemplates: [{ name: 'data', reclaimPolicy: 'Retain', spec: claim(context, 'clickhouse') }],
        },
      },
    },
  );
}

/** One: enough for a queue of distributed statements and for tables that a second replica will share (docs/adr/0024). */
function keeperInstallation(context: KubernetesContext): KubernetesObject {
  const image = upstreamImage(context, 'clickhouse-keeper');
  return object(
    context,
    {
      apiVersion: 'clickhouse-keeper.altinity.com/v1',
      kind: 'ClickHouseKeeperInstallation',
      name: keeper,
      component: 'clickhouse',
    },
    {
      spec: {
        configuration: {
          clusters: [{ name: 'keeper', layout: { replicasCount: 1 } }],
          settings: { 'logger/level': 'warning', 'logger/console': 'true', listen_host: '0.0.0.0' },
        },
        defaults: { templates: { podTemplate: 'keeper', dataVolumeClaimTemplate: 'data' } },
        templates: {
          podTemplates: [
            {
              name: 'keeper',
              metadata: { labels: podLabels(context, keeper) },
              spec: pod(context, keeper, image, fixedResources(128, 256, '50m')),
            },
          ],
          volumeClaimTemplates: [{ name: 'data', spec: claim(context, keeper) }],
        },
      },
    },
  );
}

/** Upstream's images run as 101. */
function pod(context: KubernetesContext, name: string, image: string, needs: Record<string, unknown>): object {
  return {
    ...placement(context),
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 101,
      runAsGroup: 101,
      fsGroup: 101,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name,
        image,
        imagePullPolicy: context.imagePullPolicy,
        securityContext: restrictedContainer,
        resources: needs,
      },
    ],
  };
}

function policies(context: KubernetesContext): KubernetesObject[] {
  const namespace = context.namespaceOf('clickhouse');
  const operator: Peer = { namespace, pods: podLabels(context, operatorName) };
  const keepers: Peer = { namespace, pods: podLabels(context, keeper) };
  const servers = podsOf(context, 'clickhouse');
  const inner = [...Object.values(ports), interserverPort];
  return [
    policy(
      context,
      operatorName,
      { ...operator, component: 'clickhouse' },
      {
        apiServer: true,
        flows: [
          { to: servers, ports: inner },
          { to: keepers, ports: [keeperPort] },
        ],
      },
    ),
    policy(
      context,
      'clickhouse-installation',
      { ...servers, component: 'clickhouse' },
      {
        dns: true,
        flows: [
          { from: operator, ports: inner },
          { from: servers, ports: inner },
          { to: servers, ports: inner },
          { to: keepers, ports: [keeperPort] },
        ],
      },
    ),
    policy(
      context,
      keeper,
      { ...keepers, component: 'clickhouse' },
      {
        dns: true,
        flows: [
          { from: servers, ports: [keeperPort] },
          { from: operator, ports: [keeperPort] },
          { from: keepers, ports: [keeperPort, raftPort] },
          { to: keepers, ports: [keeperPort, raftPort] },
        ],
      },
    ),
  ];
}
