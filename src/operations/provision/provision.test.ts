import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cdcTables, topics } from '../../platform/pipeline.ts';
import { statementsOf } from './clickhouse.ts';
import { loadSchema } from './schemas.ts';
import { addColumns, createTable } from './shop-ddl.ts';

const schemas = join(import.meta.dirname, '../../../schemas');
const ddlOf = async (table: (typeof cdcTables)[number]) =>
  createTable(table.table, table.key, await loadSchema(join(schemas, table.schema)));

describe("the shop's tables", () => {
  it('have one column a property, typed and checked as the schema says', async () => {
    const [users, products, transactions] = await Promise.all(cdcTables.map(ddlOf));
    expect(users).toContain('user_id uuid primary key');
    expect(users).toContain("tier text not null check (tier in ('bronze', 'silver', 'gold', 'platinum'))");
    expect(users).toMatch(/last_login timestamptz\(3\),?$/m);
    expect(users).toContain('is_active boolean not null');
    expect(products).toContain('price numeric(10, 2) not null check (price >= 0)');
    expect(transactions).toContain('quantity integer not null check (quantity >= 1)');
    for (const { table, schema } of cdcTables) {
      const names = Object.keys((await loadSchema(join(schemas, schema))).properties ?? {});
      const ddl = [users, products, transactions].find((text) => text?.includes(` ${table} (`));
      expect(ddl?.match(/^ {2}\w+/gm)?.map((name) => name.trim())).toEqual(names);
    }
  });

  it('get what a schema has gained as nullable columns', () => {
    const schema = { properties: { id: { format: 'uuid' }, note: { type: 'string' } }, required: ['id', 'note'] };
    expect(addColumns('t', schema, new Set(['id']))).toEqual(['alter table t add column note text']);
  });
});

it('takes in what a schema refers to', async () => {
  const processed = await loadSchema(join(schemas, 'processed_event.schema.json'));
  expect(Object.keys(processed.properties ?? {})).toEqual(expect.arrayContaining(['event_id', 'user_tier']));
  expect(processed.required).toEqual(expect.arrayContaining(['event_id', 'user_tier']));
  expect(JSON.stringify(processed)).not.toContain('$ref');
});

it('knows a file for every declared schema', () => {
  const files = readdirSync(schemas);
  expect(files).toEqual(expect.arrayContaining([...topics.flatMap(({ schema }) => schema ?? [])]));
});

it('splits a migration at semicolons that end a line', () => {
  const sql = "-- a comment; with one\nCREATE TABLE t (a String DEFAULT 'x;y');\n\nINSERT INTO t\nVALUES ('b');\n";
  expect(statementsOf(sql)).toEqual(["CREATE TABLE t (a String DEFAULT 'x;y')", "INSERT INTO t\nVALUES ('b')"]);
});
