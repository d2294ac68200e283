import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../../../test/support/supervisor.ts';
import { fetchCertificate, sealSecret, verifySealed } from './sealed.ts';
import { describeSealed, fingerprintOf, type PlainSecret, plainSecret, readCertificate } from './sealed-file.ts';

const pem = readFileSync(join(import.meta.dirname, '../../../test/support/sealing-certificate.pem'), 'utf8');
const certificate = readCertificate(pem, 'the test');
const key = Buffer.alloc(32, 1);
const { signal } = new AbortController();
const secret: PlainSecret = {
  namespace: 'processing',
  name: 'account-s3',
  type: 'Opaque',
  labels: { 'lambdactl.dev/stack': 'default' },
  annotations: {},
  values: { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'a-very-secret-value' },
};

/** Stands for kubeseal where only what it is given and how it fails counts; the real one is in test/k8s. */
function program(script: string) {
  const dir = tempDir();
  const path = join(dir, 'kubeseal');
  writeFileSync(
    path,
    `#!/bin/sh\nprintf '%s\\n' "$@" > "${dir}/args"\ncat > "${dir}/input"\nenv > "${dir}/env"\n${script}\n`,
  );
  chmodSync(path, 0o755);
  return { path, read: (name: string) => readFileSync(join(dir, name), 'utf8') };
}

const answer = JSON.stringify({
  kind: 'SealedSecret',
  apiVersion: 'bitnami.com/v1alpha1',
  metadata: { name: 'account-s3', namespace: 'processing', creationTimestamp: null },
  spec: {
    template: {
      metadata: { name: 'account-s3', namespace: 'processing', creationTimestamp: null, labels: secret.labels },
      type: 'Opaque',
    },
    encryptedData: { AWS_ACCESS_KEY_ID: 'AgB1', AWS_SECRET_ACCESS_KEY: 'AgB2' },
  },
});

describe('sealing', () => {
  it('hands values to standard input alone, and asks for strict scope', async () => {
    const { path, read } = program(`echo '${answer}'`);
    const yaml = await sealSecret(secret, { kubeseal: path, certificateFile: '/c.pem', certificate, key, signal });
    expect(read('args').trim().split('\n')).toEqual(['--format', 'json', '--scope', 'strict', '--cert', '/c.pem']);
    expect(JSON.parse(read('input'))).toMatchObject({ kind: 'Secret', stringData: secret.values });
    expect(read('env')).not.toContain('a-very-secret-value');
    expect(yaml).not.toContain('a-very-secret-value');
    expect(yaml).not.toContain('creationTimestamp');
    expect(describeSealed(yaml)).toEqual({
      namespace: 'processing',
      name: 'account-s3',
      keys: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
      scope: 'strict',
      fingerprint: fingerprintOf(secret, key),
      certificate: certificate.fingerprint,
    });
  });

  it('says what kubeseal said, without its input', async () => {
    const { path } = program('echo "error: cannot get it" >&2; exit 1');
    const sealing = { kubeseal: path, certificateFile: '/c.pem', certificate, key, signal };
    const failed = expect(sealSecret(secret, sealing)).rejects;
    await failed.toMatchObject({
      code: 'SEALING_FAILED',
      message: expect.stringMatching(/account-s3: cannot get it$/),
    });
  });

  it('does not begin with a certificate that has expired', async () => {
    const old = { ...certificate, validTo: '2020-02-01T00:00:00.000Z' };
    const sealing = { kubeseal: '/nowhere', certificateFile: '/c.pem', certificate: old, key, signal };
    await expect(sealSecret(secret, sealing)).rejects.toMatchObject({ code: 'SEALING_CERTIFICATE_EXPIRED' });
  });

  it('asks the controller that is named for certificate and verdict', async () => {
    const controller = { kubeContext: 'prod', namespace: 'kube-system', name: 'sealer' };
    const good = program(`echo '${pem}'`);
    expect(await fetchCertificate(good.path, controller, signal)).toEqual(certificate);
    expect(good.read('args')).toBe(
      '--context\nprod\n--controller-namespace\nkube-system\n--controller-name\nsealer\n--fetch-cert\n',
    );
    const bad = program('echo "error: services \\"sealer\\" not found" >&2; exit 1');
    await expect(fetchCertificate(bad.path, controller, signal)).rejects.toMatchObject({ code: 'SEALING_UNREACHABLE' });
    expect(await verifySealed(bad.path, controller, 'x', signal)).toBe('services "sealer" not found');
    expect(await verifySealed(program('exit 0').path, controller, 'x', signal)).toBeNull();
  });
});

describe('a fingerprint', () => {
  it('follows values and place, in any order of keys, and says nothing without the key', () => {
    const same = { ...secret, values: Object.fromEntries(Object.entries(secret.values).reverse()) };
    expect(fingerprintOf(same, key)).toBe(fingerprintOf(secret, key));
    const others = [
      fingerprintOf({ ...secret, namespace: 'data' }, key),
      fingerprintOf({ ...secret, name: 'other' }, key),
      fingerprintOf({ ...secret, values: { ...secret.values, AWS_ACCESS_KEY_ID: 'AKIDOTHER' } }, key),
      fingerprintOf(secret, Buffer.alloc(32, 2)),
    ];
    expect(new Set([fingerprintOf(secret, key), ...others]).size).toBe(5);
  });
});

describe('a Secret object', () => {
  it('is read as the API server merges it', () => {
    const metadata = { name: 'a', namespace: 'b' };
    const data = { x: Buffer.from('ä\n').toString('base64'), y: '' };
    const object = { apiVersion: 'v1', kind: 'Secret', metadata, data, stringData: { y: 'wins' } };
    expect(plainSecret(object).values).toEqual({ x: 'ä\n', y: 'wins' });
    expect(() => plainSecret({ ...object, kind: 'ConfigMap' })).toThrow('not a Secret');
  });
});

describe('a certificate', () => {
  it.each(['', 'nothing', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'])('is refused: %j', (text) => {
    expect(() => readCertificate(text, 'x.pem')).toThrow(/x\.pem is no certificate to seal with/);
  });
});
