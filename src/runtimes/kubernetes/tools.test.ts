import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { c } from 'tar';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPrograms, type Programs } from '../../../test/support/programs.ts';
import { findTool, lookForTool, type ToolOptions } from './tools.ts';

let programs: Programs;
let place: string;
let options: ToolOptions;
let served: Map<string, Buffer | string>;
let server: Server;
let base: string;

beforeEach(async () => {
  programs = openPrograms();
  vi.stubEnv('PATH', programs.path);
  for (const name of ['KIND', 'HELM', 'KUBECTL', 'KUBESEAL']) vi.stubEnv(`LAMBDACTL_${name}`, '');
  place = mkdtempSync(join(tmpdir(), 'lambdactl-tools-'));
  options = { home: join(place, 'home'), projectRoot: place };
  served = new Map();
  server = createServer((request, answer) => {
    const body = served.get(request.url ?? '');
    if (body === undefined) answer.writeHead(404).end();
    else
      answer.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(request.method === 'HEAD' ? '' : body);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  lock();
});
afterEach(() => {
  vi.unstubAllEnvs();
  server.close();
  server.closeAllConnections();
  programs.remove();
  rmSync(place, { recursive: true, force: true });
});

function lock(host = base) {
  mkdirSync(join(place, 'locks'), { recursive: true });
  const tools = {
    kind: { version: '0.33.0', url: `${host}/kind-v{version}`, checksums: `${host}/kind.sha256sum` },
    helm: {
      version: '4.3.0',
      url: `${host}/helm-v{version}.tar.gz`,
      checksums: `${host}/checksums.txt`,
      directory: 'inner',
    },
    kubectl: { version: '1.34.4', url: `${host}/kubectl`, checksums: `${host}/kubectl.sha256` },
    kubeseal: { version: '0.36.6', url: `${host}/kubeseal`, checksums: `${host}/kubeseal.sha256` },
  };
  writeFileSync(join(place, 'locks', 'tools.json'), JSON.stringify({ schemaVersion: 1, tools }));
}

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
const kindProgram = (version: string) => `#!/bin/sh\necho 'kind v${version} go1.25.1 linux/amd64'\n`;
const yes = () => Promise.resolve(true);

function serveKind(program = kindProgram('0.33.0')) {
  served.set('/kind-v0.33.0', program);
  served.set('/kind.sha256sum', `${sha256(program)}  kind-v0.33.0\n`);
}

describe('findTool', () => {
  it('takes what is on PATH and fits', async () => {
    const path = programs.add('kind', "echo 'kind v0.32.0 go1.25.1 linux/amd64'");
    expect(await findTool('kind', options)).toEqual({ path, version: '0.32.0' });
    programs.add('helm', 'echo v3.18.4+gd80839c');
    expect(await findTool('helm', options)).toMatchObject({ version: '3.18.4' });
    programs.add('kubectl', `echo '{"clientVersion":{"gitVersion":"v1.32.4-dispatcher"},"kustomizeVersion":"v5.5.0"}'`);
    expect(await findTool('kubectl', options)).toMatchObject({ version: '1.32.4' });
    programs.add('kubeseal', "echo 'kubeseal version: 0.36.6'");
    expect(await findTool('kubeseal', options)).toMatchObject({ version: '0.36.6' });
  });

  it('says what is wrong with one that does not fit', async () => {
    await expect(findTool('kind', options)).rejects.toMatchObject({ code: 'TOOL_MISSING', exitCode: 20 });
    const path = programs.add('kind', "echo 'kind v0.27.0 go1.22 linux/amd64'");
    await expect(findTool('kind', options)).rejects.toMatchObject({
      code: 'TOOL_VERSION',
      message: `No kind that fits: ${path} is version 0.27.0; at least 0.30.0 is needed.`,
    });
    programs.add('helm', 'echo v5.0.1+g1');
    await expect(findTool('helm', options)).rejects.toMatchObject({
      message: expect.stringContaining('versions before 5'),
    });
    programs.add('kubeseal', 'echo "cannot execute: wrong architecture" >&2; exit 126');
    await expect(findTool('kubeseal', options)).rejects.toMatchObject({
      message: expect.stringContaining('does not tell its version'),
    });
  });

  it('holds kubectl to one minor version of the cluster', async () => {
    programs.add('kubectl', `echo '{"clientVersion":{"gitVersion":"v1.32.4"}}'`);
    expect(await findTool('kubectl', { ...options, serverVersion: 'v1.33.1' })).toMatchObject({ version: '1.32.4' });
    await expect(findTool('kubectl', { ...options, serverVersion: 'v1.34.4' })).rejects.toMatchObject({
      code: 'TOOL_VERSION',
      message: expect.stringContaining('the cluster is 1.34.4'),
    });
  });

  it('takes the one that is named, and no other in its place', async () => {
    programs.add('kind', "echo 'kind v0.32.0'");
    const other = join(place, 'my-kind');
    writeFileSync(other, kindProgram('0.31.0'), { mode: 0o755 });
    vi.stubEnv('LAMBDACTL_KIND', other);
    expect(await findTool('kind', options)).toEqual({ path: other, version: '0.31.0' });
    vi.stubEnv('LAMBDACTL_KIND', join(place, 'absent'));
    await expect(findTool('kind', { ...options, confirm: yes })).rejects.toMatchObject({
      message: expect.stringContaining('is not an executable file'),
    });
  });

  it('fetches the pinned release when the user agrees, and finds it again without asking', async () => {
    serveKind();
    const questions: string[] = [];
    const confirm = async (question: string) => {
      questions.push(question);
      return true;
    };
    const path = join(options.home, 'tools', 'kind-0.33.0', 'kind');
    expect(await findTool('kind', { ...options, confirm })).toEqual({ path, version: '0.33.0' });
    expect(questions).toEqual([
      `kind was not found on PATH. Fetch kind 0.33.0 from ${new URL(base).host} into ${options.home}/tools?`,
    ]);
    served.clear();
    expect((await lookForTool('kind', options)).found).toEqual({ path, version: '0.33.0' });
    const pins = JSON.parse(readFileSync(join(options.home, 'tools', 'lock.json'), 'utf8'));
    expect(pins['kind 0.33.0 kind-v0.33.0'].sha256).toBe(sha256(kindProgram('0.33.0')));
  });

  it('fetches nothing when the user does not agree or cannot be asked', async () => {
    serveKind();
    await expect(findTool('kind', { ...options, confirm: async () => false })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
    });
    await expect(findTool('kind', options)).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });

  it('unpacks an archive, its checksum taken from a list of many', async () => {
    mkdirSync(join(place, 'inner'));
    writeFileSync(join(place, 'inner', 'helm'), '#!/bin/sh\necho v4.3.0+g1234567\n', { mode: 0o755 });
    await c({ gzip: true, file: join(place, 'helm.tgz'), cwd: place }, ['inner']);
    const archive = readFileSync(join(place, 'helm.tgz'));
    served.set('/helm-v4.3.0.tar.gz', archive);
    served.set('/checksums.txt', `${'0'.repeat(64)}  other.tar.gz\n${sha256(archive)}  helm-v4.3.0.tar.gz\n`);
    expect(await findTool('helm', { ...options, confirm: yes })).toMatchObject({ version: '4.3.0' });
  });

  it('refuses what differs from its checksum, and a checksum that differs from the one before', async () => {
    serveKind();
    served.set('/kind-v0.33.0', kindProgram('0.33.1'));
    await expect(findTool('kind', { ...options, confirm: yes })).rejects.toMatchObject({ code: 'TOOL_CORRUPT' });
    serveKind();
    await findTool('kind', { ...options, confirm: yes });
    rmSync(join(options.home, 'tools', 'kind-0.33.0'), { recursive: true });
    serveKind('#!/bin/sh\necho kind v0.33.0 # replaced\n');
    await expect(findTool('kind', { ...options, confirm: yes })).rejects.toMatchObject({
      code: 'TOOL_CORRUPT',
      message: expect.stringContaining('before'),
    });
  });

  it('takes a checksum that stands alone in its file', async () => {
    const program = `#!/bin/sh\necho '{"clientVersion":{"gitVersion":"v1.34.4"}}'\n`;
    served.set('/kubectl', program);
    served.set('/kubectl.sha256', sha256(program));
    expect(await findTool('kubectl', { ...options, confirm: yes })).toMatchObject({ version: '1.34.4' });
  });

  it('fetches the kubectl of the cluster’s version', async () => {
    const program = `#!/bin/sh\necho '{"clientVersion":{"gitVersion":"v1.37.0"}}'\n`;
    served.set('/kubectl', program);
    served.set('/kubectl.sha256', sha256(program));
    const path = join(options.home, 'tools', 'kubectl-1.37.0', 'kubectl');
    expect(await findTool('kubectl', { ...options, serverVersion: 'v1.37.0', confirm: yes })).toEqual({
      path,
      version: '1.37.0',
    });
  });

  it('says when the release is not there, and trusts no address without TLS', async () => {
    await expect(findTool('kind', { ...options, confirm: yes })).rejects.toMatchObject({
      code: 'TOOL_UNREACHABLE',
      retryable: true,
    });
    lock('http://releases.example');
    await expect(findTool('kind', { ...options, confirm: yes })).rejects.toMatchObject({ code: 'LOCK_INVALID' });
  });
});

it('pins a release of every tool, with its list of checksums, over TLS', () => {
  const file = join(import.meta.dirname, '../../../locks/tools.json');
  const { tools }: { tools: Record<string, { url: string; checksums: string }> } = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  expect(Object.keys(tools)).toEqual(['kind', 'helm', 'kubectl', 'kubeseal']);
  for (const { url, checksums } of Object.values(tools)) {
    expect(url).toMatch(/^https:\/\/.*\{version\}/);
    expect(checksums).toMatch(/^https:\/\/.*\{version\}/);
  }
});
