import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { statementsOf } from '../../src/operations/provision/clickhouse.ts';
import { loadSchema } from '../../src/operations/provision/schemas.ts';
import { createTable } from '../../src/operations/provision/shop-ddl.ts';
import { cdcTables, clickhouse, topics } from '../../src/platform/pipeline.ts';

const root = join(import.meta.dirname, '../..');
const schema = (file: string) => loadSchema(join(root, 'schemas', file));
const migrations = readdirSync(join(root, 'templates/clickhouse/migrations'))
  .sort()
  .flatMap((file) => statementsOf(readFileSync(join(root, 'templates/clickhouse/migrations', file), 'utf8')));

/** Column names of a table as the migrations create it. */
function columnsOf(table: string): string[] {
  const create = migrations.find((sql) =>
    new RegExp(`CREATE TABLE IF NOT EXISTS ${clickhouse.database}\\.${table}\\b`).test(sql),
  );
  const body = create?.slice(create.indexOf('(') + 1) ?? '';
  return [...body.matchAll(/^ {4}([a-z_]+) [A-Z]/gm)].map(([, name]) => name ?? '');
}

describe('schemas', () => {
  it('are valid JSON Schemas of draft 2020-12, each property with a type', async () => {
    const ajv = new Ajv2020({
      strict: true,
      allowUnionTypes: true,
      strictTypes: false,
      validateFormats: false,
      keywords: ['x-decimal'],
    });
    for (const file of readdirSync(join(root, 'schemas'))) {
      const resolved = await schema(file);
      expect(ajv.validateSchema(resolved), file).toBe(true);
      for (const [name, property] of Object.entries(resolved.properties ?? {})) {
        expect(property.type, `${file} ${name}`).toBeDefined();
      }
    }
  });

  it('have a topic each, and every topic’s schema exists', async () => {
    for (const { name, schema: file, key } of topics) {
      if (file === undefined) continue;
      const { properties = {} } = await schema(file);
      expect(Object.keys(properties), name).toContain(key);
    }
  });
});

describe('a field added to schemas/ and nowhere else', () => {
  const tables = {
    user_events_realtime: 'user_event.schema.json',
    transactions_realtime: 'transaction.schema.json',
    events_speed: 'external_event.schema.json',
  };

  it('is missed in ClickHouse’s tables', async () => {
    for (const [table, file] of Object.entries(tables)) {
      const columns = columnsOf(table);
      const fields = Object.keys((await schema(file)).properties ?? {});
      expect(columns, table).toEqual(expect.arrayContaining(fields));
    }
  });

  it('reaches PostgreSQL by itself, with its type', async () => {
    for (const { table, schema: file, key } of cdcTables) {
      const ddl = createTable(table, key, await schema(file));
      expect(ddl).toContain(`${key} uuid primary key`);
      expect(ddl).not.toContain('undefined');
    }
    const ddl = createTable('transactions', 'transaction_id', await schema('transaction.schema.json'));
    expect(ddl).toContain('total_amount numeric(10, 2) not null check (total_amount >= 0)');
    expect(ddl).toContain(
      "status text not null check (status in ('pending', 'completed', 'failed', 'refunded', 'cancelled'))",
    );
    expect(createTable('users', 'user_id', await schema('user.schema.json'))).toContain('last_login timestamptz(3)\n');
  });
});
