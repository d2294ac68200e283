import { expect, it } from 'vitest';
import { shippedProfile } from '../../../test/support/cluster.ts';
import { mebibytesOf, resourcesFor } from './quantities.ts';

const lite = await shippedProfile('lite');
const mebibyte = 1024 * 1024;

it('asks for the budget and allows a quarter more, in steps of 32 MiB', () => {
  const { requests, limits } = resourcesFor('postgres', 256 * mebibyte, lite);
  expect([requests.memory, limits.memory]).toEqual(['256Mi', '320Mi']);
  expect(resourcesFor('airflow', 272 * mebibyte, lite).limits.memory).toBe('352Mi');
  expect(resourcesFor('airflow', 272 * mebibyte, lite, 480 * mebibyte)).toMatchObject({
    requests: { memory: '272Mi' },
    limits: { memory: '832Mi' },
  });
});

it('asks for more cores where a profile is for bigger machines, half a core at most', () => {
  const cpu = (minimumCores: number) => resourcesFor('spark', mebibyte, { ...lite, minimumCores }).requests.cpu;
  expect([2, 4, 64].map(cpu)).toEqual(['200m', '400m', '500m']);
});

it('reads amounts of memory', () => {
  expect(['512Mi', '2Gi', '2048Ki', '1048576'].map(mebibytesOf)).toEqual([512, 2048, 2, 1]);
  expect(() => mebibytesOf('1G')).toThrow('1G is no amount of memory');
});
