import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { splitPem } from '../core/pem.ts';
import { type CertificateNeed, daysLeft, ensureCertificates, renewDays } from './certificates.ts';
import { createStackDirs, type StackPaths, stackPaths } from './paths.ts';
import { readSecrets } from './secrets.ts';

let home: string;
let paths: StackPaths;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lambdactl-certificates-'));
  paths = stackPaths(home, 'demo');
  await createStackDirs(paths);
});
afterEach(() => rm(home, { recursive: true }));

const need: CertificateNeed = {
  id: 'tls.kafka',
  instance: 'kafka',
  names: ['kafka.data.svc', '*.brokers.data.svc', 'localhost', '127.0.0.1'],
};
const now = new Date('2026-11-21T12:00:00Z');
const later = (days: number) => new Date(now.getTime() + days * 86_400_000);
const ensure = (at = now, needs = [need]) => ensureCertificates(paths, 'tls.authority', needs, at);
const pems = async () => {
  const { 'tls.authority': authority, 'tls.kafka': server } = await readSecrets(paths);
  return { authority: splitPem(authority?.secret ?? ''), server: splitPem(server?.secret ?? '') };
};

it('makes an authority and a certificate of it, and keeps both sealed', async () => {
  await ensure();
  const { authority, server } = await pems();
  const [root, leaf] = [new X509Certificate(authority.certificate), new X509Certificate(server.certificate)];
  expect(root).toMatchObject({ ca: true, subject: 'CN=lambdactl demo' });
  expect(root.verify(root.publicKey)).toBe(true);
  expect(leaf).toMatchObject({ ca: false, subject: 'CN=kafka', issuer: root.subject });
  expect(leaf.checkIssued(root)).toBe(true);
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.subjectAltName).toBe('DNS:kafka.data.svc, DNS:*.brokers.data.svc, DNS:localhost, IP Address:127.0.0.1');
  expect(leaf.checkHost('kafka.data.svc')).toBe('kafka.data.svc');
  expect(leaf.checkHost('node-1.brokers.data.svc')).toBe('*.brokers.data.svc');
  expect(leaf.checkHost('postgres.data.svc')).toBeUndefined();
  expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect([daysLeft(authority.certificate, now), daysLeft(server.certificate, now)]).toEqual([3650, 365]);
  expect(server.key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  expect(await readFile(paths.secretsFile, 'utf8')).not.toContain('PRIVATE KEY');
});

it('opens a connection that is verified by name, and none by another authority', async () => {
  await ensure();
  const { authority, server } = await pems();
  const listener = createServer({ key: server.key, cert: server.certificate }, (socket) => socket.end());
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const open = (ca: string, host: string) =>
    new Promise<boolean>((resolve, reject) => {
      const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca, servername: host }, () => {
        resolve(socket.authorized);
        socket.destroy();
      });
      socket.once('error', reject);
    });
  expect(await open(authority.certificate, 'kafka.data.svc')).toBe(true);
  await expect(open(authority.certificate, 'elsewhere.data.svc')).rejects.toThrow(/altnames/);
  await rm(paths.secretsFile);
  await ensure();
  await expect(open((await pems()).authority.certificate, 'kafka.data.svc')).rejects.toThrow(/certificate/);
  listener.close();
});

it('keeps what is good, and makes anew what is near its end, has other names or another authority', async () => {
  await ensure();
  const first = await pems();
  await ensure(later(365 - renewDays));
  expect(await pems()).toEqual(first);
  await ensure(now, [{ ...need, names: [...need.names].reverse() }]);
  expect(await pems()).toEqual(first);

  await ensure(later(366 - renewDays));
  const renewed = await pems();
  expect(renewed.authority).toEqual(first.authority);
  expect(renewed.server).not.toEqual(first.server);

  await ensure(later(10), [{ ...need, names: ['kafka.other.svc'] }]);
  const moved = await pems();
  expect(new X509Certificate(moved.server.certificate).subjectAltName).toBe('DNS:kafka.other.svc');

  await ensure(later(3650 - 400));
  const last = await pems();
  expect(last.authority).not.toEqual(first.authority);
  const root = new X509Certificate(last.authority.certificate);
  expect(new X509Certificate(last.server.certificate).verify(root.publicKey)).toBe(true);
});
