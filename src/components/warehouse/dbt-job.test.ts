import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Profile, resolveProfile } from '../../platform/profile.ts';
import type { RenderContext } from '../contract.ts';
import { loopbackNetwork } from '../network.ts';
import { dbtJob } from './dbt-job.ts';

const root = join(import.meta.dirname, '../../..');
const lite = await resolveProfile('lite', async (name) => {
  const path = `profiles/${name}.yaml`;
  return { path, text: readFileSync(join(root, path), 'utf8') };
});
const contextOf = (profile: Profile): RenderContext =>
  // What a pure job may look at; the rest is not for it.
  ({
    stack: 'test',
    profile,
    ...loopbackNetwork,
    port: () => 18_090,
    user: (id: string) => (id === 'warehouse.dbt' ? 'LAMBDA_DBT' : 'ADA'),
    secret: (id: string) => `secret-of-${id}`,
    artifact: (name: string) => ({ root: `/artifacts/${name}`, classPath: [] }),
    dir: (instance: string, kind: string) => `/stack/${instance}/${kind}`,
    projectDir: (kind: string) => `/project/${kind}`,
    python: '/usr/bin/python3',
  }) as unknown as RenderContext;

describe('the dbt job', () => {
  const { command, files } = dbtJob.render(contextOf(lite), ['build', '--vars', '{"date":"2026-11-20"}']);

  it('hands dbt’s arguments on and writes nothing beside the sources', () => {
    expect(command.args.slice(-4)).toEqual(['dbt.cli.main', 'build', '--vars', '{"date":"2026-11-20"}']);
    expect(files).toEqual([]);
    expect(command.cwd).toBe('/project/dags-repo/dbt');
    for (const room of ['DBT_TARGET_PATH', 'DBT_LOG_PATH']) expect(command.env[room]).toMatch(/^\/stack\/dbt\/cache\//);
    expect(command.env.PYTHONDONTWRITEBYTECODE).toBe('1');
  });

  it('logs in as the role that transforms, its password in the environment only', () => {
    expect(command.env).toMatchObject({
      LAMBDA_WAREHOUSE_TARGET: 'embedded',
      LAMBDA_WAREHOUSE_USER: 'LAMBDA_DBT',
      LAMBDA_WAREHOUSE_PASSWORD: 'secret-of-warehouse.dbt',
      LAMBDA_WAREHOUSE_DATABASE: 'LAMBDA',
    });
    expect(JSON.stringify(command.args)).not.toContain('secret-of');
  });

  it('goes to an account with its key', () => {
    const target = {
      target: 'snowflake',
      account: 'org-acc',
      user: 'ADA',
      role: 'R',
      warehouse: 'W',
      database: 'LAMBDA',
    } as const;
    const { env } = dbtJob.render(contextOf({ ...lite, warehouse: target }), ['debug']).command;
    expect(env).toMatchObject({
      LAMBDA_WAREHOUSE_TARGET: 'snowflake',
      LAMBDA_WAREHOUSE_ACCOUNT: 'org-acc',
      LAMBDA_WAREHOUSE_PRIVATE_KEY: 'secret-of-account.snowflake',
    });
    expect(env.LAMBDA_WAREHOUSE_PASSWORD).toBeUndefined();
  });

  it('sets every variable that profiles.yml and the macros cannot do without', () => {
    const profiles = readFileSync(join(root, 'dags-repo/dbt/profiles.yml'), 'utf8');
    const names = [...profiles.matchAll(/env_var\('([A-Z_]+)'/g)].map(([, name]) => name ?? '');
    const { env } = command;
    const account = dbtJob.render(
      contextOf({
        ...lite,
        warehouse: { target: 'snowflake', account: 'a', user: 'u', role: 'r', warehouse: 'w', database: 'd' },
      }),
      [],
    ).command.env;
    // A key comes by value, never by path; the virtual warehouse is an account's.
    const others = ['LAMBDA_WAREHOUSE_PRIVATE_KEY_PATH', 'LAMBDA_WAREHOUSE_PRIVATE_KEY_PASSPHRASE'];
    for (const name of names) if (!others.includes(name)) expect({ ...env, ...account }, name).toHaveProperty(name);
  });
});
