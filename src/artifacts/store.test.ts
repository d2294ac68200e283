import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { OperationContext, OperationEvent } from '../core/events.ts';
import { isBuilt } from './java-build.ts';
import { artifactNames } from './names.ts';
import { openArtifactStore } from './store.ts';

/** What the mirror does instead of serving the file: called with how often this file was asked for before. */
type Behaviour = (times: number) => 'serve' | 'cut' | 'corrupt' | 'hang' | 503 | 404;

let scratch: string;
let home: string;
let server: Server;
let files: Map<string, Buffer>;
let asked: { file: string; range: string | undefined }[];
let behaviour: Record<string, Behaviour>;
let events: OperationEvent[];

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'lambdactl-store-'));
  home = join(scratch, 'home');
  vi.stubEnv('HOME', scratch);
  [files, asked, behaviour, events] = [new Map(), [], {}, []];
  server = createServer((request, response) => {
    const file = basename(request.url ?? '');
    const { range } = request.headers;
    const mode = behaviour[file]?.(asked.filter((each) => each.file === file).length) ?? 'serve';
    asked.push({ file, range });
    const content = files.get(file);
    if (typeof mode === 'number' || content === undefined) return response.writeHead(Number(mode) || 404).end();
    const from = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
    const body = mode === 'corrupt' ? randomBytes(content.length - from) : content.subarray(from);
    const partial = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length, ...(from > 0 ? partial : {}) });
    if (mode !== 'cut' && mode !== 'hang') return response.end(body);
    response.write(body.subarray(0, body.length / 2), () => mode === 'cut' && setTimeout(() => response.destroy(), 20));
    return response;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('LAMBDACTL_MAVEN_MIRROR', `http://127.0.0.1:${(server.address() as AddressInfo).port}/m2`);
  await writeLock(1);
});

afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  rmSync(scratch, { recursive: true, force: true });
});

const context = (): OperationContext => ({ emit: (event) => events.push(event), signal: new AbortController().signal });
const open = () => openArtifactStore({ home, projectRoot: scratch });
const rootOf = async (name: string) => (await open().list()).find((each) => each.name === name)?.path ?? '';
const timesAsked = (file: string) => asked.filter((each) => each.file === file).length;

/** A lock of one artifact of jars (kafka), one unpacked (debezium); the others are there but never asked for. */
async function writeLock(version: number): Promise<void> {
  const jar = (artifact: string, bytes: number) => {
    const content = randomBytes(bytes);
    files.set(`${artifact}-${version}.jar`, content);
    return { coordinate: `org.x:${artifact}:jar:${version}`, sha256: sha256(content), bytes };
  };
  mkdirSync(join(scratch, 'plugin', 'lib'), { recursive: true });
  writeFileSync(join(scratch, 'plugin', 'lib', 'plugin.jar'), 'plugin');
  await create({ file: join(scratch, 'p.tgz'), gzip: true, cwd: scratch }, ['plugin']);
  const archive = readFileSync(join(scratch, 'p.tgz'));
  files.set(`p-${version}-all.tar.gz`, archive);
  const unpacked = { coordinate: `org.x:p:tar.gz:all:${version}`, sha256: sha256(archive), bytes: archive.length };
  const jars = { kind: 'maven', version: String(version), files: [jar('big', 400_000), jar('small', 3000)] };
  const other = (name: string) => [name, { kind: 'maven', version: '1', files: [jar(name, 10)] }];
  const artifacts = {
    ...Object.fromEntries(artifactNames.filter((name) => !isBuilt(name)).map(other)),
    // Has one jar of kafka's, too.
    'iceberg-sink': { kind: 'maven', version: '1', files: [jars.files[0], jar('sink', 10)] },
    kafka: jars,
    debezium: { kind: 'maven', version: String(version), unpack: 'tar.gz', installedBytes: 6, files: [unpacked] },
  };
  mkdirSync(join(scratch, 'locks'), { recursive: true });
  writeFileSync(join(scratch, 'locks', 'artifacts.json'), JSON.stringify({ schemaVersion: 1, artifacts }));
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');

it('installs jars in class path order and archives unpacked, once', async () => {
  expect(await open().missing(['kafka'])).toEqual([{ name: 'kafka', downloadBytes: 403_000, installedBytes: 403_000 }]);
  const installed = await open().ensure(['kafka', 'debezium'], context());
  const { root = '', classPath = [] } = installed.get('kafka') ?? {};
  expect(classPath.map((path) => basename(path))).toEqual(['big-1.jar', 'small-1.jar']);
  expect(readFileSync(classPath[0] ?? '')).toEqual(files.get('big-1.jar'));
  expect(installed.get('debezium')?.classPath.map((path) => path.slice(-22))).toEqual(['/plugin/lib/plugin.jar']);
  expect(readdirSync(root).sort()).toEqual(['big-1.jar', 'manifest.json', 'small-1.jar']);
  expect(readdirSync(join(home, 'artifacts', '.staging'))).toEqual([]);
  expect(events.filter((event) => event.type === 'progress' && event.id === 'artifacts/kafka').at(-1)).toMatchObject({
    done: 403_000,
  });

  asked = [];
  server.close();
  events = [];
  expect(await open().ensure(['kafka', 'debezium'], context())).toEqual(installed);
  expect([asked, events]).toEqual([[], []]);
  expect((await open().list()).find(({ name }) => name === 'kafka')).toMatchObject({
    installed: true,
    bytes: 403_000,
    kind: 'maven',
  });
});

it('continues a download that was cut off', async () => {
  behaviour = { 'big-1.jar': (times) => (times === 0 ? 'cut' : 'serve') };
  await open().ensure(['kafka'], context());
  expect(asked.filter(({ file }) => file === 'big-1.jar').map(({ range }) => range)).toEqual([
    undefined,
    'bytes=200000-',
  ]);
});

it('tries again after a temporary answer, not after a lasting one', async () => {
  behaviour = { 'small-1.jar': (times) => (times === 0 ? 503 : 'serve'), 'p-1-all.tar.gz': () => 404 };
  await open().ensure(['kafka'], context());
  expect(timesAsked('small-1.jar')).toBe(2);
  await expect(open().ensure(['debezium'], context())).rejects.toMatchObject({
    code: 'ARTIFACT_UNREACHABLE',
    message: expect.stringMatching(/p-1-all.tar.gz of debezium .* \(404\)/),
  });
  expect(timesAsked('p-1-all.tar.gz')).toBe(1);
});

it('fetches a damaged file anew, once, and says which it was', async () => {
  behaviour = { 'big-1.jar': (times) => (times === 0 ? 'corrupt' : 'serve') };
  await open().ensure(['kafka'], context());
  expect(events).toContainEqual({
    type: 'warning',
    message: expect.stringContaining('big-1.jar of kafka arrived damaged'),
  });

  behaviour = { 'p-1-all.tar.gz': () => 'corrupt' };
  const failed = await open()
    .ensure(['debezium'], context())
    .catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: 'ARTIFACT_CORRUPT', details: { artifact: 'debezium', file: 'p-1-all.tar.gz' } });
  expect(timesAsked('p-1-all.tar.gz')).toBe(2);
  expect(existsSync(await rootOf('debezium'))).toBe(false);
});

