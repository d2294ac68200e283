import type { CommandSpec, RenderedFile, ServiceSpec } from '../../core/service-spec.ts';
import type { ComponentDefinition, RenderContext } from '../contract.ts';
import { authorityIn, authorityPath, serverFiles } from '../tls.ts';
import { mebibytes } from '../units.ts';

const port = 'postgres.sql';

/** The shop's database and the storage of registry and lake catalog, in one server. */
export const postgres: ComponentDefinition = {
  name: 'postgres',
  title: 'PostgreSQL',
  dependsOn: [],
  artifacts: ['postgres'],
  instances: () => ['postgres'],
  ports: () => [{ id: port, instance: 'postgres', preferred: 15432 }],
  credentials: [
    { id: 'postgres.superuser', user: 'postgres', kind: 'password' },
    { id: 'postgres.shop', user: 'shop', kind: 'password' },
    { id: 'postgres.debezium', user: 'debezium', kind: 'password' },
    { id: 'postgres.registry', user: 'registry', kind: 'password' },
    { id: 'postgres.lake', user: 'lake', kind: 'password' },
    { id: 'postgres.airflow', user: 'airflow', kind: 'password' },
  ],
  servesTls: true,
  render: (context) => ({ files: configFiles(context), service: service(context) }),
  endpoints: (context) => [
    endpoint(context, 'sql', 'shop', 'postgres.shop', 'The shop: users, products, transactions; owner of its tables'),
    endpoint(
      context,
      'cdc',
      'shop',
      'postgres.debezium',
      'Change data capture: replication, reads the captured tables',
    ),
    endpoint(context, 'registry', 'registry', 'postgres.registry', 'Storage of the schema registry'),
    endpoint(context, 'lake', 'lake', 'postgres.lake', 'Iceberg catalog'),
    endpoint(context, 'airflow', 'airflow', 'postgres.airflow', "Airflow's own state"),
    endpoint(context, 'admin', 'postgres', 'postgres.superuser', 'Superuser'),
  ],
};

/**
 * JDBC address of a database, without user and password.
 * @param client instance or job that connects, which must have `clientFiles`
 */
export const jdbcUrl = (context: RenderContext, database: string, client: string): string => {
  const parameters = context.certificates === null ? '' : `?${verification(authorityPath(context, client))}`;
  return `jdbc:postgresql://${context.hostOf('postgres')}:${context.port(port)}/${database}${parameters}`;
};

/** Parameters of an address by which libpq and the JDBC driver verify the server. @param authority path of the certificate */
export const verification = (authority: string): string => `sslmode=verify-full&sslrootcert=${authority}`;

/** Where the server listens. */
export const databasePort = (context: RenderContext): number => context.port(port);

/** Address of a database for everything but Java, without user and password. */
export const databaseUrl = (context: RenderContext, database: string): string =>
  `postgresql://${context.hostOf('postgres')}:${context.port(port)}/${database}`;

function endpoint(context: RenderContext, protocol: string, database: string, credential: string, description: string) {
  const url = databaseUrl(context, database);
  const tls = context.certificates !== null;
  return { component: 'postgres' as const, protocol, url, credential, tls, description };
}

function configFiles(context: RenderContext): RenderedFile[] {
  const { memoryMiB } = context.profile.components.postgres;
  const conf = context.dir('postgres', 'conf');
  const data = {
    listenHost: context.listenHost,
    port: context.port(port),
    dataDir: `${context.dir('postgres', 'data')}/cluster`,
    confDir: conf,
    tls: context.certificates !== null,
    sharedBuffersMiB: Math.floor(memoryMiB / 4),
    maintenanceMiB: Math.max(16, Math.floor(memoryMiB / 16)),
  };
  return [
    { path: `${conf}/postgresql.conf`, content: context.template('postgres/postgresql.conf.eta', data), mode: 0o644 },
    {
      path: `${conf}/pg_hba.conf`,
      content: context.template('postgres/pg_hba.conf.eta', {
        clients: context.clientNetwork,
        host: context.certificates === null ? 'host   ' : 'hostssl',
      }),
      mode: 0o644,
    },
    // initdb takes the first password from a file only.
    { path: `${conf}/initial-password`, content: `${context.secret('postgres.superuser')}\n`, mode: 0o600 },
    ...serverFiles(context, 'postgres'),
  ];
}

/** $0: data directory, the rest: initdb. Made beside and renamed: what a killed initdb left half is made again. */
const createCluster = `
set -e
[ ! -e "$0/cluster/PG_VERSION" ] || exit 0
rm -rf "$0/cluster.new"
"$@"
mv "$0/cluster.new" "$0/cluster"
`.trim();

function service(context: RenderContext): ServiceSpec {
  const { root } = context.artifact('postgres');
  const conf = context.dir('postgres', 'conf');
  const data = context.dir('postgres', 'data');
  const command = (executable: string, args: string[]): CommandSpec => ({
    executable,
    args,
    env: {},
    cwd: context.dir('postgres', 'run'),
    refusesRoot: true,
  });
  const initdb = [
    `${root}/bin/initdb`,
    `--pgdata=${data}/cluster.new`,
    `--username=${context.user('postgres.superuser')}`,
    `--pwfile=${conf}/initial-password`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Built in: sorting does not depend on the machine's C library or ICU version.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-instructions',
    '--no-sync',
  ];
  return {
    name: 'postgres',
    component: 'postgres',
    prepare: [
      {
        title: 'Create the database cluster',
        command: command('/bin/sh', ['-c', createCluster, data, ...initdb]),
        marker: `${data}/created`,
      },
    ],
    command: command(`${root}/bin/postgres`, ['-D', `${data}/cluster`, '-c', `config_file=${conf}/postgresql.conf`]),
    // Fast shutdown: SIGTERM would wait for every client.
    stopSignal: 'SIGINT',
    stopGraceMs: 30_000,
    probe: {
      kind: 'postgres',
      host: context.hostOf('postgres'),
      port: context.port(port),
      user: context.user('postgres.superuser'),
      password: context.secret('postgres.superuser'),
      database: 'postgres',
      ...authorityIn(context),
    },
    startTimeoutMs: 60_000,
    probeIntervalMs: 5000,
    memoryBytes: mebibytes(context.profile.components.postgres.memoryMiB),
  };
}
