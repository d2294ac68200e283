import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { tempDir } from '../../../test/support/supervisor.ts';
import { annotations, fingerprintOf, type PlainSecret, sealedYaml } from '../../runtimes/kubernetes/sealed-file.ts';
import { createStackDirs, stackPaths } from '../../state/paths.ts';
import { secretsKey } from '../../state/sealing.ts';
import { saveCredentials } from '../../state/secrets.ts';
import { loadProfile } from '../profiles.ts';
import { checkSecrets } from './check.ts';
import { findClearText } from './clear-text.ts';
import { accountSecret } from './sources.ts';

const { signal } = new AbortController();
const pem = readFileSync(join(import.meta.dirname, '../../../test/support/sealing-certificate.pem'), 'utf8');
const s3 = { user: 'AKIDEXAMPLE', secret: 'the-secret-of-an-account' };

async function withAccount() {
  const home = tempDir();
  const paths = stackPaths(home, 'default');
  await createStackDirs(paths);
  const key = await secretsKey(home, true);
  await saveCredentials(paths, { 'account.s3': s3 });
  const directory = join(home, 'sealed');
  mkdirSync(directory);
  writeFileSync(join(directory, 'certificate.pem'), pem);
  const plain = accountSecret('s3', s3, { stack: 'default', profile: await loadProfile('lite') });
  /** As kubeseal would have answered; what is encrypted does not matter here. */
  const write = (secret: PlainSecret, notes: Record<string, string> = {}) => {
    const encryptedData = Object.fromEntries(Object.keys(secret.values).map((name) => [name, 'AgB']));
    const json = JSON.stringify({ spec: { encryptedData, template: { metadata: {}, type: 'Opaque' } } });
    const yaml = sealedYaml(json, secret, { fingerprint: fingerprintOf(secret, key), certificate: 'sha256:1' });
    const text = yaml.replace(
      '  annotations:\n',
      `  annotations:\n${stringify(notes)
        .replace(/^\{\}\n/, '')
        .replaceAll(/^/gm, '    ')
        .trimEnd()}\n`,
    );
    writeFileSync(join(directory, `${secret.namespace}-${secret.name}.yaml`), text.replaceAll(/\n\s*\n/g, '\n'));
  };
  const check = async () => {
    const request = { home, stack: 'default', sealed: directory, context: null, controller: null, scan: [] };
    const { findings } = await checkSecrets(request, signal);
    return Object.fromEntries(findings.map(({ name, ok, detail }) => [name, `${ok ? 'ok' : 'FAIL'} ${detail}`]));
  };
  return { home, paths, directory, plain, write, check };
}

describe('sealed files', () => {
  it('fit as long as what is set stays as it was', async () => {
    const { paths, plain, write, check } = await withAccount();
    write(plain);
    expect((await check())['processing-account-s3.yaml']).toBe(
      'ok sealed for processing/account-s3, by an earlier certificate: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY',
    );
    expect((await check())['certificate.pem']).toMatch(/^ok valid until 21\d\d/);
    await saveCredentials(paths, { 'account.s3': { ...s3, secret: 'another-one-since-then' } });
    expect((await check())['processing-account-s3.yaml']).toMatch(/^FAIL holds other values/);
  });

  it('are told where their scope is wide, where nothing belongs to them, and where one is missing', async () => {
    const { plain, write, check } = await withAccount();
    expect(annotations.fingerprint).toMatch(/^lambdactl\.dev\//);
    write({ ...plain, name: 'account-snowflake' });
    const found = await check();
    expect(found['processing-account-snowflake.yaml']).toMatch(/^FAIL the stack has no such secret/);
    expect(found['account-s3']).toMatch(/^FAIL set and not sealed/);
    write(plain, { 'sealedsecrets.bitnami.com/cluster-wide': 'true' });
    expect((await check())['processing-account-s3.yaml']).toMatch(/^FAIL its scope is cluster-wide/);
  });
});

describe('check', () => {
  it('tells every credential with its age and without its value', async () => {
    const { home } = await withAccount();
    const request = { home, stack: 'default', sealed: null, context: null, controller: null, scan: [] };
    const report = await checkSecrets(request, signal);
    expect(report.credentials).toEqual([
      { id: 'account.s3', user: s3.user, since: expect.any(String), ageDays: 0, usedBy: [] },
    ]);
    expect(JSON.stringify(report)).not.toContain(s3.secret);
  });
});

describe('the scan for secrets in the clear', () => {
  it('finds them in the middle of base64, and Secret objects with any value', async () => {
    const { directory } = await withAccount();
    const credentials = { 'account.s3': s3 };
    expect(await findClearText(directory, credentials)).toMatchObject([{ ok: true }]);
    const conf = Buffer.from(`user=x\npassword=${s3.secret}\nport=1\n`).toString('base64');
    mkdirSync(join(directory, 'sub'));
    writeFileSync(join(directory, 'sub', 'a.txt'), `conf: ${conf}\n`);
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'open' }, stringData: { other: 'thing' } };
    writeFileSync(join(directory, 'b.yaml'), `a: 1\n---\n${stringify(object)}`);
    writeFileSync(join(directory, 'c.yaml'), stringify({ ...object, stringData: {} }));
    const found = await findClearText(directory, credentials);
    expect(found.map(({ detail }) => detail)).toEqual([
      'Secret open with values: lambdactl secrets seal',
      'holds account.s3 in the clear',
    ]);
    await expect(findClearText(join(directory, 'none'), {})).rejects.toMatchObject({ code: 'BAD_DIRECTORY' });
  });
});
