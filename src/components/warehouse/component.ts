import { usageError } from '../../core/errors.ts';
import type { RenderedFile, ServiceSpec } from '../../core/service-spec.ts';
import { warehouse as layout } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import type { ComponentDefinition, RenderContext } from '../contract.ts';
import { loopbackNetwork } from '../network.ts';
import { mebibytes } from '../units.ts';

const port = 'warehouse.http';
const { raw, staging, marts } = layout.schemas;

/** What the server itself takes beside DuckDB's memory: interpreter, Arrow, fakesnow. Measured (docs/warehouse.md). */
const serverMiB = 240;

/** Roles, each of the user of the same name: what it may read and write, as patterns on "DATABASE.SCHEMA". */
const roles = {
  LAMBDA_ADMIN: { admin: true },
  LAMBDA_LOADER: { write: [`${layout.database}.${raw}`] },
  LAMBDA_DBT: {
    read: [`${layout.database}.*`],
    // A schema with such a beginning is where dbt keeps failed tests' rows.
    write: [staging, `${staging}_*`, marts, `${marts}_*`].map((schema) => `${layout.database}.${schema}`),
  },
  LAMBDA_READER: { read: [`${layout.database}.*`] },
} as const;

/** Protocol of an endpoint → the credential behind it and its variable in the server's environment. */
const logins = {
  snowflake: {
    credential: 'warehouse.reader',
    variable: 'LAMBDACTL_WAREHOUSE_READER',
    description: 'Reads everything',
  },
  admin: { credential: 'warehouse.admin', variable: 'LAMBDACTL_WAREHOUSE_ADMIN', description: 'All rights' },
  load: { credential: 'warehouse.loader', variable: 'LAMBDACTL_WAREHOUSE_LOADER', description: `Writes ${raw}` },
  dbt: {
    credential: 'warehouse.dbt',
    variable: 'LAMBDACTL_WAREHOUSE_DBT',
    description: `Reads ${raw}, writes ${staging} and ${marts}`,
  },
} as const;

/** The batch layer's tables: Snowflake's protocol on this machine, where the profile names no Snowflake account. */
export const warehouse: ComponentDefinition = {
  name: 'warehouse',
  title: 'Warehouse (Snowflake stand-in)',
  dependsOn: ['objectstore'],
  startsAfter: ['spark'],
  artifacts: ['warehouse-python'],
  instances: (profile) => (isEmbedded(profile) ? ['warehouse'] : []),
  ports: (profile) => (isEmbedded(profile) ? [{ id: port, instance: 'warehouse', preferred: 18090 }] : []),
  credentials: [
    { id: 'warehouse.admin', user: 'LAMBDA_ADMIN', kind: 'password' },
    { id: 'warehouse.loader', user: 'LAMBDA_LOADER', kind: 'password' },
    { id: 'warehouse.dbt', user: 'LAMBDA_DBT', kind: 'password' },
    { id: 'warehouse.reader', user: 'LAMBDA_READER', kind: 'password' },
  ],
  render: (context) => ({ files: [configFile(context)], service: service(context) }),
  endpoints: (context) =>
    isEmbedded(context.profile)
      ? Object.entries(logins).map(([protocol, { credential, description }]) => ({
          component: 'warehouse' as const,
          protocol,
          url: httpUrl(context),
          credential,
          description: `Snowflake's protocol, database ${layout.database}. ${description}`,
        }))
      : [],
};

const isEmbedded = (profile: Profile): boolean => profile.warehouse.target === 'embedded';

const httpUrl = (context: RenderContext): string => `http://${context.hostOf('warehouse')}:${context.port(port)}`;

const configPath = (context: RenderContext): string => `${context.dir('warehouse', 'conf')}/warehouse.json`;

function configFile(context: RenderContext): RenderedFile {
  const { storage } = context.profile.lake;
  if (storage.kind !== 'embedded') {
    throw usageError("The embedded warehouse reads its stage from the stack's own object store only.", {
      code: 'WAREHOUSE_STORAGE',
      details: { storage: storage.kind },
      actions: ['Set lake.storage to { kind: embedded }, or warehouse.target to snowflake, in the profile.'],
    });
  }
  // Explained in templates/warehouse/server/config.py.
  const settings = {
    host: context.listenHost,
    // In a cluster the network's policies say who may connect.
    anyAddress: context.listenHost !== loopbackNetwork.listenHost,
    port: context.port(port),
    data: context.dir('warehouse', 'data'),
    scratch: context.dir('warehouse', 'cache'),
    memoryMiB: context.profile.components.warehouse.memoryMiB - serverMiB,
    threads: context.profile.batch.tasks,
    database: layout.database,
    roles,
    users: Object.values(logins).map(({ credential, variable }) => {
      const name = context.user(credential);
      return { name, role: name, passwordVariable: variable };
    }),
    s3: { endpoint: storeUrl(context), region: 'us-east-1', accessKeyVariable: s3.user, secretKeyVariable: s3.secret },
  };
  return { path: configPath(context), content: `${JSON.stringify(settings, null, 2)}\n`, mode: 0o644 };
}

const s3 = { user: 'LAMBDACTL_S3_ACCESS_KEY', secret: 'LAMBDACTL_S3_SECRET_KEY' } as const;

const storeUrl = (context: RenderContext): string =>
  `http://${context.hostOf('objectstore')}:${context.port('objectstore.s3')}`;

function service(context: RenderContext): ServiceSpec {
  const passwords = Object.values(logins).map(({ credential, variable }) => [variable, context.secret(credential)]);
  return {
    name: 'warehouse',
    component: 'warehouse',
    prepare: [],
    command: {
      executable: context.python,
      // -S: no customisation of this machine's Python reaches into the packages (some add an authority to certifi's list).
      args: ['-S', `${context.projectDir('templates')}/warehouse/server/main.py`, '--config', configPath(context)],
      env: {
        ...Object.fromEntries(passwords),
        [s3.user]: context.user('objectstore.key'),
        [s3.secret]: context.secret('objectstore.key'),
        PYTHONPATH: `${context.artifact('warehouse-python').root}/site-packages`,
        // The server's files lie in the project, the packages are compiled already.
        PYTHONDONTWRITEBYTECODE: '1',
        PYTHONUNBUFFERED: '1',
        // fakesnow makes a directory of its own at each start; here it goes with the stack.
        TMPDIR: context.dir('warehouse', 'cache'),
        // One arena a thread would keep what a big load has freed.
        MALLOC_ARENA_MAX: '2',
      },
      cwd: context.dir('warehouse', 'run'),
    },
    stopSignal: 'SIGTERM',
    stopGraceMs: 20_000,
    probe: { kind: 'http', url: `${httpUrl(context)}/healthz`, expectStatus: 200, expectBody: '"ok":true' },
    startTimeoutMs: 60_000,
    probeIntervalMs: 5000,
    memoryBytes: mebibytes(context.profile.components.warehouse.memoryMiB),
    nice: 5,
  };
}
