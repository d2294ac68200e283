import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { writeZip } from '../system/archive.ts';
import { createFetcher } from './fetcher.ts';
import { finishing } from './finish.ts';
import { type InstallTools, installTree, type LockedTree } from './install.ts';
import { findPython, lookUpPython } from './python.ts';

let scratch: string;
let places: { downloads: string; tree: string };
let tools: InstallTools;
let progress: number[];

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'lambdactl-install-'));
  places = { downloads: join(scratch, 'downloads'), tree: join(scratch, 'tree') };
  for (const path of [places.downloads, places.tree, join(scratch, 'bin')]) mkdirSync(path);
  vi.stubEnv('PATH', `${join(scratch, 'bin')}${delimiter}${process.env.PATH}`);
  progress = [];
  const context = { emit: () => undefined, signal: new AbortController().signal };
  const maven = () => Promise.reject(new Error('not Maven'));
  const python = () => findPython('python3');
  const lent = () => Promise.resolve(undefined);
  tools = { context, fetcher: createFetcher(context), maven, python, lent, onProgress: (done) => progress.push(done) };
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true });
});

/** A program of that name that comes first on PATH. */
function program(name: string, script: string): void {
  const path = join(scratch, 'bin', name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

async function npmPackage(): Promise<{ tarball: Buffer; locked: LockedTree }> {
  mkdirSync(join(scratch, 'package', 'native'), { recursive: true });
  writeFileSync(join(scratch, 'package', 'native', 'program'), 'program');
  writeFileSync(join(scratch, 'package', 'package.json'), '{}');
  await create({ file: join(scratch, 'p.tgz'), gzip: true, cwd: scratch }, ['package']);
  const tarball = readFileSync(join(scratch, 'p.tgz'));
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const source = { kind: 'npm', package: '@x/y', version: '1', integrity, subdirectory: 'package/native' } as const;
  const locked: LockedTree = {
    name: 'postgres',
    version: '1',
    key: '1',
    downloadBytes: tarball.length,
    installedBytes: 7,
    source,
  };
  return { tarball, locked };
}

it('asks npm where a package is, through its warnings, and fetches it itself', async () => {
  const { tarball, locked } = await npmPackage();
  const server = createServer((_, response) => response.end(tarball));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/y-1.tgz`;
  program('npm', `echo 'npm warn Unknown user config' >&2; [ "$1 $2" = "view @x/y@1" ] && echo '"${url}"'`);
  expect(await installTree(locked, places, tools)).toEqual([]);
  server.close();
  expect(readFileSync(join(places.tree, 'program'), 'utf8')).toBe('program');
  expect(progress.at(-1)).toBe(tarball.length);
});

it('lets npm fetch where only npm gets through, and verifies what it brought', async () => {
  const { locked } = await npmPackage();
  const server = createServer((_, response) => response.writeHead(401).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/y-1.tgz`;
  program('npm', `if [ "$1" = view ]; then echo '"${url}"'; else cp '${scratch}/p.tgz' "$5/x-y-1.tgz"; fi`);
  await installTree(locked, places, tools);
  expect(readFileSync(join(places.tree, 'program'), 'utf8')).toBe('program');

  rmSync(join(places.downloads, 'postgres.tgz'));
  writeFileSync(join(scratch, 'p.tgz'), 'something else');
  await expect(installTree(locked, places, tools)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
  program('npm', 'echo E404 >&2; exit 1');
  await expect(installTree(locked, places, tools)).rejects.toMatchObject({
    code: 'ARTIFACT_INSTALL_FAILED',
    details: { output: 'E404' },
  });
  server.close();
});

it('fetches a wheel with pip, held to the locked hash, and keeps its permissions', async () => {
  const wheel = join(scratch, 'w.whl');
  await writeZip(
    wheel,
    new Map([
      ['pkg/runtime/bin/java', Buffer.from('java')],
      ['pkg/x.py', Buffer.from('x')],
    ]),
  );
  const content = readFileSync(wheel);
  // What zipfile of Python writes for an executable: Unix permissions in the upper half of the attributes.
  content.writeUInt32LE(0o100755 * 0x10000, content.indexOf('PK\x01\x02') + 38);
  writeFileSync(wheel, content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const source = { kind: 'pypi', package: 'pkg', version: '1', sha256, subdirectory: 'pkg/runtime' } as const;
  const locked: LockedTree = {
    name: 'jre',
    version: '1',
    key: '1',
    downloadBytes: content.length,
    installedBytes: 4,
    source,
  };
  program(
    'python3',
    `if [ "$1" = -c ]; then echo "3 12 $0"; exit; fi
    while [ $# -gt 1 ]; do case $1 in --dest) dest=$2;; --requirement) grep -q 'pkg==1 --hash=sha256:${sha256}' "$2" || exit 1;; esac; shift; done
    cp '${wheel}' "$dest/pkg-1-py3-none-any.whl"`,
  );
  await installTree(locked, places, tools);
  expect(readFileSync(join(places.tree, 'bin', 'java'), 'utf8')).toBe('java');
  expect(statSync(join(places.tree, 'bin', 'java')).mode & 0o111).toBe(0o111);
  expect(progress).toEqual([content.length]);

  rmSync(join(places.downloads, 'jre.whl'));
  program('python3', 'if [ "$1" = -c ]; then echo "3 12 $0"; else echo "$0: No module named pip" >&2; exit 1; fi');
  await expect(installTree(locked, places, tools)).rejects.toMatchObject({ code: 'PIP_MISSING', exitCode: 20 });
});

it('finds a Python that is new enough, and says which ones are not', async () => {
  vi.stubEnv('PATH', join(scratch, 'bin'));
  await expect(findPython('')).rejects.toMatchObject({
    code: 'PYTHON_MISSING',
    message: expect.stringContaining('none was found'),
  });
  program('python3', 'echo "3 9 $0"');
  await expect(findPython('')).rejects.toMatchObject({
    code: 'PYTHON_MISSING',
    message: expect.stringContaining('(3.9)'),
  });
  program('python3.12', 'echo "3 12 /the/real/python"');
  expect(await findPython('')).toBe('/the/real/python');
  await expect(findPython(join(scratch, 'bin', 'python3'))).rejects.toMatchObject({ code: 'PYTHON_MISSING' });
});

it('takes a Python that the packages are locked for before a newer one', async () => {
  vi.stubEnv('PATH', join(scratch, 'bin'));
  program('python3', 'echo "3 99 /new"');
  expect(await lookUpPython('')).toEqual({ executable: '/new', version: '3.99' });
  vi.stubEnv('PATH', `${join(scratch, 'bin')}${delimiter}`);
  program('python3.11', 'echo "3 11 /fitting"');
  expect(await lookUpPython('')).toEqual({ executable: '/fitting', version: '3.11' });
  expect((await lookUpPython(join(scratch, 'bin', 'python3'))).version).toBe('3.99');
});

it('makes the symbolic links that npm leaves out, and none out of the package', async () => {
  mkdirSync(join(places.tree, 'lib'));
  writeFileSync(join(places.tree, 'lib', 'libpq.so.5.18'), 'elf');
  const links = (target: string) =>
    writeFileSync(
      join(places.tree, 'pg-symlinks.json'),
      JSON.stringify([{ source: 'native/lib/libpq.so.5.18', target }]),
    );
  links('native/lib/libpq.so.5');
  await finishing.postgres?.(places.tree, tools.context.signal);
  expect(readlinkSync(join(places.tree, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18');
  await finishing.postgres?.(places.tree, tools.context.signal);
  expect(lstatSync(join(places.tree, 'lib', 'libpq.so.5')).isSymbolicLink()).toBe(true);
  links('native/../../outside');
  await expect(finishing.postgres?.(places.tree, tools.context.signal)).rejects.toMatchObject({
    code: 'ARTIFACT_INSTALL_FAILED',
  });
});
