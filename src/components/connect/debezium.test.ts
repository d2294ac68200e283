import { expect, it } from 'vitest';
import { topics } from '../../platform/pipeline.ts';
import { debeziumConfig } from './debezium.ts';

const config = debeziumConfig({
  host: '127.0.0.1',
  port: 15432,
  user: 'debezium',
  database: 'shop',
  replicationFactor: 1,
});

it('names the password by a variable', () => {
  expect(config['database.password']).toMatch(/^\$\{env:[A-Z_]+\}$/);
});

it('makes the declared key the record key of every captured topic', () => {
  const captured = topics.filter(({ name }) => name.startsWith('cdc.'));
  for (const { name, key } of captured) {
    const predicate = Object.entries(config).find(([, value]) => new RegExp(`^${value}$`).test(name) && value !== '.*');
    const transform = predicate?.[0].replace(/^predicates\.(.*)\.pattern$/, '$1');
    expect(config[`transforms.${transform}.field`]).toBe(key);
    expect(config.transforms?.split(',')).toContain(transform);
  }
  expect(captured.length).toBeGreaterThan(2);
});

it('routes captured tables to the declared topics', () => {
  const [from = '', to = ''] = [config['transforms.route.regex'], config['transforms.route.replacement']];
  const tables = config['table.include.list']?.split(',') ?? [];
  const routed = tables.map((table) => `cdc.${table}`.replace(new RegExp(`^${from}$`), to));
  expect(topics.map(({ name }) => name)).toEqual(expect.arrayContaining(routed));
});
