import { expect, it } from 'vitest';
import { clusterOptions, testSecret } from '../../../test/support/cluster.ts';
import { tempDir } from '../../../test/support/supervisor.ts';
import { renderCluster } from '../../runtimes/kubernetes/render.ts';
import { fingerprintOf } from '../../runtimes/kubernetes/sealed-file.ts';
import { loadProfile } from '../profiles.ts';
import { openStack } from '../stack.ts';
import { plainSecrets } from './sources.ts';

const account = { user: 'AKIDEXAMPLE', secret: 'the-secret-of-an-account' };

it.each(['lite', 'full'])('seals every Secret of profile %s with all its values, each time the same', async (name) => {
  const profile = await loadProfile(name);
  const options = await clusterOptions(profile);
  const stack = await openStack({ home: tempDir(), stack: 'default' });
  const credentials = { ...options.credentials, 'account.s3': account };
  const secrets = await plainSecrets(stack, { profile, credentials }, ['s3', 'generated']);
  const { base, addons, components } = renderCluster({ ...options, credentials });
  const rendered = [
    base,
    ...addons.map(({ objects }) => objects),
    ...[...components.values()].map((each) => each.objects),
  ];
  const names = rendered.flat().flatMap(({ kind, metadata }) => (kind === 'Secret' ? [metadata.name] : []));
  expect(secrets.map((each) => each.name).toSorted()).toEqual([...names, 'account-s3'].toSorted());
  const values = secrets.flatMap((each) => Object.values(each.values)).join('\n');
  for (const id of ['postgres.superuser', 'objectstore.key', 'airflow.admin']) expect(values).toContain(testSecret(id));
  const key = Buffer.alloc(32, 1);
  const again = await plainSecrets(stack, { profile, credentials }, ['s3', 'generated']);
  expect(again.map((each) => fingerprintOf(each, key))).toEqual(secrets.map((each) => fingerprintOf(each, key)));
});

it('seals the accounts that are set where nothing is named, and says what is missing', async () => {
  const profile = await loadProfile('lite');
  const stack = await openStack({ home: tempDir(), stack: 'default' });
  const only = await plainSecrets(stack, { profile, credentials: { 'account.s3': account } }, []);
  expect(only).toMatchObject([
    {
      namespace: 'processing',
      name: 'account-s3',
      values: { AWS_ACCESS_KEY_ID: account.user, AWS_SECRET_ACCESS_KEY: account.secret },
    },
  ]);
  const none = { profile, credentials: {} };
  await expect(plainSecrets(stack, none, [])).rejects.toMatchObject({ code: 'SECRET_MISSING' });
  await expect(plainSecrets(stack, none, ['snowflake'])).rejects.toMatchObject({ code: 'SECRET_MISSING' });
});
