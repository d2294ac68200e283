import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { writeZip } from '../system/archive.ts';
import { exec, findOnPath } from '../system/exec.ts';
import type { LockedArtifact, PythonSource } from './lock-file.ts';
import { uvSettings } from './pip-config.ts';
import { lookUpPython } from './python.ts';
import { installPackages } from './python-packages.ts';

/** Only where one is on PATH; pip, which takes over without it, is everywhere. */
const uv = await findOnPath('uv');
const python = await lookUpPython();

let scratch: string;
let places: { downloads: string; tree: string };
let requirements: string;
let fallbacks: string[];
let progress: number[];

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'lambdactl-packages-'));
  places = { downloads: join(scratch, 'downloads'), tree: join(scratch, 'tree') };
  for (const path of [places.downloads, places.tree, join(scratch, 'wheels')]) mkdirSync(path);
  requirements = join(scratch, 'tiny.txt');
  [fallbacks, progress] = [[], []];
  // The user's own index is a directory; whatever else this machine has configured is out of the way.
  for (const name of ['PIP_CONFIG_FILE', 'UV_FIND_LINKS', 'UV_DEFAULT_INDEX', 'UV_INDEX']) vi.stubEnv(name, '');
  vi.stubEnv('PIP_CONFIG_FILE', '/dev/null');
  vi.stubEnv('PIP_NO_INDEX', '1');
  vi.stubEnv('PIP_FIND_LINKS', join(scratch, 'wheels'));
  lockTo(await wheel('1.0'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true });
});

/** A package of one module in the directory that stands for the index; returns its hash. */
async function wheel(version: string): Promise<string> {
  const info = `tiny-${version}.dist-info`;
  const files = {
    'tiny/__init__.py': `VERSION = "${version}"\n`,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: tiny\nVersion: ${version}\n`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  };
  const record = [...Object.keys(files), `${info}/RECORD`].map((path) => `${path},,\n`).join('');
  const entries = Object.entries({ ...files, [`${info}/RECORD`]: record });
  const path = join(scratch, 'wheels', `tiny-${version}-py3-none-any.whl`);
  await writeZip(path, new Map(entries.map(([name, text]) => [name, Buffer.from(text)])));
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

const lockTo = (sha256: string) => writeFileSync(requirements, `tiny==1.0 \\\n    --hash=sha256:${sha256}\n`);

async function install(program: string): Promise<void> {
  const sha256 = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  const source: PythonSource = { kind: 'python', python: python.version, platform: 'any', sha256, packages: 1 };
  const sizes = { downloadBytes: 1000, installedBytes: 3000 };
  const locked: LockedArtifact = { name: 'warehouse-python', version: '1', key: '1', ...sizes, source };
  await installPackages(locked, source, places, {
    requirements,
    python: python.executable,
    uv: program,
    signal: new AbortController().signal,
    onFallback: (reason) => fallbacks.push(reason),
    onProgress: (done) => progress.push(done),
  });
}

async function imported(): Promise<string> {
  const env = { PYTHONPATH: join(places.tree, 'site-packages') };
  return (await exec(python.executable, ['-S', '-c', 'import tiny; print(tiny.VERSION)'], { env })).stdout;
}

it('has pip install what uv cannot, with bytecode', async () => {
  await install(join(scratch, 'no-uv'));
  expect(await imported()).toBe('1.0');
  expect(fallbacks).toHaveLength(1);
  expect(progress.at(-1)).toBe(1000);
  expect(readdirSync(join(places.tree, 'site-packages', 'tiny', '__pycache__'))).toHaveLength(1);
});

it.skipIf(uv === undefined)('has uv fetch from where pip is configured to, with bytecode', async () => {
  await install(uv ?? '');
  expect([await imported(), fallbacks]).toEqual(['1.0', []]);
  expect(progress.at(-1)).toBe(1000);
  expect(readdirSync(join(places.tree, 'site-packages', 'tiny', '__pycache__'))).toHaveLength(1);
});

it.each(uv === undefined ? ['no-uv'] : ['no-uv', uv])(
  'takes no other file than the locked one (%s)',
  async (program) => {
    lockTo('0'.repeat(64));
    await expect(install(program)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
  },
);

it('says what both said when neither gets it', async () => {
  vi.stubEnv('PIP_FIND_LINKS', join(scratch, 'downloads'));
  await expect(install(uv ?? 'no-uv')).rejects.toMatchObject({
    code: 'ARTIFACT_INSTALL_FAILED',
    details: { output: expect.stringContaining('tiny') },
  });
});

it('refuses a list that is not the locked one', async () => {
  const source: PythonSource = { kind: 'python', python: '3.12', platform: 'any', sha256: 'f'.repeat(64), packages: 1 };
  const locked: LockedArtifact = {
    ...{ name: 'airflow-python', version: '1', key: '1', downloadBytes: 1, installedBytes: 1 },
    source,
  };
  const rest = { signal: new AbortController().signal, onFallback: () => undefined, onProgress: () => undefined };
  const tools = { requirements, python: python.executable, uv: 'no-uv', ...rest };
  await expect(installPackages(locked, source, places, tools)).rejects.toMatchObject({ code: 'LOCK_INVALID' });
});

it('hands the configuration of pip to uv, in its order, and leaves what is set for uv itself', async () => {
  const file = join(scratch, 'pip.conf');
  writeFileSync(
    file,
    `[global]
index-url = https://user:it's@mirror.example/simple
trusted-host = a.example
    b.example
timeout = 7
[install]
timeout = 8
extra-index-url = https://one.example/simple https://two.example/simple
`,
  );
  vi.stubEnv('PIP_CONFIG_FILE', file);
  for (const name of ['PIP_NO_INDEX', 'PIP_FIND_LINKS']) vi.stubEnv(name, undefined);
  for (const name of ['PIP_CERT', 'PIP_DEFAULT_TIMEOUT', 'PIP_TIMEOUT']) vi.stubEnv(name, undefined);
  const { signal } = new AbortController();
  const { env, options } = await uvSettings(python.executable, signal, { UV_INDEX: 'https://own.example' });
  expect(options).toEqual([]);
  expect(env).toMatchObject({
    UV_DEFAULT_INDEX: "https://user:it's@mirror.example/simple",
    UV_INSECURE_HOST: 'a.example b.example',
    UV_HTTP_TIMEOUT: '8',
  });
  expect(env.UV_INDEX).toBeUndefined();
  vi.stubEnv('PIP_CERT', '/ca.pem');
  const { env: own } = await uvSettings(python.executable, signal, {});
  expect(own).toMatchObject({
    SSL_CERT_FILE: '/ca.pem',
    UV_INDEX: 'https://one.example/simple https://two.example/simple',
  });
});

it('knows nothing of pip where there is none', async () => {
  expect((await uvSettings('/bin/false', new AbortController().signal, {})).options).toEqual([]);
});
