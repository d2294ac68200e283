import { expect, it } from 'vitest';
import { startLoad } from './load.ts';
import { throughputOf } from './throughput.ts';

it('runs the generator in its own thread and tells what was sent', async () => {
  const load = startLoad(
    { options: { rate: 'max', count: 5000, seed: 7, sink: { type: 'null' } }, warmupMs: 0 },
    never(),
  );
  const result = await load.done;
  expect(result).toMatchObject({ sent: 5000, valid: 5000, seed: 7, aborted: false });
  expect(load.sent()).toBe(5000);
  const { achievedRate, bytes } = result;
  const throughput = { offered: 9000, achieved: achievedRate, visible: null, records: 5000, bytes, lateMsMax: 0 };
  expect(throughputOf(result, 9000)).toEqual(throughput);
});

it('ends in order when it is told to', async () => {
  const abort = new AbortController();
  const load = startLoad({ options: { rate: 50, seed: 7, sink: { type: 'null' } }, warmupMs: 0 }, abort.signal);
  abort.abort();
  expect(await load.done).toMatchObject({ aborted: true });
});

it('passes on why it failed, with its code', async () => {
  const options = { rate: 'max', count: 5, sink: { type: 'kafka', bootstrap: ['127.0.0.1:1'] } } as const;
  const load = startLoad(
    { options: { ...options, sink: { ...options.sink, bootstrap: ['127.0.0.1:1'] } }, warmupMs: 0 },
    never(),
  );
  await expect(load.done).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE', category: 'external' });
});

const never = (): AbortSignal => new AbortController().signal;
