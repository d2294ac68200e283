import { bucket, type LakeTable, lake, topics } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';

/** Environment variables of the Connect worker with what the sink must not show; its configuration names them. */
export const lakeVariables = {
  catalogPassword: 'LAMBDACTL_LAKE_CATALOG_PASSWORD',
  accessKey: 'LAMBDACTL_LAKE_ACCESS_KEY',
  secretKey: 'LAMBDACTL_LAKE_SECRET_KEY',
} as const;

export const lakeControlTopic = {
  name: lake.controlTopic,
  partitions: 1,
  // The sink asks for what it has not read yet, minutes at most; a day is for whoever looks into it.
  config: { 'cleanup.policy': 'delete', 'retention.ms': String(24 * 60 * 60 * 1000) },
} as const;

export interface LakeSink {
  /** JDBC address of the catalog's database, without user and password. */
  catalogUrl: string;
  catalogUser: string;
  /** "host:port", comma-separated. */
  bootstrapServers: string;
  /** Further settings of its own Kafka clients. */
  clients: Readonly<Record<string, string>>;
  /** S3 address of the stack's own object store; null for the account's. */
  endpoint: string | null;
  settings: Profile['lake'];
  /** By file name in schemas/: objects that stand alone, with properties and required. */
  schemas: Readonly<Record<string, object>>;
}

/**
 * Configuration of the connector that archives every declared topic in Iceberg (docs/lake.md): Iceberg's own sink, preceded by the
 * reader of dags-repo/connect, to which `lake.declaration` says what a record must be like. A changed schema is a changed
 * configuration, so the connector starts anew with it.
 */
export function lakeSinkConfig(sink: LakeSink): Readonly<Record<string, string>> {
  return {
    'connector.class': 'lambdactl.connect.LakeSinkConnector',
    'tasks.max': String(sink.settings.sinkTasks),
    topics: lake.tables.map(({ topic }) => topic).join(','),
    'key.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
    'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
    'header.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
    ...routes(),
    ...catalog(sink),
    ...commits(sink),
    ...clients(sink),
    ...tableProperties(),
    ...writing(),
    'lake.declaration': JSON.stringify({
      namespace: lake.namespace,
      rejected: lake.rejected,
      tables: lake.tables.map((table) => declared(table, sink.schemas)),
    }),
  };
}

/** By name, not by the sink's "dynamic" tables: those pass over the records of a table that is missing, these fail. */
function routes(): Record<string, string> {
  const names = [...lake.tables.map(({ name }) => name), lake.rejected];
  return {
    'iceberg.tables': names.map((name) => `${lake.namespace}.${name}`).join(','),
    'iceberg.tables.route-field': '_route',
    ...Object.fromEntries(names.map((name) => [`iceberg.table.${lake.namespace}.${name}.route-regex`, name])),
  };
}

function catalog({ catalogUrl, catalogUser, endpoint, settings: { storage } }: LakeSink): Record<string, string> {
  const root =
    storage.kind === 's3' ? [storage.bucket, ...storage.prefix.split('/').filter((part) => part !== '')] : [bucket];
  const prefix = 'iceberg.catalog';
  return {
    [prefix]: lake.catalog,
    [`${prefix}.catalog-impl`]: 'org.apache.iceberg.jdbc.JdbcCatalog',
    [`${prefix}.uri`]: catalogUrl,
    [`${prefix}.jdbc.user`]: catalogUser,
    [`${prefix}.jdbc.password`]: `\${env:${lakeVariables.catalogPassword}}`,
    [`${prefix}.jdbc.schema-version`]: 'V1',
    [`${prefix}.warehouse`]: `s3://${[...root, lake.warehousePath].join('/')}`,
    [`${prefix}.io-impl`]: 'org.apache.iceberg.aws.s3.S3FileIO',
    [`${prefix}.client.region`]: storage.kind === 's3' ? storage.region : 'us-east-1',
    [`${prefix}.s3.access-key-id`]: `\${env:${lakeVariables.accessKey}}`,
    [`${prefix}.s3.secret-access-key`]: `\${env:${lakeVariables.secretKey}}`,
    ...(endpoint === null ? {} : { [`${prefix}.s3.endpoint`]: endpoint, [`${prefix}.s3.path-style-access`]: 'true' }),
  };
}

function commits({ settings: { commitIntervalMs } }: LakeSink): Record<string, string> {
  return {
    'iceberg.control.topic': lake.controlTopic,
    'iceberg.control.commit.interval-ms': String(commitIntervalMs),
    // What one task has not answered by then is committed without it, and its part with the next.
    'iceberg.control.commit.timeout-ms': '15000',
    'iceberg.control.commit.threads': '2',
    // A conflict that outlasts the retries of a commit (maintenance on the same table) is no reason to end.
    'iceberg.control.commit.max-consecutive-failures': '5',
  };
}

/**
 * A killed worker is noticed within twenty seconds, and a transaction that it cut short holds up readers no longer. Ten were too few:
 * on a machine with ten times the work it has cores for, living tasks were taken for dead.
 */
function clients({ bootstrapServers, clients: settings }: LakeSink): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [`iceberg.kafka.${key}`, value])),
    'iceberg.kafka.bootstrap.servers': bootstrapServers,
    'iceberg.kafka.session.timeout.ms': '20000',
    'iceberg.kafka.heartbeat.interval.ms': '5000',
    'iceberg.kafka.transaction.timeout.ms': '20000',
    'consumer.override.session.timeout.ms': '20000',
    'consumer.override.heartbeat.interval.ms': '5000',
    'consumer.override.auto.offset.reset': 'earliest',
    'consumer.override.isolation.level': 'read_committed',
    'consumer.override.max.poll.records': '5000',
    // Few large answers instead of many small ones: what is archived may be half a second late.
    'consumer.override.fetch.min.bytes': '1048576',
    'consumer.override.fetch.max.bytes': '8388608',
    'consumer.override.fetch.max.wait.ms': '500',
  };
}

/** Kept with the tables, for everyone who writes or maintains them. */
function tableProperties(): Record<string, string> {
  const properties = {
    'format-version': '2',
    'write.parquet.compression-codec': 'zstd',
    'write.target-file-size-bytes': String(128 * 1024 * 1024),
    'write.distribution-mode': 'none',
    'write.spark.fanout.enabled': 'true',
    'write.metadata.delete-after-commit.enabled': 'true',
    'write.metadata.previous-versions-max': '20',
    'commit.retry.num-retries': '20',
    'commit.retry.min-wait-ms': '100',
    'commit.retry.max-wait-ms': '5000',
  };
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [`lake.table-props.${key}`, value]));
}

/** For what the sink writes only: files of seconds, merged later. */
function writing(): Record<string, string> {
  const prefix = 'iceberg.tables.write-props.write.parquet';
  return {
    // A row group is held in memory until it is full or committed, one for every day and event type.
    [`${prefix}.row-group-size-bytes`]: String(8 * 1024 * 1024),
    [`${prefix}.compression-level`]: '1',
  };
}

function declared({ name, topic, kind, schema, partitionedBy }: LakeTable, schemas: LakeSink['schemas']): object {
  const key = topics.find((each) => each.name === topic)?.key;
  const fields = schemas[schema];
  if (key === undefined || fields === undefined)
    throw new Error(`table ${name}: topic ${topic} or its schema is missing`);
  return { name, topic, kind, ...(kind === 'changes' ? { key } : {}), partitionedBy, schema: fields };
}
