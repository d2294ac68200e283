import { expect, it } from 'vitest';
import { topics } from '../../platform/pipeline.ts';
import { debeziumConfig } from './debezium.ts';

const source = {
  host: '127.0.0.1',
  port: 15432,
  user: 'debezium',
  database: 'shop',
  verified: false,
  replicationFactor: 1,
};
const config = debeziumConfig(source);

it('names the password by a variable', () => {
  expect(config['database.password']).toMatch(/^\$\{env:[A-Z_]+\}$/);
});

it('verifies a server that speaks TLS, by a file that the worker names', () => {
  expect(config['database.sslmode']).toBe('disable');
  expect(debeziumConfig({ ...source, verified: true })).toMatchObject({
    'database.sslmode': 'verify-full',
    'database.sslrootcert': expect.stringMatching(/^\$\{env:LAMBDACTL_AUTHORITY_FILE\}$/),
  });
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
