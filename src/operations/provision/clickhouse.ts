import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { usageError } from '../../core/errors.ts';
import { clickhouse as layout } from '../../platform/pipeline.ts';
import { type ClickHouseClient, openClickHouse } from '../../probes/clickhouse.ts';
import { entriesOf, readIfExists } from '../../system/files.ts';
import type { ProvisionContext } from './context.ts';
import { type JsonSchema, loadSchema } from './schemas.ts';

interface Migration {
  /** File name without its ending, e.g. "0001_user_events_realtime". */
  version: string;
  checksum: string;
  statements: readonly string[];
}

/**
 * Applies templates/clickhouse/migrations in order, each once.
 * @throws LambdaError MIGRATION_CHANGED when an applied file differs from what was applied
 */
export async function provisionClickhouse({ runtime, projectRoot }: ProvisionContext): Promise<string> {
  const server = await runtime.endpoint('clickhouse', 'admin');
  const migrations = await readMigrations(join(projectRoot, 'templates', 'clickhouse', 'migrations'));
  const client = openClickHouse(server, 'default');
  try {
    const applied = await appliedMigrations(client);
    let count = 0;
    for (const migration of migrations) {
      const checksum = applied.get(migration.version);
      if (checksum === undefined) {
        await apply(client, migration);
        count += 1;
      } else if (checksum !== migration.checksum) throw changed(migration);
    }
    const added = await addNewFields(client, join(projectRoot, 'schemas'));
    const columns = added.length === 0 ? '' : `, new columns ${added.join(', ')}`;
    return `${count > 0 ? `${count} migrations applied` : `schema ${migrations.at(-1)?.version ?? 'empty'}`}${columns}`;
  } finally {
    await client.close();
  }
}

/**
 * A column for every optional field that a schema has got since: such a field flows by itself. Everything else about a table is a
 * migration's. @returns "table.column" of what was added
 */
async function addNewFields(client: ClickHouseClient, schemas: string): Promise<string[]> {
  const added: string[] = [];
  for (const [table, file] of Object.entries(layout.schemaOf)) {
    const { properties = {}, required = [] } = await loadSchema(join(schemas, file));
    const present = await client.rows<{ name: string }>(
      `SELECT name FROM system.columns WHERE database = '${layout.database}' AND table = '${table}'`,
    );
    const names = new Set(present.map(({ name }) => name));
    for (const [name, field] of Object.entries(properties)) {
      if (names.has(name) || required.includes(name)) continue;
      await client.command(
        `ALTER TABLE ${layout.database}.${table} ADD COLUMN IF NOT EXISTS ${name} ${columnType(field)}`,
      );
      added.push(`${table}.${name}`);
    }
  }
  return added;
}

/** Type of an optional field's column; dags-repo/spark/README.md says what the speed job can fill. */
export function columnType({ type, format, 'x-decimal': decimal }: JsonSchema): string {
  const types = [type].flat();
  if (decimal !== undefined) return `Nullable(Decimal(${decimal.join(', ')}))`;
  if (types.includes('integer')) return 'Nullable(Int64)';
  if (types.includes('number')) return 'Nullable(Float64)';
  if (types.includes('boolean')) return 'Nullable(Bool)';
  if (format === 'date-time') return 'Nullable(DateTime64(3))';
  return format === 'uuid' ? 'Nullable(UUID)' : 'Nullable(String)';
}

const journal = `${layout.database}.schema_migrations`;

async function appliedMigrations(client: ClickHouseClient): Promise<Map<string, string>> {
  await client.command(`CREATE DATABASE IF NOT EXISTS ${layout.database}`);
  await client.command(`CREATE TABLE IF NOT EXISTS ${journal}
    (version String, checksum String, applied_at DateTime64(3) DEFAULT now64(3)) ENGINE = MergeTree ORDER BY version`);
  const rows = await client.rows<{ version: string; checksum: string }>(`SELECT version, checksum FROM ${journal}`);
  return new Map(rows.map(({ version, checksum }) => [version, checksum]));
}

/** Statements are idempotent: one that was cut between the last statement and the journal is simply run again. */
async function apply(client: ClickHouseClient, { version, checksum, statements }: Migration): Promise<void> {
  for (const statement of statements) await client.command(statement);
  await client.command(`INSERT INTO ${journal} (version, checksum) VALUES ('${version}', '${checksum}')`);
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await entriesOf(directory)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = (await readIfExists(join(directory, name))) ?? '';
      return {
        version: name.replace(/\.sql$/, ''),
        checksum: createHash('sha256').update(text).digest('hex'),
        statements: statementsOf(text),
      };
    }),
  );
}

/** Statements end with ";" at the end of a line; comment lines are left out. */
export function statementsOf(sql: string): string[] {
  return sql
    .replaceAll(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

function changed({ version }: Migration) {
  return usageError(`Migration ${version} was applied and has been changed since.`, {
    code: 'MIGRATION_CHANGED',
    details: { version },
    actions: ['Restore the file, and put the change into a new migration with the next number.'],
  });
}
