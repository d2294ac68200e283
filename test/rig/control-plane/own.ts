import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, ownIdentity } from '../../../src/system/process.ts';

const prefix = 'lambdactl-k8s-';

/** A scratch directory of this process. Those of runners that were killed are removed on the way. */
export async function makeDirectory(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    if (name.startsWith(prefix)) await removeIfDead(join(tmpdir(), name));
  }
  const dir = await mkdtemp(join(tmpdir(), prefix));
  await writeFile(join(dir, 'owner.json'), JSON.stringify(ownIdentity()));
  return dir;
}

async function removeIfDead(dir: string): Promise<void> {
  const text = await readFile(join(dir, 'owner.json'), 'utf8').catch(() => null);
  // Without an owner it is being made this very moment, or is somebody else's.
  if (text !== null && !isAlive(JSON.parse(text))) await removeDirectory(dir);
}

export const removeDirectory = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true, maxRetries: 3 });

/** Ports of loopback that nobody listens on now: another may take one before it is used, so the start is tried again then. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((settle) => server.close(settle))));
  return ports;
}

const listen = (): Promise<Server> =>
  new Promise((settle, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen({ host: '127.0.0.1', port: 0 }, () => settle(server));
  });

/** Key pair that signs service accounts' tokens. */
export async function signingKey(dir: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  await writeFile(join(dir, 'sa.key'), privateKey, { mode: 0o600 });
  await writeFile(join(dir, 'sa.pub'), publicKey);
}
