import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { warehouse as layout } from '../../platform/pipeline.ts';
import { type Profile, resolveProfile } from '../../platform/profile.ts';
import { loadSchema } from './schemas.ts';
import { columnType, stageOf } from './warehouse.ts';

const root = join(import.meta.dirname, '../../..');
const lite = await resolveProfile('lite', async (name) => {
  const path = `profiles/${name}.yaml`;
  return { path, text: readFileSync(join(root, path), 'utf8') };
});
const directory = join(root, 'templates/warehouse/migrations');
const sql = readdirSync(directory)
  .map((file) => readFileSync(join(directory, file), 'utf8'))
  .join('\n');

it('points the stage at the lake', () => {
  expect(stageOf(lite)).toBe("URL = 's3://lake/stage/'");
  const storage = { kind: 's3' as const, bucket: 'b', region: 'r', prefix: '/p/' };
  const target = {
    target: 'snowflake' as const,
    account: 'a',
    user: 'u',
    role: 'r',
    warehouse: 'w',
    database: 'LAMBDA',
  };
  const account: Profile = {
    ...lite,
    lake: { ...lite.lake, storage },
    warehouse: { ...target, storageIntegration: 'I' },
  };
  expect(stageOf(account)).toBe("URL = 's3://b/p/stage/' STORAGE_INTEGRATION = I");
  expect(() => stageOf({ ...account, warehouse: target })).toThrow(
    expect.objectContaining({ code: 'WAREHOUSE_INTEGRATION' }),
  );
});

it('has a column for every field of the schemas, and where each row came from', async () => {
  const tables = {
    USER_EVENTS: 'user_event',
    TRANSACTIONS: 'transaction',
    EXTERNAL_EVENTS: 'external_event',
    USERS: 'user',
    PRODUCTS: 'product',
    SHOP_TRANSACTIONS: 'transaction',
  };
  for (const [table, schema] of Object.entries(tables)) {
    const ddl =
      new RegExp(`CREATE TABLE IF NOT EXISTS ${layout.schemas.raw}\\.${table} \\(([^;]*)`).exec(sql)?.[1] ?? '';
    const columns = [...ddl.matchAll(/^ {2}([A-Z_]+) /gm)].map(([, name]) => name);
    const { properties = {} } = await loadSchema(join(root, `schemas/${schema}.schema.json`));
    const fields = Object.keys(properties).map((name) => name.toUpperCase());
    expect(columns, table).toEqual(expect.arrayContaining([...fields, 'LOADED_AT', 'BATCH_ID', 'FILE_NAME']));
  }
});

it('gives a new field a column of its type', () => {
  expect(columnType({ type: 'number', 'x-decimal': [10, 2] })).toBe('NUMBER(10, 2)');
  expect(columnType({ type: ['integer', 'null'] })).toBe('NUMBER(38, 0)');
  expect(columnType({ type: 'string', format: 'date-time' })).toBe('TIMESTAMP_NTZ(6)');
  expect(columnType({ type: 'object' })).toBe('STRING');
});
