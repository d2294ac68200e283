import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bytesOf, problemsOf, readManifest, writeManifest } from './manifest.ts';

let root: string;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'lambdactl-manifest-'));
  for (let directory = 0; directory < 20; directory++) {
    mkdirSync(join(root, `p${directory}`, '__pycache__'), { recursive: true });
    for (let file = 0; file < 100; file++) writeFileSync(join(root, `p${directory}`, `m${file}.py`), 'x');
    writeFileSync(join(root, `p${directory}`, '__pycache__', 'm0.pyc'), 'bytecode');
  }
  writeFileSync(join(root, 'p1', 'native.so'), Buffer.alloc(300_000));
  await writeManifest(root, { name: 'airflow-python', version: '1', key: '1', classPath: [] });
});
afterEach(() => rmSync(root, { recursive: true }));

it('looks at a tree of many files without reading a list of all of them', async () => {
  const manifest = await readManifest(root);
  expect(manifest?.bytes).toBe(20 * 100 + 20 * 8 + 300_000);
  expect(await bytesOf(root)).toBe(manifest?.bytes);
  expect(readFileSync(join(root, 'manifest.json')).length).toBeLessThan(2000);
  expect(await problemsOf(root)).toEqual([]);
});

it('sees a lost file or directory and a cut-off library at once, any other change when everything is compared', async () => {
  writeFileSync(join(root, 'p3', 'm5.py'), 'y');
  expect(await readManifest(root)).toBeDefined();
  expect(await problemsOf(root)).toEqual(['p3/m5.py has another content']);
  rmSync(join(root, 'p3', 'm5.py'));
  expect(await readManifest(root)).toBeUndefined();
  writeFileSync(join(root, 'p3', 'm5.py'), 'x');
  expect(await readManifest(root)).toBeDefined();
  rmSync(join(root, 'p4'), { recursive: true });
  expect(await readManifest(root)).toBeUndefined();
});

it('sees a cut-off library', async () => {
  truncateSync(join(root, 'p1', 'native.so'), 299_999);
  expect(await readManifest(root)).toBeUndefined();
  expect(await problemsOf(root)).toEqual(['p1/native.so has 299999 bytes instead of 300000']);
});

it('takes bytecode that a program wrote or removed for no damage to its directory', async () => {
  writeFileSync(join(root, 'p5', '__pycache__', 'm1.opt-1.pyc'), 'more');
  mkdirSync(join(root, '__pycache__'));
  writeFileSync(join(root, '__pycache__', 'x.pyc'), 'more');
  expect(await problemsOf(root)).toEqual([]);
  rmSync(join(root, 'p6', '__pycache__', 'm0.pyc'));
  expect(await readManifest(root)).toBeDefined();
});

it('says that the list of all files is damaged', async () => {
  writeFileSync(join(root, 'manifest.files.json'), '[');
  expect(await problemsOf(root)).toEqual(['manifest.files.json is missing or damaged']);
});
