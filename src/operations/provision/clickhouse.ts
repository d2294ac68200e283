import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { usageError } from '../../core/errors.ts';
import { clickhouse as layout } from '../../platform/pipeline.ts';
import { type ClickHouseClient, openClickHouse } from '../../probes/clickhouse.ts';
import { entriesOf, readIfExists } from '../../system/files.ts';
import type { ProvisionContext } from './context.ts';

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
    return count > 0 ? `${count} migrations applied` : `schema ${migrations.at(-1)?.version ?? 'empty'}`;
  } finally {
    await client.close();
  }
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
