import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from './image-registry.ts';

const manifest = JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json' });
const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
const never = new AbortController().signal;

/** What the registry asks for. */
let demand: 'nothing' | 'token' | 'basic';
let tellsDigest: boolean;
let status: number;
const asked: string[] = [];

const basic = `Basic ${btoa('me:secret')}`;

/** A registry as the OCI distribution specification has it, with the token server of Docker's. */
function answer(request: IncomingMessage, response: ServerResponse) {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://registry');
  const given = request.headers.authorization;
  asked.push(`${request.method} ${pathname} ${given?.split(' ')[0] ?? '-'}`);
  if (pathname === '/token') {
    const fits = searchParams.get('scope') === 'repository:a/b:pull' && searchParams.get('service') === 'here';
    response.end(JSON.stringify({ token: fits ? `for ${given === basic ? 'me' : 'anybody'}` : 'of no use' }));
    return;
  }
  const challenge =
    demand === 'token' && !/^Bearer for (me|anybody)$/.test(given ?? '')
      ? `Bearer realm="http://${request.headers.host}/token",service="here",scope="repository:a/b:pull"`
      : demand === 'basic' && given !== basic
        ? 'Basic realm="here"'
        : null;
  if (challenge !== null) return void response.writeHead(401, { 'www-authenticate': challenge }).end();
  if (status !== 200) return void response.writeHead(status).end();
  if (pathname !== '/v2/a/b/manifests/1.0') return void response.writeHead(404).end();
  if (!request.headers.accept?.includes('image.index')) return void response.writeHead(406).end();
  response.writeHead(200, tellsDigest ? { 'docker-content-digest': digest } : {});
  response.end(request.method === 'HEAD' ? undefined : manifest);
}

let server: Server;
let registry = '';

beforeAll(async () => {
  server = createServer(answer);
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  [demand, tellsDigest, status] = ['nothing', true, 200];
  asked.length = 0;
});

const ask = (tag = '1.0', login: { user: string; secret: string } | null = null) =>
  digestOf({ registry, repository: 'a/b', tag }, login, never);
const path = '/v2/a/b/manifests/1.0';

describe('digestOf', () => {
  it('asks for the manifest’s head alone', async () => {
    expect(await ask()).toBe(digest);
    expect(asked).toEqual([`HEAD ${path} -`]);
  });

  it('gets a token where the registry wants one, without a login', async () => {
    demand = 'token';
    expect(await ask()).toBe(digest);
    expect(asked).toEqual([`HEAD ${path} -`, 'GET /token -', `HEAD ${path} Bearer`]);
  });

  it('gets a token for the user’s login', async () => {
    demand = 'token';
    expect(await ask('1.0', { user: 'me', secret: 'secret' })).toBe(digest);
    expect(asked).toContain('GET /token Basic');
  });

  it('logs in itself where there is no token server', async () => {
    demand = 'basic';
    expect(await ask('1.0', { user: 'me', secret: 'secret' })).toBe(digest);
    await expect(ask()).rejects.toMatchObject({
      code: 'IMAGE_REGISTRY_LOGIN',
      actions: [`Log in: docker login ${registry}`, expect.anything()],
    });
    await expect(ask('1.0', { user: 'me', secret: 'wrong' })).rejects.toMatchObject({ code: 'IMAGE_REGISTRY_LOGIN' });
  });

  it('computes it where the registry does not tell', async () => {
    tellsDigest = false;
    expect(await ask()).toBe(digest);
    expect(asked).toEqual([`HEAD ${path} -`, `GET ${path} -`]);
  });

  it('says what is wrong', async () => {
    await expect(ask('2.0')).rejects.toMatchObject({ code: 'IMAGE_UNKNOWN', exitCode: 1 });
    status = 503;
    await expect(ask()).rejects.toMatchObject({ code: 'IMAGE_REGISTRY_ANSWER', retryable: true });
    const nobody = { registry: '127.0.0.1:1', repository: 'a/b', tag: '1.0' };
    await expect(digestOf(nobody, null, never)).rejects.toMatchObject({ code: 'IMAGE_REGISTRY_UNREACHABLE' });
  });
});
