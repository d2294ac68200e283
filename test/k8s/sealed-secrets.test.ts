import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SealedSecrets, startSealedSecrets } from '../rig/control-plane/sealed-secrets.ts';
import { until } from '../support/supervisor.ts';
import { describeOnCluster, useCluster } from './support.ts';

const bin = join(import.meta.dirname, '../../bin/lambdactl');
const account = {
  AWS_ACCESS_KEY_ID: 'AKIDOFTHETEST',
  AWS_SECRET_ACCESS_KEY: 'the+secret/of=an account of the test'.replaceAll(' ', '-'),
};

/** The real controller and the real kubeseal. What needs the API server to reach a pod (`--context`) is tried on a kind cluster. */
describeOnCluster('secrets seal', () => {
  const cluster = useCluster();
  let home = '';
  let controller: SealedSecrets | undefined;
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'lambdactl-t-'));
    controller = await startSealedSecrets(cluster());
    for (const name of ['processing', 'data']) await cluster().kubectl(['create', 'namespace', name]);
    await lambdactl('secrets', 'set', 's3');
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  const lambdactl = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await execa(bin, [...args, '--json', '--home', home], {
      reject: false,
      stdin: 'ignore',
      env: { CI: 'true', PATH: cluster().env.PATH, ...account },
    });
    expect(stdout + stderr).not.toContain(account.AWS_SECRET_ACCESS_KEY);
    const { data, error } = JSON.parse(stdout);
    return { exitCode, data, error };
  };
  const seal = async (name: string, ...args: string[]) => {
    const directory = join(home, name);
    const flags = ['--cert', controller?.certificate ?? '', '--output', directory];
    const { data, error } = await lambdactl('secrets', 'seal', ...flags, ...args);
    expect(error).toBeNull();
    return { directory, files: data.files };
  };
  const valuesOf = async (namespace: string, name: string): Promise<Record<string, string> | null> => {
    const { ok, stdout } = await cluster().tryKubectl(['get', 'secret', name, '-n', namespace, '-o', 'json']);
    if (!ok) return null;
    const { data = {} } = JSON.parse(stdout);
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString('utf8')]),
    );
  };
  const conditionOf = async (namespace: string, name: string) => {
    const text = await cluster().kubectl(['get', 'sealedsecret', name, '-n', namespace, '-o', 'json']);
    return JSON.parse(text).status?.conditions?.find(({ type }: { type: string }) => type === 'Synced');
  };

  it('makes a file from which the cluster makes the same Secret', async () => {
    const { directory, files } = await seal('sealed');
    expect(files).toMatchObject([{ namespace: 'processing', name: 'account-s3', outcome: 'sealed' }]);
    const texts = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));
    for (const value of Object.values(account)) {
      expect(texts.join('')).not.toContain(value);
      expect(texts.join('')).not.toContain(Buffer.from(value).toString('base64'));
    }
    await cluster().kubectl(['apply', '-f', directory]);
    expect(await until(() => valuesOf('processing', 'account-s3'))).toEqual(account);
    const labels = await cluster().kubectl(['get', 'secret', 'account-s3', '-n', 'processing', '--show-labels']);
    expect(labels).toContain('lambdactl.dev/stack=default');
  });

  it('keeps a file that fits already, and check agrees', async () => {
    const { directory, files } = await seal('sealed');
    expect(files).toMatchObject([{ outcome: 'kept' }]);
    const { data, exitCode } = await lambdactl('secrets', 'check', '--sealed', directory, '--scan', directory);
    expect(data.findings.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([]);
    expect(exitCode).toBe(0);
  });

  it('opens in no other namespace and under no other name', async () => {
    const { directory } = await seal('sealed');
    const text = readFileSync(join(directory, 'processing-account-s3.yaml'), 'utf8');
    const moved = text.replaceAll('namespace: processing', 'namespace: data');
    const renamed = text.replaceAll('name: account-s3', 'name: account-other');
    for (const [each, namespace, name] of [
      [moved, 'data', 'account-s3'],
      [renamed, 'processing', 'account-other'],
    ] as const) {
      await cluster().kubectl(['apply', '-f', '-'], each);
      const condition = await until(async () => (await conditionOf(namespace, name)) ?? null);
      expect(condition).toMatchObject({ status: 'False', message: expect.stringContaining('no key could decrypt') });
      expect(await valuesOf(namespace, name)).toBeNull();
    }
  });

  it('holds beyond the renewal of the sealing key: the old file still opens, the next is sealed with the new one', async () => {
    const { directory: before } = await seal('sealed');
    const old = join(home, 'old');
    mkdirSync(old);
    cpSync(before, old, { recursive: true });
    await controller?.stop();
    controller = await startSealedSecrets(cluster(), { renew: true });
    const { directory, files } = await seal('sealed');
    expect(files).toMatchObject([{ outcome: 'sealed' }]);
    const certificates = [old, directory].map((each) => readFileSync(join(each, 'certificate.pem'), 'utf8'));
    expect(certificates[0]).not.toBe(certificates[1]);
    for (const each of [old, directory]) {
      await cluster().kubectl([
        'delete',
        'sealedsecret,secret',
        'account-s3',
        '-n',
        'processing',
        '--ignore-not-found',
      ]);
      await until(async () => (await valuesOf('processing', 'account-s3')) === null);
      await cluster().kubectl(['apply', '-f', each]);
      expect(await until(() => valuesOf('processing', 'account-s3'))).toEqual(account);
    }
  });

  it('says what cannot be', async () => {
    const output = join(home, 'none');
    const certificate = join(home, 'no.pem');
    writeFileSync(certificate, 'nothing');
    const codeOf = async (...args: string[]) =>
      (await lambdactl('secrets', 'seal', '--output', output, ...args)).error?.code;
    expect(await codeOf('--cert', certificate)).toBe('SEALING_CERTIFICATE_INVALID');
    expect(await codeOf()).toBe('SEALING_CERTIFICATE_NEEDED');
    expect(await codeOf('--name', 'snowflake', '--cert', controller?.certificate ?? '')).toBe('SECRET_MISSING');
  });
});
