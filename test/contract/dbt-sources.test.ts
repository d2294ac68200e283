import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dbtSchemaFiles } from '../../src/operations/dbt-schemas.ts';

const root = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'dbt-schemas-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const macro = 'dags-repo/dbt/macros/schemas.sql';
const sources = 'dags-repo/dbt/models/sources.yml';

describe('the dbt project and schemas/', () => {
  it('agree; else run `node scripts/dbt-schemas.ts`', async () => {
    for (const [path, content] of Object.entries(await dbtSchemaFiles(join(root, 'schemas')))) {
      expect(readFileSync(join(root, path), 'utf8'), path).toBe(content);
    }
  });

  it('carry a field that is added to a schema into columns and checks', async () => {
    cpSync(join(root, 'schemas'), scratch, { recursive: true });
    const file = join(scratch, 'user_event.schema.json');
    const schema = JSON.parse(readFileSync(file, 'utf8'));
    schema.properties.campaign_id = { type: ['string', 'null'], format: 'uuid' };
    schema.properties.device_type.enum.push('watch');
    writeFileSync(file, JSON.stringify(schema));
    const files = await dbtSchemaFiles(scratch);
    expect(files[macro]).toContain('{"name":"campaign_id","kind":"uuid","required":false}');
    expect(files[macro]).toContain('"tablet","watch"]');
    expect(files[sources]).toMatch(/- name: campaign_id\n\s+data_type: varchar\n\s+description: optional, uuid/);
  });
});

it('no model names a column of RAW by hand where the schema can', () => {
  for (const model of ['events_cleaned', 'stg_transactions', 'stg_shop_transactions', 'stg_users', 'stg_products']) {
    const sql = readFileSync(join(root, `dags-repo/dbt/models/staging/${model}.sql`), 'utf8');
    expect(sql, model).toMatch(/\{\{ schema_columns\('[a-z_]+'\) \}\}/);
  }
});
