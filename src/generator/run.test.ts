import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { badKinds } from './bad-data.ts';
import { createGenerator } from './generator.ts';
import { ledger } from './ledger.ts';
import { LineSink } from './line-sink.ts';
import { type RunOptions, resolveOptions, unpacedRate } from './options.ts';
import { runGenerator } from './run.ts';

const directory = mkdtempSync(join(tmpdir(), 'generator-'));
afterAll(() => rmSync(directory, { recursive: true }));

const startTime = '2026-01-05T09:00:00Z';
const none: RunOptions['sink'] = { type: 'null' };

describe('options', () => {
  it.each<[string, object]>([
    ['rate 0', { rate: 0 }],
    ['a negative rate', { rate: -5 }],
    ['a rate beyond the schedule', { rate: unpacedRate * 2 }],
    ['an unknown shape', { shape: 'zigzag' }],
    ['an unknown sink', { sink: { type: 'carrier-pigeon' } }],
    ['no sink', { sink: undefined }],
    ['half an address', { sink: { type: 'kafka', bootstrap: ['localhost'] } }],
    ['an unknown compression', { sink: { type: 'kafka', bootstrap: ['a:1'], compression: 'rar' } }],
    ['a count of 0', { count: 0 }],
    ['a share above 1', { badRate: 2 }],
    ['too much bad data', { bad: { duplicate: 0.4, wrong_type: 0.3 } }],
    ['an unknown kind of bad data', { bad: { rotten: 0.1 } }],
    ['a start time in words', { startTime: 'yesterday' }],
    ['an unknown option', { speed: 3 }],
    ['no end to an unpaced run', { paced: false }],
    ['no end to a run at "max"', { rate: 'max' }],
  ])('refuse %s', async (_name, wrong) => {
    const options = { rate: 10, sink: none, ...wrong } as RunOptions; // wrong on purpose
    await expect(runGenerator(options)).rejects.toMatchObject({ code: 'GENERATE_OPTIONS_INVALID', exitCode: 2 });
  });

  it.each(['sixty', '0s', '10'])('refuse the duration %j', async (duration) => {
    await expect(runGenerator({ duration, sink: none })).rejects.toMatchObject({
      code: 'DURATION_INVALID',
      exitCode: 2,
    });
  });

  it('spread the overall bad rate over the kinds that are not set', () => {
    const { bad } = resolveOptions({ badRate: 0.07, bad: { duplicate: 0.2 }, sink: none }).engine;
    expect(bad?.duplicate).toBe(0.2);
    for (const kind of badKinds) expect(bad?.[kind]).toBeCloseTo(0.01, 10);
  });

  it('draw a seed of its own for every run', () => {
    expect(resolveOptions({ sink: none }).engine.seed).not.toBe(resolveOptions({ sink: none }).engine.seed);
  });
});

