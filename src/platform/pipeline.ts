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
  'warehouse',
  'airflow',
] as const;
export type ComponentName = (typeof componentNames)[number];

export type Compatibility = 'BACKWARD' | 'NONE';

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
  // Not FULL: for the closed objects that these are, it would refuse every field that is ever added (docs/adr/0017).
  compatibility: 'BACKWARD',
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

/** Topics whose invalid records become dead letters, and where these go. */
export const deadLetterTopics: readonly { topic: string; source: string }[] = consumedStreams.map((topic) => ({
  topic: deadLetters(topic).name,
  source: topic.name,
}));

/** What `dlq replay` has put back (docs/adr/0021); one partition, because its order is what decides. */
export const replayLedger: Topic = { name: 'dlq.replays', key: 'entry', partitions: 1, cleanup: 'compact' };

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
  airflow: "Airflow's own state",
} as const;

export const replication = { publication: 'lambda_cdc', slot: 'lambda_cdc', connector: 'postgres-cdc' } as const;

export const bucket = 'lake';

export interface LakeTable {
  name: string;
  topic: string;
  /** File in schemas/ of the topic's value. */
  schema: string;
  kind: 'events' | 'changes';
  /** Iceberg partition transforms. */
  partitionedBy: readonly string[];
}

/** Iceberg tables, one a topic; docs/batch-layer.md has their columns. */
export const lake = {
  catalog: 'lake',
  namespace: 'lake',
  /** Below the bucket. */
  warehousePath: 'iceberg',
  stagePath: 'stage',
  connector: 'lake-sink',
  controlTopic: 'lake.control',
  /** Records that do not fit their schema's types. */
  rejected: 'rejected',
  /** The records as they came: the archive that Spark writes. */
  records: 'records',
  tables: [
    {
      name: 'user_events',
      topic: 'user_events',
      schema: 'user_event.schema.json',
      kind: 'events',
      partitionedBy: ['day(timestamp)', 'event_type'],
    },
    {
      name: 'transactions',
      topic: 'transactions',
      schema: 'transaction.schema.json',
      kind: 'events',
      partitionedBy: ['day(created_at)'],
    },
    {
      name: 'external_events',
      topic: 'events.raw',
      schema: 'external_event.schema.json',
      kind: 'events',
      partitionedBy: ['day(timestamp)', 'event_type'],
    },
    {
      name: 'cdc_users',
      topic: 'cdc.postgres.users',
      schema: 'user.schema.json',
      kind: 'changes',
      partitionedBy: [],
    },
    {
      name: 'cdc_products',
      topic: 'cdc.postgres.products',
      schema: 'product.schema.json',
      kind: 'changes',
      partitionedBy: [],
    },
    {
      name: 'cdc_transactions',
      topic: 'cdc.postgres.transactions',
      schema: 'transaction.schema.json',
      kind: 'changes',
      partitionedBy: ['day(created_at)'],
    },
  ] satisfies readonly LakeTable[],
} as const;

/** docs/batch-layer.md has the columns. */
export const warehouse = {
  database: 'LAMBDA',
  schemas: { raw: 'RAW', staging: 'STAGING', marts: 'MARTS' },
  stage: 'LAKE_STAGE',
  /** RAW tables that hold a date's rows, and the column of their event time. */
  dated: [
    { table: 'USER_EVENTS', id: 'EVENT_ID', time: 'TIMESTAMP' },
    { table: 'TRANSACTIONS', id: 'TRANSACTION_ID', time: 'CREATED_AT' },
    { table: 'EXTERNAL_EVENTS', id: 'EVENT_ID', time: 'TIMESTAMP' },
  ],
  /** RAW tables that hold the last state of every key. */
  dimensions: ['USERS', 'PRODUCTS', 'SHOP_TRANSACTIONS'],
} as const;

export const clickhouse = {
  database: 'lambda',
  tables: ['user_events_realtime', 'transactions_realtime', 'events_speed'],
  /** The schema whose fields are a table's columns. */
  schemaOf: {
    user_events_realtime: 'user_event.schema.json',
    transactions_realtime: 'transaction.schema.json',
    events_speed: 'external_event.schema.json',
  },
  views: [
    'user_activity_summary_mv',
    'conversion_funnel_mv',
    'product_performance_mv',
    'tier_activity_mv',
    'sessions_realtime',
    'events_by_minute_mv',
    'revenue_by_minute_mv',
    'session_summary_mv',
  ],
} as const;

/** Streaming queries of the speed layer, by Spark's queryName. */
export const speedQueries = ['speed'] as const;
