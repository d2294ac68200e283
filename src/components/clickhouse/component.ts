import { createHash } from 'node:crypto';
import type { RenderedFile, ServiceSpec } from '../../core/service-spec.ts';
import { clickhouse as layout } from '../../platform/pipeline.ts';
import type { ComponentDefinition, RenderContext } from '../contract.ts';
import { mebibytes } from '../units.ts';

const ports = { http: 'clickhouse.http', tcp: 'clickhouse.tcp' } as const;

/** The speed layer's tables: ClickHouse's server out of its library, held by a small Python launcher. */
export const clickhouse: ComponentDefinition = {
  name: 'clickhouse',
  title: 'ClickHouse',
  dependsOn: [],
  artifacts: ['clickhouse'],
  instances: () => ['clickhouse'],
  ports: () => [
    { id: ports.http, instance: 'clickhouse', preferred: 18123 },
    { id: ports.tcp, instance: 'clickhouse', preferred: 19009 },
  ],
  credentials: [
    { id: 'clickhouse.admin', user: 'lambda', kind: 'password' },
    { id: 'clickhouse.speed', user: 'speed', kind: 'password' },
    { id: 'clickhouse.dashboard', user: 'dashboard', kind: 'password' },
  ],
  render: (context) => ({ files: configFiles(context), service: service(context) }),
  endpoints: (context) => {
    const [tcp, http] = [`clickhouse://${context.hostOf('clickhouse')}:${context.port(ports.tcp)}`, httpUrl(context)];
    return [
      endpoint('http', http, 'clickhouse.dashboard', 'HTTP interface for dashboards, read-only'),
      endpoint('tcp', `${tcp}/${layout.database}`, 'clickhouse.dashboard', 'Native protocol for dashboards, read-only'),
      endpoint('ingest', http, 'clickhouse.speed', 'HTTP interface of the speed layer: reads and inserts'),
      endpoint('admin', http, 'clickhouse.admin', 'HTTP interface, all rights'),
    ];
  },
};

export const httpUrl = (context: RenderContext): string =>
  `http://${context.hostOf('clickhouse')}:${context.port(ports.http)}`;

function endpoint(protocol: string, url: string, credential: string, description: string) {
  return { component: 'clickhouse' as const, protocol, url, credential, description };
}

function configFiles(context: RenderContext): RenderedFile[] {
  const { memoryMiB } = context.profile.components.clickhouse;
  const conf = context.dir('clickhouse', 'conf');
  const config = {
    usersFile: `${conf}/users.xml`,
    // The rest of the budget is the library's own code and what the allocator holds back.
    maxServerMemoryBytes: mebibytes(memoryMiB - 256),
    markCacheBytes: mebibytes(memoryMiB / 32),
    pageCacheBytes: 0,
  };
  const users = {
    database: layout.database,
    clients: context.clientNetwork,
    admin: login(context, 'clickhouse.admin'),
    speed: login(context, 'clickhouse.speed'),
    dashboard: login(context, 'clickhouse.dashboard'),
    queryMemoryBytes: mebibytes(memoryMiB / 2),
  };
  return [
    { path: `${conf}/config.xml`, content: context.template('clickhouse/config.xml.eta', config), mode: 0o644 },
    { path: `${conf}/users.xml`, content: context.template('clickhouse/users.xml.eta', users), mode: 0o600 },
  ];
}

/** A generated password of 24 random characters cannot be guessed, so one round of SHA-256 is enough for the file. */
function login(context: RenderContext, credential: string): { name: string; passwordSha256: string } {
  const passwordSha256 = createHash('sha256').update(context.secret(credential)).digest('hex');
  return { name: context.user(credential), passwordSha256 };
}

function service(context: RenderContext): ServiceSpec {
  const conf = context.dir('clickhouse', 'conf');
  return {
    name: 'clickhouse',
    component: 'clickhouse',
    prepare: [],
    command: {
      executable: context.python,
      args: [
        `${context.projectDir('templates')}/clickhouse/serve.py`,
        `${context.artifact('clickhouse').root}/libchdb.so`,
        `--path=${context.dir('clickhouse', 'data')}`,
        `--config-file=${conf}/config.xml`,
        `--http_port=${context.port(ports.http)}`,
        `--tcp_port=${context.port(ports.tcp)}`,
        `--listen_host=${context.listenHost}`,
      ],
      env: {},
      cwd: context.dir('clickhouse', 'run'),
    },
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
    probe: {
      kind: 'clickhouse',
      url: httpUrl(context),
      user: context.user('clickhouse.dashboard'),
      password: context.secret('clickhouse.dashboard'),
    },
    startTimeoutMs: 60_000,
    probeIntervalMs: 5000,
    memoryBytes: mebibytes(context.profile.components.clickhouse.memoryMiB),
  };
}