describe('a run', () => {
  const options = { seed: 9, rate: 1000, count: 3000, startTime, paced: false, badRate: 0.07 } as const;

  it('counts what it made, and its ledger agrees', async () => {
    const result = await runGenerator({ ...options, sink: none });
    const told = [
      ...ledger({ ...resolveOptions({ ...options, sink: none }).engine, startTime: Date.parse(startTime) }),
    ];
    const count = (kind: string) => told.filter((entry) => entry.kind === kind).length;
    expect(result).toMatchObject({
      sent: 3000,
      failed: 0,
      seed: 9,
      startTime: '2026-01-05T09:00:00.000Z',
      aborted: false,
    });
    expect(result.endTime).toBe('2026-01-05T09:00:02.999Z');
    expect(result.valid).toBe(count('valid'));
    expect(result.duplicates).toBe(count('duplicate'));
    expect(result.bad).toEqual(Object.fromEntries(badKinds.map((kind) => [kind, count(kind)])));
    expect(result.transactions).toBe(told.filter(({ transactionId }) => transactionId !== undefined).length);
  });

  it('writes JSON Lines that are the generated records, and replaces an older file', async () => {
    const path = join(directory, 'events.jsonl');
    writeFileSync(path, 'old\n');
    const result = await runGenerator({ ...options, sink: { type: 'file', path } });
    const { engine } = resolveOptions({ ...options, sink: none });
    const expected = createGenerator({ ...engine, startTime: Date.parse(startTime) }).batch(3000);
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines.pop()).toBe('');
    expect(lines).toEqual(expected.map(({ value }) => value.toString()));
    expect(result.bytes).toBe(expected.reduce((sum, { value }) => sum + value.length, 0));
  });

  it('writes one stream alone', async () => {
    const path = join(directory, 'transactions.jsonl');
    const result = await runGenerator({ ...options, sink: { type: 'file', path, streams: ['transactions'] } });
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.length).toBe(result.transactions);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('total_amount');
  });

  it('says where it could not write, and leaves directories alone', async () => {
    writeFileSync(join(directory, 'keep'), '');
    for (const path of [join(directory, 'missing/events.jsonl'), directory]) {
      await expect(runGenerator({ ...options, sink: { type: 'file', path } })).rejects.toMatchObject({
        code: 'GENERATE_WRITE_FAILED',
      });
    }
    expect(readFileSync(join(directory, 'keep'), 'utf8')).toBe('');
  });

  it('keeps to the clock: nothing is sent before it is due, all of it in the end', async () => {
    const progress: { generated: number; elapsedMs: number }[] = [];
    const result = await runGenerator(
      { rate: 200, duration: '1.2s', sink: none },
      { onProgress: (report) => progress.push(report) },
    );
    expect(result.sent).toBe(240);
    // Not a matter of speed: a slow machine takes longer, none takes less.
    expect(result.elapsedMs).toBeGreaterThan(1190);
    for (const { generated, elapsedMs } of progress) expect(generated).toBeLessThanOrEqual(elapsedMs / 5 + 1);
    expect(progress.length).toBeGreaterThan(0);
  });

  it('stops at the signal, with a result', async () => {
    const control = new AbortController();
    const running = runGenerator({ rate: 50, sink: none }, { signal: control.signal });
    setTimeout(() => control.abort(), 100);
    const result = await running;
    expect(result.aborted).toBe(true);
    expect(result.valid).toBe(result.sent);
  });

  it('as fast as possible ends by the clock, too', async () => {
    const result = await runGenerator({ rate: 'max', duration: '100ms', sink: none });
    expect(result.sent).toBeGreaterThan(0);
    expect(result.elapsedMs).toBeGreaterThanOrEqual(100);
  });
});

describe('the line sink', () => {
  const generator = () => createGenerator({ seed: 1, rate: 1000, startTime: 0, count: 1000 });
  const sinkOn = (stream: PassThrough, onReaderGone = () => {}) =>
    new LineSink(stream, { streams: ['user_events'], ownsStream: true, onReaderGone });

  it('waits for a slow reader', async () => {
    const stream = new PassThrough();
    const sink = sinkOn(stream);
    const source = generator();
    while (!sink.full && source.next()) sink.write(source);
    expect(sink.full).toBe(true);
    const room = sink.room();
    stream.resume();
    await room;
    expect(sink.full).toBe(false);
    await sink.flush();
    await sink.close();
    expect(stream.writableFinished).toBe(true);
  });

  it('takes a reader that goes away as the end, another failure as a failure', async () => {
    for (const code of ['EPIPE', 'EIO']) {
      const stream = new PassThrough();
      let gone = false;
      const sink = sinkOn(stream, () => {
        gone = true;
      });
      const source = generator();
      source.next();
      sink.write(source);
      stream.destroy(Object.assign(new Error('broken'), { code }));
      await new Promise(setImmediate);
      expect(gone).toBe(code === 'EPIPE');
      expect(sink.full).toBe(true);
      if (code === 'EPIPE') await sink.flush();
      else await expect(sink.flush()).rejects.toMatchObject({ code: 'GENERATE_WRITE_FAILED' });
      await sink.close();
    }
  });
});
