import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { clusterOptions, shippedProfile } from '../../../test/support/cluster.ts';
import { clusterContext } from '../../runtimes/kubernetes/render.ts';
import { imageParts, kafkaVersion, operatorBaseImages, upstreamImage } from './charts.ts';

it.each([
  ['alpine', 'docker.io', 'alpine', 'latest'],
  ['lambdactl/airflow:0123', 'docker.io', 'lambdactl/airflow', '0123'],
  ['quay.io/strimzi/operator:1.2.0', 'quay.io', 'strimzi/operator', '1.2.0'],
  ['localhost:5000/a/b', 'localhost:5000', 'a/b', 'latest'],
  ['localhost/a:1@sha256:00', 'localhost', 'a', '1@sha256:00'],
])('takes %s apart', (reference, registry, repository, tag) => {
  expect(imageParts(reference)).toEqual({ registry, repository, tag });
});

it('installs the versions that the other runtime has', async () => {
  const wanted = JSON.parse(readFileSync(join(import.meta.dirname, '../../../locks/wanted.json'), 'utf8'));
  const minor = (name: string): string => /^\d+\.\d+/.exec(wanted[name].version)?.[0] ?? '';
  const context = clusterContext(await clusterOptions(await shippedProfile('full')));
  expect(kafkaVersion).toBe(wanted.kafka.version);
  expect(operatorBaseImages.connect).toContain(`kafka-${wanted.kafka.version}`);
  expect(upstreamImage(context, 'postgres')).toContain(`:${minor('postgres')}-`);
  expect(upstreamImage(context, 'clickhouse')).toContain(`:${minor('clickhouse')}`);
});
