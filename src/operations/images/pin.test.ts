import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import type { Profile } from '../../platform/profile.ts';
import { loadProfile } from '../profiles.ts';
import { pinImages } from './pin.ts';

const context = { emit: () => {}, signal: new AbortController().signal };
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

/** By "repository:tag". */
const held: Record<string, string> = { 'db/pg:18': digest('a'), 'ch:26': digest('b'), 'ss:1': digest('c') };
let server: Server;
let registry: string;
let place: string;
let wantsLogin: boolean;

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'lambdactl-t-'));
  vi.stubEnv('DOCKER_CONFIG', place);
  wantsLogin = false;
  server = createServer((request, response) => {
    const [, repository, tag] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(request.url ?? '') ?? [];
    const found = held[`${repository}:${tag}`];
    const closed = wantsLogin && request.headers.authorization !== `Basic ${btoa('me:secret')}`;
    if (closed) response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
    else response.writeHead(found === undefined ? 404 : 200, { 'docker-content-digest': found ?? '' }).end();
  });
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  rmSync(place, { recursive: true, force: true });
});

/** The profile with a mirror in place of every registry. */
async function mirrored(change: Record<string, string> = {}): Promise<Profile> {
  const { kubernetes, ...rest } = await loadProfile('full');
  const overrides = {
    postgres: `${registry}/db/pg:18`,
    clickhouse: `${registry}/ch:26`,
    'clickhouse-keeper': `${registry}/ch:26`,
    'git-sync': `quay.example.com/git-sync:v4@${digest('d')}`,
    'sealed-secrets': `${registry}/ss:1`,
    ...change,
  };
  return { ...rest, kubernetes: { ...kubernetes, images: { ...kubernetes.images, overrides } } };
}

it('writes every image with its digest as a part of a profile, which pins it', async () => {
  const output = join(place, 'pins.yaml');
  const { images, fragment } = await pinImages({ profile: await mirrored(), output }, context);
  expect(readFileSync(output, 'utf8')).toBe(fragment);
  const { overrides } = parse(fragment).kubernetes.images;
  expect(overrides).toEqual({
    postgres: `${registry}/db/pg:18@${digest('a')}`,
    clickhouse: `${registry}/ch:26@${digest('b')}`,
    'clickhouse-keeper': `${registry}/ch:26@${digest('b')}`,
    'git-sync': `quay.example.com/git-sync:v4@${digest('d')}`,
    'sealed-secrets': `${registry}/ss:1@${digest('c')}`,
  });
  expect(images).toHaveLength(5);
  // Laid over the profile nothing is left to ask for.
  const again = await pinImages({ profile: await mirrored(overrides), output: null }, context);
  expect(again.images.every(({ reference, pinned }) => reference === pinned)).toBe(true);
});

it('writes nothing where one is not to be had', async () => {
  const output = join(place, 'pins.yaml');
  const profile = await mirrored({ clickhouse: `${registry}/ch:27` });
  await expect(pinImages({ profile, output }, context)).rejects.toMatchObject({
    code: 'IMAGE_UNKNOWN',
    message: expect.stringContaining(`${registry}/ch:27`),
  });
  expect(existsSync(output)).toBe(false);
});

it.each([
  ['its file', (host: string) => ({ auths: { [host]: { auth: btoa('me:secret') } } })],
  ['its helper', () => ({ credsStore: 'test' })],
])('takes the login that docker keeps in %s', async (_, config) => {
  wantsLogin = true;
  const profile = await mirrored();
  await expect(pinImages({ profile, output: null }, context)).rejects.toMatchObject({ code: 'IMAGE_REGISTRY_LOGIN' });
  writeFileSync(join(place, 'config.json'), JSON.stringify(config(registry)));
  const answer = `[ "$(cat)" = ${registry} ] && echo '{"Username":"me","Secret":"secret"}'`;
  writeFileSync(join(place, 'docker-credential-test'), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${place}:${process.env.PATH}`);
  expect((await pinImages({ profile, output: null }, context)).images).toHaveLength(5);
});
