import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { tempDir, until } from '../../test/support/supervisor.ts';
import { LogFile } from './log-file.ts';

const limit = { bytes: 1_000_000, files: 3 };
const linesOf = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n');

it('writes time, stream and text, whole lines also from pieces, and the last one without its end', async () => {
  const path = join(tempDir(), 'a.log');
  const log = new LogFile(path, limit);
  const out = new PassThrough();
  log.follow(out, 'O');
  out.write('fir');
  out.write(Buffer.from('st ö').subarray(0, 4));
  out.write(Buffer.from('ö').subarray(1));
  out.write('\r\n\nthird');
  out.end();
  await until(() => log.lastLines(9).length === 3);
  log.note('over');
  await log.close();
  const lines = linesOf(path);
  expect(lines.every((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [OES] /.test(line))).toBe(true);
  expect(lines.map((line) => line.slice(25))).toEqual(['O first ö', 'O ', 'O third', 'S over']);
  expect(log.lastLines(1)).toEqual(['third']);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('rotates by size, keeps so many files, and loses no line between them', async () => {
  const dir = tempDir();
  const log = new LogFile(join(dir, 'a.log'), { bytes: 2_000, files: 3 });
  for (let index = 0; index < 100; index += 1) {
    log.note(`line ${index} ${'x'.repeat(50)}`);
    await log.flush();
  }
  await log.close();
  expect(readdirSync(dir).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2']);
  const kept = ['a.log.2', 'a.log.1', 'a.log'].flatMap((name) => linesOf(join(dir, name)));
  const numbers = kept.map((line) => Number(/line (\d+)/.exec(line)?.[1]));
  expect(numbers.at(-1)).toBe(99);
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
});

it('holds up a service that writes faster than the disk, and loses nothing', async () => {
  const path = join(tempDir(), 'a.log');
  const log = new LogFile(path, { bytes: 1e9, files: 1 });
  const out = new PassThrough();
  log.follow(out, 'O');
  const line = `${'y'.repeat(999)}\n`;
  for (let index = 0; index < 8_000; index += 1) {
    if (!out.write(line)) await new Promise((settle) => out.once('drain', settle));
  }
  const ended = new Promise((settle) => out.once('close', settle));
  out.end();
  await ended;
  await log.close();
  expect(linesOf(path).length).toBe(8_000);
});

it('cuts a line that never ends', async () => {
  const path = join(tempDir(), 'a.log');
  const log = new LogFile(path, limit);
  const out = new PassThrough();
  log.follow(out, 'E');
  out.end('z'.repeat(300_000));
  await new Promise((settle) => out.once('close', settle));
  await log.close();
  expect(linesOf(path).length).toBeGreaterThan(1);
});

it.skipIf(!existsSync('/dev/full'))('survives a full disk', async () => {
  const log = new LogFile('/dev/full', limit);
  log.note('lost');
  await log.flush();
  log.note('lost too');
  await log.close();
});
