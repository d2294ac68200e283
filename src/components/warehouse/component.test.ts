import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Profile, resolveProfile } from '../../platform/profile.ts';
import type { RenderContext } from '../contract.ts';
import { loopbackNetwork } from '../network.ts';
import { warehouse } from './component.ts';

const root = join(import.meta.dirname, '../../..');
const lite = await resolveProfile('lite', async (name) => {
  const path = `profiles/${name}.yaml`;
  return { path, text: readFileSync(join(root, path), 'utf8') };
});

const account: Profile = {
  ...lite,
  warehouse: { target: 'snowflake', account: 'a-b', user: 'U', role: 'R', warehouse: 'W', database: 'LAMBDA' },
};

const contextOf = (profile: Profile): RenderContext => ({
  stack: 'test',
  profile,
  ...loopbackNetwork,
  certificates: null,
  port: (id) => (id === 'warehouse.http' ? 18090 : 19000),
  user: (id) => warehouse.credentials.find((need) => need.id === id)?.user ?? 'KEY',
  secret: (id) => `secret-of-${id}`,
  artifact: (name) => ({ root: `/artifacts/${name}`, classPath: [] }),
  dir: (instance, kind) => `/stack/${instance}/${kind}`,
  projectDir: (kind) => `/project/${kind}`,
  projectHash: () => 'hash',
  template: () => '',
  python: '/usr/bin/python3',
});

it('gives the server its budget and every user a password by environment alone', () => {
  const { files, service } = warehouse.render(contextOf(lite), 'warehouse');
  const settings = JSON.parse(files[0]?.content ?? '');
  expect(settings.memoryMiB).toBe(lite.components.warehouse.memoryMiB - 240);
  expect(files[0]?.content).not.toContain('secret-of');
  for (const { name, role, passwordVariable } of settings.users) {
    expect(settings.roles).toHaveProperty(role);
    expect(service.command.env).toHaveProperty(passwordVariable, expect.stringContaining('secret-of-warehouse.'));
    expect(name).toBe(role);
  }
  expect(warehouse.endpoints(contextOf(lite)).map(({ protocol }) => protocol)).toEqual([
    'snowflake',
    'admin',
    'load',
    'dbt',
  ]);
});

it('is not there when the profile names an account', () => {
  expect([warehouse.instances(account), warehouse.ports(account), warehouse.endpoints(contextOf(account))]).toEqual([
    [],
    [],
    [],
  ]);
});

it('refuses a stage that it cannot read', () => {
  const storage = { kind: 's3' as const, bucket: 'mine', region: 'eu-central-1', prefix: '' };
  const context = contextOf({ ...lite, lake: { ...lite.lake, storage } });
  expect(() => warehouse.render(context, 'warehouse')).toThrow(expect.objectContaining({ code: 'WAREHOUSE_STORAGE' }));
});

it('lets the server leave loopback only where a network decides who may connect', () => {
  const settingsOf = (context: RenderContext) =>
    JSON.parse(warehouse.render(context, 'warehouse').files[0]?.content ?? '');
  expect(settingsOf(contextOf(lite))).toMatchObject({ host: '127.0.0.1', anyAddress: false });
  expect(settingsOf({ ...contextOf(lite), listenHost: '0.0.0.0' })).toMatchObject({
    host: '0.0.0.0',
    anyAddress: true,
  });
});
