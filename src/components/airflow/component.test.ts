import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Profile, resolveProfile } from '../../platform/profile.ts';
import type { RenderContext } from '../contract.ts';
import { loopbackNetwork } from '../network.ts';
import { airflow } from './component.ts';
import { environment } from './environment.ts';

const root = join(import.meta.dirname, '../../..');
const text = readFileSync(join(root, 'profiles/lite.yaml'), 'utf8');
const lite = await resolveProfile('lite', async (path) => ({ path, text }));

const contextOf = (profile: Profile): RenderContext => ({
  stack: 'blue',
  profile,
  ...loopbackNetwork,
  certificates: null,
  port: (id) => (id === 'airflow.api' ? 18080 : 15432),
  user: (id) => id.split('.')[1] ?? '',
  secret: (id) => `secret-of-${id}`,
  artifact: (name) => ({ root: `/home/artifacts/${name}/3.3.2-abc`, classPath: [] }),
  dir: (instance, kind) => `/home/stacks/blue/${kind}/${instance}`,
  projectDir: (kind) => `/project/${kind}`,
  projectHash: () => 'hash',
  template: () => '',
  python: '/usr/bin/python3',
});

it('tells tasks which lambdactl and which stack, and the webhook only where there is one', () => {
  const plain = environment(contextOf(lite), 'airflow-scheduler');
  expect(plain).toMatchObject({
    LAMBDACTL_BIN: '/project/bin/lambdactl',
    LAMBDACTL_HOME: '/home',
    LAMBDACTL_STACK: 'blue',
    // Without it a renamed process loses the marker by which the supervisor finds it.
    SPT_NOENV: '1',
  });
  expect(plain).not.toHaveProperty('LAMBDA_ALERT_WEBHOOK');
  const alerting = contextOf({ ...lite, alerts: { webhook: 'https://hooks.example.org/x' } });
  expect(environment(alerting, 'airflow-api').LAMBDA_ALERT_WEBHOOK).toBe('https://hooks.example.org/x');
});

it('gives all processes the same keys, of the form that each wants', () => {
  const [one, other] = airflow.instances(lite).map((instance) => environment(contextOf(lite), instance));
  expect(one?.AIRFLOW__CORE__FERNET_KEY).toMatch(/^[\w-]{43}=$/);
  for (const key of ['AIRFLOW__CORE__FERNET_KEY', 'AIRFLOW__API__SECRET_KEY', 'AIRFLOW__API_AUTH__JWT_SECRET']) {
    expect(one?.[key]).toBe(other?.[key]);
  }
  expect(JSON.parse(one?.AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST ?? '')).toMatchObject([
    { name: 'platform', kwargs: { tracking_ref: 'main', subdir: 'dags' } },
  ]);
});

it('migrates again after another version was installed, and never makes the repository twice', () => {
  const markers = (version: string) =>
    airflow
      .render(
        { ...contextOf(lite), artifact: () => ({ root: `/a/${version}`, classPath: [] }) },
        'airflow-dag-processor',
      )
      .service.prepare.map(({ marker }) => marker);
  const [repository, database] = markers('1');
  expect(markers('2')[0]).toBe(repository);
  expect(markers('2')[1]).not.toBe(database);
});
