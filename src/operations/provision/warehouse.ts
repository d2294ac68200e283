import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { usageError } from '../../core/errors.ts';
import { bucket, lake, warehouse as layout } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import type { WarehouseClient } from '../../probes/snowflake.ts';
import { entriesOf, readIfExists } from '../../system/files.ts';
import { withWarehouse } from '../warehouse.ts';
import { statementsOf } from './clickhouse.ts';
import type { ProvisionContext } from './context.ts';
import { type JsonSchema, loadSchema } from './schemas.ts';

/**
 * Applies templates/warehouse/migrations in order, each once, to the stand-in or to the profile's Snowflake account.
 * @throws LambdaError MIGRATION_CHANGED when an applied file differs from what was applied; WAREHOUSE_INTEGRATION
 */
export async function provisionWarehouse({ runtime, profile, projectRoot }: ProvisionContext): Promise<string> {
  return withWarehouse(runtime, profile, 'admin', async (client) => {
    const database = profile.warehouse.target === 'snowflake' ? profile.warehouse.database : layout.database;
    await makeDatabase(client, profile, database);
    const applied = await applyMigrations(
      client,
      join(projectRoot, 'templates', 'warehouse', 'migrations'),
      stageOf(profile),
    );
    const added = await addNewFields(client, join(projectRoot, 'schemas'));
    return added.length === 0 ? applied : `${applied}, new columns ${added.join(', ')}`;
  });
}

async function makeDatabase(client: WarehouseClient, profile: Profile, database: string): Promise<void> {
  if (profile.warehouse.target === 'snowflake') await makeVirtualWarehouse(client, profile.warehouse.warehouse);
  await client.command(`CREATE DATABASE IF NOT EXISTS ${database}`);
  await client.command(`CREATE SCHEMA IF NOT EXISTS ${database}.${layout.schemas.raw}`);
  await client.command(`USE SCHEMA ${database}.${layout.schemas.raw}`);
}

/** The smallest there is, asleep after five minutes; one that is there already keeps its settings. */
async function makeVirtualWarehouse(client: WarehouseClient, name: string): Promise<void> {
  const found = await client.rows(`SHOW WAREHOUSES LIKE '${name.replaceAll("'", "''")}'`);
  if (found.length === 0) {
    await client.command(
      `CREATE WAREHOUSE ${name} WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 300 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE`,
    );
  }
  await client.command(`USE WAREHOUSE ${name}`);
}

/** What follows CREATE STAGE …: the only part of the migrations that differs. */
export function stageOf({ warehouse, lake: { storage } }: Profile): string {
  const root =
    storage.kind === 's3' ? [storage.bucket, ...storage.prefix.split('/').filter((part) => part !== '')] : [bucket];
  const url = `URL = 's3://${[...root, lake.stagePath].join('/')}/'`;
  if (warehouse.target === 'embedded') return url;
  if (storage.kind !== 's3' || warehouse.storageIntegration === undefined) {
    throw usageError('Snowflake reads the stage from a bucket that it can reach, through a storage integration.', {
      code: 'WAREHOUSE_INTEGRATION',
      actions: [
        'Set lake.storage to { kind: s3, bucket, region } and warehouse.storageIntegration in the profile.',
        'templates/warehouse/snowflake_account.sql makes the integration.',
      ],
    });
  }
  return `${url} STORAGE_INTEGRATION = ${warehouse.storageIntegration}`;
}

/** @param directory files NNNN_name.sql; {{stage}} in them is replaced @returns one line about what it did */
export async function applyMigrations(client: WarehouseClient, directory: string, stage: string): Promise<string> {
  const journal = `${layout.schemas.raw}.SCHEMA_MIGRATIONS`;
  await client.command(`CREATE TABLE IF NOT EXISTS ${journal} (
    VERSION STRING NOT NULL, CHECKSUM STRING NOT NULL, APPLIED_AT TIMESTAMP_NTZ(6) DEFAULT CURRENT_TIMESTAMP(), PRIMARY KEY (VERSION))`);
  const applied = new Map(
    (await client.rows(`SELECT VERSION, CHECKSUM FROM ${journal}`)).map((row) => [row.VERSION, row.CHECKSUM]),
  );
  const names = (await entriesOf(directory)).filter((name) => name.endsWith('.sql')).sort();
  let [count, last] = [0, 'empty'];
  for (const name of names) {
    const text = (await readIfExists(join(directory, name))) ?? '';
    const [version, checksum] = [name.replace(/\.sql$/, ''), createHash('sha256').update(text).digest('hex')];
    last = version;
    if (applied.has(version)) {
      if (applied.get(version) !== checksum) throw changed(version);
      continue;
    }
    // Statements are idempotent: one that was cut between the last statement and the journal is simply run again.
    for (const statement of statementsOf(text)) await client.command(statement.replaceAll('{{stage}}', stage));
    await client.command(`INSERT INTO ${journal} (VERSION, CHECKSUM) VALUES (?, ?)`, [version, checksum]);
    count += 1;
  }
  return count > 0 ? `${count} migrations applied` : `schema ${last}`;
}

/** RAW tables and the schema whose fields their columns are. */
const schemaOf = {
  USER_EVENTS: 'user_event.schema.json',
  TRANSACTIONS: 'transaction.schema.json',
  EXTERNAL_EVENTS: 'external_event.schema.json',
  USERS: 'user.schema.json',
  PRODUCTS: 'product.schema.json',
  SHOP_TRANSACTIONS: 'transaction.schema.json',
} as const;

/** A column for every optional field that a schema has got since, as for ClickHouse: COPY fills it by its name. */
async function addNewFields(client: WarehouseClient, schemas: string): Promise<string[]> {
  const { raw } = layout.schemas;
  const columns = await client.rows(
    `SELECT TABLE_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = '${raw}'`,
  );
  const present = new Set(columns.map((row) => `${row.TABLE_NAME}.${row.COLUMN_NAME}`));
  const added: string[] = [];
  for (const [table, file] of Object.entries(schemaOf)) {
    const { properties = {} } = await loadSchema(join(schemas, file));
    for (const [name, field] of Object.entries(properties)) {
      const column = `${table}.${name.toUpperCase()}`;
      if (present.has(column)) continue;
      await client.command(`ALTER TABLE ${raw}.${table} ADD COLUMN ${name.toUpperCase()} ${columnType(field)}`);
      added.push(column);
    }
  }
  return added;
}

/** Objects and arrays are kept as their JSON text. */
export function columnType({ type, format, 'x-decimal': decimal }: JsonSchema): string {
  const types = [type].flat();
  if (decimal !== undefined) return `NUMBER(${decimal.join(', ')})`;
  if (types.includes('integer')) return 'NUMBER(38, 0)';
  if (types.includes('number')) return 'FLOAT';
  if (types.includes('boolean')) return 'BOOLEAN';
  return format === 'date-time' ? 'TIMESTAMP_NTZ(6)' : 'STRING';
}

function changed(version: string) {
  return usageError(`Migration ${version} of the warehouse was applied and has been changed since.`, {
    code: 'MIGRATION_CHANGED',
    details: { version },
    actions: ['Restore the file, and put the change into a new migration with the next number.'],
  });
}
