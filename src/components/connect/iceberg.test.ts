import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lake, topics } from '../../platform/pipeline.ts';
import { type Profile, resolveProfile } from '../../platform/profile.ts';
import { type LakeSink, lakeSinkConfig, lakeVariables } from './iceberg.ts';

const root = join(import.meta.dirname, '../../..');
const profile = await resolveProfile('lite', async (name) => {
  const path = join(root, `profiles/${name}.yaml`);
  return { path, text: readFileSync(path, 'utf8') };
});
const schemas = Object.fromEntries(
  lake.tables.map(({ schema }) => [schema, JSON.parse(readFileSync(join(root, 'schemas', schema), 'utf8'))]),
);
const configOf = (settings: Partial<Profile['lake']>, change: Partial<LakeSink> = {}) =>
  lakeSinkConfig({
    catalogUrl: 'jdbc:postgresql://127.0.0.1:15432/lake',
    catalogUser: 'lake',
    clients: {},
    bootstrapServers: '127.0.0.1:19092',
    endpoint: 'http://127.0.0.1:19000',
    settings: { ...profile.lake, ...settings },
    schemas,
    ...change,
  });
const config = configOf({});

describe('the configuration of the lake sink', () => {
  it('names secrets by variables only', () => {
    const secret = Object.entries(config).filter(([key]) => /password|access-key|secret/.test(key));
    expect(secret.map(([, value]) => value).sort()).toEqual(
      Object.values(lakeVariables)
        .map((name) => `\${env:${name}}`)
        .sort(),
    );
  });

  it('leads every route to exactly one table, and every table is one that the sink writes', () => {
    const tables = config['iceberg.tables']?.split(',') ?? [];
    const patterns = tables.map((table) => new RegExp(`^(${config[`iceberg.table.${table}.route-regex`]})$`));
    for (const name of [...lake.tables.map((table) => table.name), lake.rejected]) {
      expect(patterns.filter((pattern) => pattern.test(name))).toHaveLength(1);
      expect(tables).toContain(`${lake.namespace}.${name}`);
    }
  });

  it('subscribes to the topics it declares a table for, and to no other', () => {
    const { tables } = JSON.parse(config['lake.declaration'] ?? '');
    expect(config.topics?.split(',')).toEqual(tables.map((table: { topic: string }) => table.topic));
  });

  it('declares the key of captured tables, which is all that a delete brings', () => {
    const { tables } = JSON.parse(config['lake.declaration'] ?? '');
    for (const { topic, kind, key, schema } of tables) {
      expect(key).toBe(kind === 'changes' ? topics.find(({ name }) => name === topic)?.key : undefined);
      if (kind === 'changes') expect(Object.keys(schema.properties)).toContain(key);
    }
  });

  it('changes with a schema, so that Connect starts the connector anew', () => {
    const changed = structuredClone(schemas);
    changed['user_event.schema.json'].properties.referrer = { type: 'string' };
    expect(configOf({}, { schemas: changed })).not.toEqual(config);
  });

  it('writes to the bucket, region and prefix of a real account', () => {
    const storage = { kind: 's3', bucket: 'shop-lake', region: 'eu-central-1', prefix: 'prod/' } as const;
    const real = configOf({ storage }, { endpoint: null });
    expect(real['iceberg.catalog.warehouse']).toBe('s3://shop-lake/prod/iceberg');
    expect(real['iceberg.catalog.client.region']).toBe('eu-central-1');
    expect(Object.keys(real).filter((key) => /endpoint|path-style/.test(key))).toEqual([]);
  });
});
