import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir, until } from '../../../test/support/supervisor.ts';
import { createStackDirs, stackPaths } from '../../state/paths.ts';
import type { LogLine } from '../contract.ts';
import { readLogs } from './logs.ts';

async function logDir() {
  const paths = stackPaths(tempDir(), 'default');
  await createStackDirs(paths);
  return paths;
}

async function linesOf(lines: AsyncIterable<LogLine>): Promise<LogLine[]> {
  const all: LogLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

describe('logs', () => {
  const at = (second: number, stream: string, text: string) =>
    `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z ${stream} ${text}\n`;

  it('are merged by time over rotated files, and cut by tail, since and pattern', async () => {
    const paths = await logDir();
    writeFileSync(join(paths.logDir, 'kafka.log.1'), at(1, 'O', 'k1') + at(3, 'E', 'k3 wrong'));
    writeFileSync(join(paths.logDir, 'kafka.log'), at(5, 'S', 'k5'));
    writeFileSync(join(paths.logDir, 'postgres.log'), `${at(2, 'O', 'p2')}torn line\n${at(4, 'O', 'p4 wrong')}`);
    const read = async (query: object) =>
      (await linesOf(readLogs(paths, { follow: false, ...query }, new AbortController().signal))).map(
        ({ text }) => text,
      );
    expect(await read({})).toEqual(['k1', 'p2', 'k3 wrong', 'p4 wrong', '[lambdactl] k5']);
    expect(await read({ tail: 1 })).toEqual(['p4 wrong', '[lambdactl] k5']);
    expect(await read({ components: ['kafka'], tail: 2 })).toEqual(['k3 wrong', '[lambdactl] k5']);
    expect(await read({ grep: /wrong/g })).toEqual(['k3 wrong', 'p4 wrong']);
    expect(await read({ since: Date.parse('2026-01-01T00:00:04Z') })).toEqual(['p4 wrong', '[lambdactl] k5']);
    const [first] = await linesOf(
      readLogs(paths, { follow: false, components: ['kafka'] }, new AbortController().signal),
    );
    expect(first).toEqual({
      time: Date.parse('2026-01-01T00:00:01Z'),
      component: 'kafka',
      stream: 'stdout',
      text: 'k1',
    });
  });

  it('are read backwards rightly however the pieces fall', async () => {
    const paths = await logDir();
    const texts = Array.from({ length: 4_000 }, (_, index) => `ä${index}${'ö'.repeat(index % 97)}`);
    writeFileSync(join(paths.logDir, 'kafka.log'), texts.map((text) => at(1, 'O', text)).join(''));
    const lines = await linesOf(readLogs(paths, { follow: false, tail: 3_999 }, new AbortController().signal));
    expect(lines.map(({ text }) => text)).toEqual(texts.slice(1));
  });

  it('follow what comes, also after a rotation and from a new service', async () => {
    const paths = await logDir();
    const path = join(paths.logDir, 'kafka.log');
    writeFileSync(path, at(1, 'O', 'old'));
    const controller = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { text } of readLogs(paths, { follow: true }, controller.signal)) seen.push(text);
    })();
    await until(() => seen.length === 1);
    writeFileSync(path, at(2, 'O', 'second'), { flag: 'a' });
    await until(() => seen.length === 2);
    writeFileSync(path, at(3, 'O', 'last of the old file'), { flag: 'a' });
    writeFileSync(`${path}.1`, readFileSync(path));
    rmSync(path);
    writeFileSync(path, at(4, 'O', 'first of the new'));
    writeFileSync(join(paths.logDir, 'postgres.log'), at(5, 'O', 'from another'));
    await until(() => seen.length === 5);
    controller.abort();
    await reading;
    expect(seen).toEqual(['old', 'second', 'last of the old file', 'first of the new', 'from another']);
  });
});
