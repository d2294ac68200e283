import { expect, it } from 'vitest';
import { until } from '../../test/support/supervisor.ts';
import type { SupervisorRecord } from './options.ts';
import { Recorder } from './recorder.ts';

const record = (marker: string): SupervisorRecord => ({ supervisor: null, guard: null, marker, services: [] });

it('writes the newest record, and a pressing change before one that can wait', async () => {
  const saved: string[] = [];
  let marker = 'first';
  const store = { load: async () => null, save: async (each: SupervisorRecord) => void saved.push(each.marker) };
  const recorder = new Recorder(
    store,
    () => record(marker),
    () => {},
  );
  recorder.soon(600_000);
  recorder.soon(5);
  recorder.soon(5);
  marker = 'second';
  await until(() => saved.length > 0);
  expect(saved).toEqual(['second']);
  recorder.stop();
  recorder.soon(0);
  await recorder.now();
  expect(saved).toEqual(['second', 'second']);
});

it('complains once about a disk that is full, and writes when it no longer is', async () => {
  const told: string[] = [];
  const saved: string[] = [];
  let full = true;
  const save = async (each: SupervisorRecord) => {
    if (full) throw new Error('full');
    saved.push(each.marker);
  };
  const recorder = new Recorder(
    { load: async () => null, save },
    () => record('x'),
    (text) => told.push(text),
  );
  recorder.soon(1);
  await until(() => told.length === 1);
  recorder.soon(1);
  await expect(recorder.now()).rejects.toThrow('full');
  full = false;
  await until(() => saved.length > 0);
  expect(told).toEqual(['cannot record the state: full']);
  recorder.stop();
});