it('fetches a jar that two artifacts have once, installed together or one after the other', async () => {
  const installed = await open().ensure(['iceberg-sink', 'kafka'], context());
  expect(asked.map(({ file }) => file).sort()).toEqual(['big-1.jar', 'sink-1.jar', 'small-1.jar']);
  const [shared = ''] = installed.get('iceberg-sink')?.classPath ?? [];
  expect(readFileSync(shared)).toEqual(files.get('big-1.jar'));
  rmSync(await rootOf('kafka'), { recursive: true });
  await open().ensure(['kafka'], context());
  expect(timesAsked('big-1.jar')).toBe(1);
});

it('takes a jar from the local Maven repository when it is the locked one', async () => {
  const place = (artifact: string, content: Buffer | undefined) => {
    const directory = join(scratch, '.m2', 'repository', 'org', 'x', artifact, '1');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `${artifact}-1.jar`), content ?? '');
  };
  place('big', files.get('big-1.jar'));
  place('small', randomBytes(3000));
  await open().ensure(['kafka'], context());
  expect(asked.map(({ file }) => file)).toEqual(['small-1.jar']);
});

/** Installs in another process; resolves with its exit code or signal. */
function elsewhere(): { pid: number; ended: Promise<string> } {
  const source = `import { openArtifactStore } from ${JSON.stringify(join(import.meta.dirname, 'store.ts'))};
    await openArtifactStore(${JSON.stringify({ home, projectRoot: scratch })})
      .ensure(['kafka', 'debezium'], { emit() {}, signal: new AbortController().signal });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<string>((resolve) => child.once('exit', (code, signal) => resolve(signal ?? String(code))));
  return { pid: child.pid ?? 0, ended };
}

it('lets two processes install at once and fetches every file once', async () => {
  const here = open().ensure(['kafka', 'debezium'], context());
  expect(await Promise.all([elsewhere().ended, elsewhere().ended])).toEqual(['0', '0']);
  await here;
  expect(asked.map(({ file }) => file).sort()).toEqual(['big-1.jar', 'p-1-all.tar.gz', 'small-1.jar']);
  expect((await open().verify(context())).map(({ ok }) => ok)).toEqual([true, true]);
});

it('leaves nothing that looks whole when killed, and continues afterwards', async () => {
  behaviour = { 'big-1.jar': (times) => (times === 0 ? 'hang' : 'serve') };
  const { pid, ended } = elsewhere();
  const part = join(home, 'artifacts', '.staging');
  const arrived = () =>
    existsSync(part) &&
    readdirSync(part, { recursive: true }).some(
      (each) => String(each).endsWith('big-1.jar.part') && statSync(join(part, String(each))).size === 200_000,
    );
  await vi.waitFor(() => expect(arrived()).toBe(true), { timeout: 10_000 });
  process.kill(pid, 'SIGKILL');
  expect(await ended).toBe('SIGKILL');
  expect(existsSync(await rootOf('kafka'))).toBe(false);
  await open().ensure(['kafka'], context());
  expect(asked.filter(({ file }) => file === 'big-1.jar').at(-1)?.range).toBe('bytes=200000-');
  expect(timesAsked('small-1.jar')).toBe(1);
});

it('does not trust a tree that was never moved into place, nor the lock of a dead process', async () => {
  const root = await rootOf('debezium');
  const tree = join(home, 'artifacts', '.staging', `debezium-${basename(root)}`, 'tree');
  mkdirSync(join(tree, 'plugin'), { recursive: true });
  writeFileSync(join(tree, 'plugin', 'half.jar'), 'half');
  mkdirSync(join(home, 'artifacts', '.locks'), { recursive: true });
  writeFileSync(join(home, 'artifacts', '.locks', 'debezium'), '4194000 1');
  await open().ensure(['debezium'], context());
  expect(readdirSync(join(root, 'plugin'))).toEqual(['lib']);
});

it('finds changed, missing and strange files, and repairs them', async () => {
  await open().ensure(['kafka', 'debezium'], context());
  const root = await rootOf('kafka');
  const content = readFileSync(join(root, 'small-1.jar'));
  content[5] = (content[5] ?? 0) ^ 1;
  writeFileSync(join(root, 'small-1.jar'), content);
  writeFileSync(join(root, 'extra.jar'), '');
  const [debezium, kafka] = (await open().verify(context())).sort((a, b) => (a.name < b.name ? -1 : 1));
  expect(debezium).toEqual({ name: 'debezium', ok: true, problems: [] });
  expect(kafka).toEqual({
    name: 'kafka',
    ok: false,
    problems: ['extra.jar does not belong there', 'small-1.jar has another content'],
  });
  expect((await open().missing(['kafka'])).map(({ name }) => name)).toEqual(['kafka']);
  await open().ensure(['kafka'], context());
  expect((await open().verify(context())).every(({ ok }) => ok)).toBe(true);

  truncateSync(join(root, 'big-1.jar'), 10);
  await open().ensure(['kafka'], context());
  expect(readFileSync(join(root, 'big-1.jar'))).toEqual(files.get('big-1.jar'));
});

it('prunes what the lock no longer names, and leftovers', async () => {
  await open().ensure(['kafka'], context());
  const old = await rootOf('kafka');
  await writeLock(2);
  await open().ensure(['kafka'], context());
  mkdirSync(join(home, 'artifacts', '.staging', 'spark-1-0', 'downloads'), { recursive: true });
  writeFileSync(join(home, 'artifacts', '.staging', 'spark-1-0', 'downloads', 'x.part'), 'x');
  expect(await open().prune(context())).toEqual({
    removed: [`kafka/${basename(old)}`, 'unfinished spark-1-0'],
    bytes: 403_001,
  });
  expect(existsSync(old)).toBe(false);
  expect((await open().missing(['kafka'])).length).toBe(0);
});

it('stops at an abort with its reason and keeps what arrived', async () => {
  behaviour = { 'big-1.jar': () => 'hang' };
  const controller = new AbortController();
  const reason = new Error('interrupted');
  const running = open().ensure(['kafka'], { emit: () => undefined, signal: controller.signal });
  await vi.waitFor(() => expect(timesAsked('big-1.jar')).toBe(1));
  controller.abort(reason);
  await expect(running).rejects.toBe(reason);
  expect(readdirSync(join(home, 'artifacts', '.locks'))).toEqual([]);
});

it('says that the home cannot be written to, or that the disk is too small', async () => {
  writeFileSync(join(scratch, 'file'), '');
  home = join(scratch, 'file');
  await expect(open().ensure(['kafka'], context())).rejects.toMatchObject({ code: 'HOME_NOT_WRITABLE', exitCode: 20 });

  home = join(scratch, 'home');
  const path = join(scratch, 'locks', 'artifacts.json');
  const lock = JSON.parse(readFileSync(path, 'utf8'));
  lock.artifacts.debezium.installedBytes = 2 ** 52;
  writeFileSync(path, JSON.stringify(lock));
  await expect(open().ensure(['debezium'], context())).rejects.toMatchObject({ code: 'DISK_FULL', exitCode: 20 });
  expect(asked).toEqual([]);
});
