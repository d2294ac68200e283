import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hashFile, hashSmallFile, haveEntries, makeReadable, withFileLock } from './store-files.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'lambdactl-files-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

it('gives a file lock to one at a time', async () => {
  let inside = 0;
  const most: number[] = [];
  const one = () =>
    withFileLock(join(scratch, 'lock'), { signal: new AbortController().signal, pollMs: 1 }, async () => {
      most.push(++inside);
      await new Promise((resolve) => setTimeout(resolve, 3));
      inside--;
    });
  await Promise.all(Array.from({ length: 8 }, one));
  expect(most).toEqual(Array(8).fill(1));
});

it('lets everybody read a tree, and leaves what a link points to alone', async () => {
  mkdirSync(join(scratch, 'tree', 'a'), { recursive: true, mode: 0o700 });
  for (const [name, mode] of [
    ['a/x', 0o600],
    ['a/run', 0o700],
    ['y', 0o644],
    ['../outside', 0o600],
  ] as const) {
    writeFileSync(join(scratch, 'tree', name), name);
    chmodSync(join(scratch, 'tree', name), mode);
  }
  symlinkSync('../outside', join(scratch, 'tree', 'link'));
  await makeReadable(join(scratch, 'tree'));
  const mode = (name: string) => (statSync(join(scratch, name)).mode & 0o777).toString(8);
  expect(['tree', 'tree/a', 'tree/a/x', 'tree/a/run', 'tree/y', 'outside'].map(mode)).toEqual([
    '755',
    '755',
    '644',
    '755',
    '644',
    '600',
  ]);
});

it('sees that a directory has lost an entry or is gone, not that it has gained one', async () => {
  mkdirSync(join(scratch, 'a'));
  for (const name of ['a/x', 'a/y']) writeFileSync(join(scratch, name), name);
  expect(
    haveEntries(scratch, [
      ['', 1],
      ['a', 2],
    ]),
  ).toBe(true);
  writeFileSync(join(scratch, 'a', 'z'), '');
  expect(haveEntries(scratch, [['a', 2]])).toBe(true);
  expect(haveEntries(scratch, [['a', 4]])).toBe(false);
  expect(haveEntries(scratch, [['b', 0]])).toBe(false);
  expect(hashSmallFile(join(scratch, 'a', 'x'))).toBe(await hashFile(join(scratch, 'a', 'x')));
});
