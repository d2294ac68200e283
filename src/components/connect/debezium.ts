import { cdcTables, replication, topics } from '../../platform/pipeline.ts';
import { authorityFile } from './authority.ts';

/** Environment variable of the Connect worker that holds the database password; the connector only names it. */
export const databasePasswordVariable = 'LAMBDACTL_CDC_PASSWORD';

/** Schema and table in the shop's database that the heartbeat writes; in the publication, so that the slot moves on. */
export const heartbeat = { schema: 'lambda', table: 'heartbeat' } as const;

export interface CdcSource {
  host: string;
  port: number;
  user: string;
  database: string;
  /** The server speaks TLS, with a certificate of the stack's authority. */
  verified: boolean;
  /** Of topics that Connect makes itself (the heartbeat's). */
  replicationFactor: number;
}

const prefix = 'cdc';

/**
 * Configuration of the connector that turns changes of the shop's tables into records of cdc.postgres.*: key the plain id,
 * value the row as its JSON Schema says, a tombstone for a deleted row. The operation, its commit time and its WAL position
 * travel in the headers __op, __source_ts_ms and __source_lsn.
 */
export function debeziumConfig(source: CdcSource): Readonly<Record<string, string>> {
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    ...capture(source),
    ...records(),
    ...transforms(),
    // A database or broker that is away is asked again soon, and for ever.
    'errors.max.retries': '-1',
    'retriable.restart.connector.wait.ms': '2000',
    'producer.override.compression.type': 'lz4',
    'producer.override.linger.ms': '5',
    'producer.override.batch.size': '131072',
    'producer.override.delivery.timeout.ms': '2147483647',
    'topic.creation.default.replication.factor': String(source.replicationFactor),
    'topic.creation.default.partitions': '1',
    'topic.creation.default.cleanup.policy': 'compact',
  };
}

function capture({ host, port, user, database, verified }: CdcSource): Record<string, string> {
  return {
    'database.hostname': host,
    'database.port': String(port),
    'database.user': user,
    'database.password': `\${env:${databasePasswordVariable}}`,
    'database.dbname': database,
    ...(verified
      ? { 'database.sslmode': 'verify-full', 'database.sslrootcert': authorityFile }
      : { 'database.sslmode': 'disable' }),
    'plugin.name': 'pgoutput',
    'publication.name': replication.publication,
    'publication.autocreate.mode': 'disabled',
    'slot.name': replication.slot,
    'topic.prefix': prefix,
    'table.include.list': cdcTables.map(({ table }) => `public.${table}`).join(','),
    // As "initial", and again when the slot was given up because the connector stayed away for too long.
    'snapshot.mode': 'when_needed',
    'snapshot.fetch.size': '5000',
    'poll.interval.ms': '50',
    'max.batch.size': '4096',
    'max.queue.size': '16384',
    'max.queue.size.in.bytes': '33554432',
    // Without writes of its own an idle database would hold back WAL for ever.
    'heartbeat.interval.ms': '10000',
    'heartbeat.action.query': `INSERT INTO ${heartbeat.schema}.${heartbeat.table} (id, at) VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET at = now()`,
  };
}

function records(): Record<string, string> {
  return {
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    // Exact decimals, written as JSON numbers.
    'decimal.handling.mode': 'precise',
    'value.converter.decimal.format': 'NUMERIC',
    // timestamptz comes as ISO 8601 text in UTC whatever is set here.
    'time.precision.mode': 'connect',
    'tombstones.on.delete': 'true',
    'extended.headers.enabled': 'false',
  };
}

function transforms(): Record<string, string> {
  const keys = cdcTables.map(({ table, key }) => ({ table, key, name: `key_${table}` }));
  return {
    transforms: ['unwrap', 'route', ...keys.map(({ name }) => name)].join(','),
    'transforms.unwrap.type': 'io.debezium.transforms.ExtractNewRecordState',
    // Of all the modes the one whose null is null: "tombstone" leaves a schema behind, which becomes the text "null".
    'transforms.unwrap.delete.tombstone.handling.mode': 'delete-to-tombstone',
    'transforms.unwrap.add.headers': 'op,source.ts_ms,source.lsn',
    'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
    'transforms.route.regex': `${prefix}\\.public\\.(.*)`,
    'transforms.route.replacement': 'cdc.postgres.$1',
    predicates: keys.map(({ name }) => name).join(','),
    ...Object.fromEntries(
      keys.flatMap(({ name, table, key }) => [
        [`transforms.${name}.type`, 'org.apache.kafka.connect.transforms.ExtractField$Key'],
        [`transforms.${name}.field`, key],
        [`transforms.${name}.predicate`, name],
        [`predicates.${name}.type`, 'org.apache.kafka.connect.transforms.predicates.TopicNameMatches'],
        [`predicates.${name}.pattern`, topicOf(table).replaceAll('.', '\\.')],
      ]),
    ),
  };
}

/** The declared topic of a table. */
function topicOf(table: string): string {
  const found = topics.find(({ name }) => name === `cdc.postgres.${table}`);
  if (found === undefined) throw new Error(`table ${table} has no topic`);
  return found.name;
}
