import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Profile, resolveProfile } from '../platform/profile.ts';
import { openWarehouse } from '../probes/snowflake.ts';
import { warehouseSettings } from './warehouse.ts';

const root = join(import.meta.dirname, '../..');
const lite = await resolveProfile('lite', async (name) => {
  const path = `profiles/${name}.yaml`;
  return { path, text: readFileSync(join(root, path), 'utf8') };
});
const account: Profile = {
  ...lite,
  warehouse: { target: 'snowflake', account: 'a-b', user: 'U', role: 'R', warehouse: 'W', database: 'D' },
};

it('takes the stand-in as its endpoint says, in the role of the user', () => {
  const server = { url: 'http://127.0.0.1:1', user: 'LAMBDA_READER', password: 'p' };
  expect(warehouseSettings(lite, server, {})).toEqual({
    target: 'embedded',
    ...server,
    role: 'LAMBDA_READER',
    database: 'LAMBDA',
  });
});

it('takes an account with its private key, or says that there is none', () => {
  const common = { target: 'snowflake', account: 'a-b', user: 'U', role: 'R', warehouse: 'W', database: 'D' };
  const environment = { LAMBDA_WAREHOUSE_PRIVATE_KEY_PATH: '/k.p8', LAMBDA_WAREHOUSE_PRIVATE_KEY_PASSPHRASE: 's' };
  expect(warehouseSettings(account, null, environment)).toEqual({
    ...common,
    privateKey: { path: '/k.p8', passphrase: 's' },
  });
  const sealed = { url: '', user: 'U', password: 'PEM' };
  expect(warehouseSettings(account, sealed, environment)).toEqual({ ...common, privateKey: { pem: 'PEM' } });
  expect(() => warehouseSettings(account, null, {})).toThrow(
    expect.objectContaining({ code: 'WAREHOUSE_KEY_MISSING' }),
  );
});

it('tells at once that nobody answers', async () => {
  const settings = warehouseSettings(lite, { url: 'http://127.0.0.1:9', user: 'U', password: 'p' }, {});
  await expect(openWarehouse(settings)).rejects.toThrow(
    expect.objectContaining({ code: 'WAREHOUSE_UNREACHABLE', retryable: true }),
  );
});
