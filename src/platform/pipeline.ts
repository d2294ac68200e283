/**
 * The pipeline, declared once: what the platform is, as plain data. Topic creation, registry subjects, migrations,
 * connector configs, roles, doctor's checks and the docs read it. Source: docs/pipeline.md.
 */

export const componentNames = [
  'postgres',
  'kafka',
  'clickhouse',
  'spark',
  'connect',
  'registry',
  'objectstore',
] as const;
export type ComponentName = (typeof componentNames)[number];

export type Compatibility = 'BACKWARD' | 'FULL' | 'NONE';

export interface Topic {
  name: string;
  /** Field of the value that is the record key. */
  key: string;
  /** "stream" takes the profile's partition count; a number is fixed. */
  partitions: 'stream' | number;
  cleanup: 'delete' | 'compact';
  /** Retention in milliseconds; compacted topics keep the last value of every key. */
  retentionMs?: number;
  /** File in schemas/ of the value; its subject is "<topic>-value". */
  schema?: string;
  compatibility?: Compatibility;
}

const day = 24 * 60 * 60 * 1000;

const stream = (name: string, key: string, schema: string): Topic => ({
  name,
  key,
  partitions: 'stream',
  cleanup: 'delete',
  retentionMs: 7 * day,
  schema,
  compatibility: 'BACKWARD',
});
const cdc = (table: string, key: string, schema: string): Topic => ({
  name: `cdc.postgres.${table}`,
  key,
  partitions: 3,
  cleanup: 'compact',
  schema,
  compatibility: 'FULL',
});
/** Original key and value; why and whence in the headers (docs/pipeline.md). */
const deadLetters = (topic: Topic): Topic => ({
  name: `${topic.name}.dlq`,
  key: topic.key,
  partitions: 3,
  cleanup: 'delete',
  retentionMs: 30 * day,
});

const consumedStreams = [
  stream('user_events', 'user_id', 'user_event.schema.json'),
  stream('transactions', 'user_id', 'transaction.schema.json'),
  stream('events.raw', 'user_id', 'external_event.schema.json'),
];

export const topics: readonly Topic[] = [
  ...consumedStreams,
  stream('events.processed', 'user_id', 'processed_event.schema.json'),
  cdc('users', 'user_id', 'user.schema.json'),
  cdc('products', 'product_id', 'product.schema.json'),
  cdc('transactions', 'transaction_id', 'transaction.schema.json'),
  ...consumedStreams.map(deadLetters),
];

/** Tables of the shop's PostgreSQL database that Debezium captures. */
export const cdcTables = [
  { table: 'users', schema: 'user.schema.json', key: 'user_id' },
  { table: 'products', schema: 'product.schema.json', key: 'product_id' },
  { table: 'transactions', schema: 'transaction.schema.json', key: 'transaction_id' },
] as const;

/** Databases in the one PostgreSQL server, each owned by the role of the same name. */
export const databases = {
  shop: 'The shop: users, products, transactions; captured by Debezium',
  registry: 'Storage of the schema registry',
  lake: 'Iceberg catalog',
} as const;

export const replication = { publication: 'lambda_cdc', slot: 'lambda_cdc', connector: 'postgres-cdc' } as const;

export const bucket = 'lake';

export const clickhouse = {
  database: 'lambda',
  tables: ['user_events_realtime', 'transactions_realtime', 'events_speed'],
  views: [
    'user_activity_summary_mv',
    'conversion_funnel_mv',
    'product_performance_mv',
    'tier_activity_mv',
    'sessions_realtime',
  ],
} as const;

/** Streaming queries of the speed layer, by Spark's queryName. */
export const speedQueries = ['speed'] as const;
