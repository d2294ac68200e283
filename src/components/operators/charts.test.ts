import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { clusterOptions, shippedProfile } from '../../../test/support/cluster.ts';
import { clusterContext, renderCluster } from '../../runtimes/kubernetes/render.ts';
import { imageParts, kafkaVersion, operatorBaseImages, upstreamImage, upstreamImages } from './charts.ts';

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

/** Every image that is named anywhere within: whole, or in the pieces that charts want. */
function imagesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(imagesIn);
  if (typeof value !== 'object' || value === null) return [];
  const { image, imageName, registry, repository, tag } = value as Record<string, unknown>;
  const whole = [image, imageName].filter((each) => typeof each === 'string');
  const host = typeof registry === 'string' ? `${registry}/` : '';
  const pieces = typeof repository === 'string' && typeof tag === 'string' ? [`${host}${repository}:${tag}`] : [];
  return [...whole, ...pieces, ...Object.values(value).flatMap(imagesIn)];
}

it.each(['lite', 'full'] as const)('knows every upstream image that rendering %s names', async (name) => {
  const profile = await shippedProfile(name);
  const { addons, components } = renderCluster(await clusterOptions(profile));
  const parts = [...components.values(), ...addons].flatMap(({ releases, objects }) => [
    ...releases.map(({ values }) => values),
    ...objects,
  ]);
  const named = imagesIn(parts).filter((each) => !/^(docker\.io\/)?lambdactl\//.test(each));
  expect([...new Set(named)].toSorted()).toEqual(
    upstreamImages(profile)
      .map(({ reference }) => reference)
      .toSorted(),
  );
});
