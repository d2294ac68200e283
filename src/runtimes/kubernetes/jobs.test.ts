import { expect, it } from 'vitest';
import { clusterOptions, podSpecs, shippedProfile, testSecretsIn, titles } from '../../../test/support/cluster.ts';
import { sparkBatchJob } from '../../components/spark/batch-job.ts';
import { dbtJob } from '../../components/warehouse/dbt-job.ts';
import type { Profile } from '../../platform/profile.ts';
import { labelNames } from './labels.ts';
import { renderCluster, renderJob } from './render.ts';

const lite = await shippedProfile('lite');

it('gives an account’s keys to those who find them by their environment, and to nobody else', async () => {
  const profile: Profile = {
    ...lite,
    lake: { ...lite.lake, storage: { kind: 's3', bucket: 'b-u-cket', region: 'eu-west-1', prefix: '' } },
  };
  const { credentials } = await clusterOptions(profile);
  const account = { 'account.s3': { user: 'AKIA', secret: 'of-the-account' } };
  const options = await clusterOptions(
    {
      ...profile,
      warehouse: { target: 'snowflake', account: 'a', user: 'u', role: 'r', warehouse: 'w', database: 'LAMBDA' },
    },
    { credentials: { ...credentials, ...account } },
  );
  const keys = renderCluster(options).base.filter(({ kind }) => kind === 'Secret');
  expect(titles(keys)).toEqual(['Secret processing/account-s3']);
  expect(JSON.stringify(renderJob(options, sparkBatchJob, [], 'r1').at(-1))).toContain(
    '"envFrom":[{"secretRef":{"name":"account-s3","optional":true}}]',
  );
  expect(JSON.stringify(renderJob(await clusterOptions(lite), sparkBatchJob, [], 'r1'))).not.toContain('account-s3');
});

it('makes a Job of a job: of its component’s image, with its files, its secrets apart', async () => {
  const options = await clusterOptions(lite);
  const objects = renderJob(options, sparkBatchJob, ['--date', '2026-11-01'], 'r1');
  expect(titles(objects)).toEqual([
    'ConfigMap processing/spark-batch-r1-conf',
    'Secret processing/spark-batch-r1-env',
    'Job processing/spark-batch-r1',
  ]);
  const [{ pod } = { pod: null }] = podSpecs(objects);
  expect(pod?.shareProcessNamespace).toBe(true);
  expect(pod?.containers[0]?.image).toBe('lambdactl/spark:0123456789ab');
  expect(pod?.containers[0]?.args.slice(-2)).toEqual(['--date', '2026-11-01']);
  expect(testSecretsIn(objects.filter(({ kind }) => kind !== 'Secret'))).toEqual([]);
  for (const { metadata } of objects)
    expect(metadata.labels).toMatchObject({ [labelNames.run]: 'r1', [labelNames.component]: 'spark-batch' });
  const [, dbt] = renderJob(options, dbtJob, ['run'], 'r2');
  expect(JSON.stringify(dbt)).toContain('lambdactl/warehouse:');
});
