import { expect, it } from 'vitest';
import { imageParts } from './charts.ts';

it.each([
  ['alpine', 'docker.io', 'alpine', 'latest'],
  ['lambdactl/airflow:0123', 'docker.io', 'lambdactl/airflow', '0123'],
  ['quay.io/strimzi/operator:1.2.0', 'quay.io', 'strimzi/operator', '1.2.0'],
  ['localhost:5000/a/b', 'localhost:5000', 'a/b', 'latest'],
  ['localhost/a:1@sha256:00', 'localhost', 'a', '1@sha256:00'],
])('takes %s apart', (reference, registry, repository, tag) => {
  expect(imageParts(reference)).toEqual({ registry, repository, tag });
});
