import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lake, replication } from '../../platform/pipeline.ts';
import { type Profile, resolveProfile } from '../../platform/profile.ts';
import { connectorNames, declaredConnectors } from './connectors.ts';

const root = join(import.meta.dirname, '../../..');
const lite = await resolveProfile('lite', async (name) => {
  const path = join(root, `profiles/${name}.yaml`);
  return { path, text: readFileSync(path, 'utf8') };
});
const schemas = Object.fromEntries(
  lake.tables.map(({ schema }) => [schema, JSON.parse(readFileSync(join(root, 'schemas', schema), 'utf8'))]),
);
const profileWith = (archive: Profile['lake']['archive']): Profile => ({
  ...lite,
  lake: { ...lite.lake, archive },
  connect: { ...lite.connect, connectors: { mine: { 'tasks.max': '3' } } },
});

it.each([
  ['connect', [replication.connector, lake.connector, 'mine']],
  ['spark', [replication.connector, 'mine']],
] as const)('declares the connectors that %s as the archive asks for, by their names', (archive, names) => {
  const profile = profileWith(archive);
  const server = { host: '127.0.0.1', port: 15432, user: 'me' };
  const surroundings = { profile, shop: server, catalog: server, brokers: ['127.0.0.1:19092'], schemas };
  const declared = declaredConnectors({ ...surroundings, objectstore: null });
  expect(connectorNames(profile)).toEqual(names);
  expect(declared.map(({ name }) => name)).toEqual(names);
  expect(declared.at(0)?.config).toMatchObject({ 'database.port': '15432', 'database.user': 'me' });
  expect(declared.at(-1)?.config).toEqual({ 'tasks.max': '3' });
});
