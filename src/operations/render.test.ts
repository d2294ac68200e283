import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type RenderRequest, render } from './render.ts';

const temporary = () => mkdtempSync(join(tmpdir(), 'render-'));
const context = { emit: () => {}, signal: new AbortController().signal };

function request(over: Partial<RenderRequest>): RenderRequest {
  const fresh = { home: temporary(), stack: 'default', imageTag: '0123456789ab', withSecrets: false, components: [] };
  return { ...fresh, profile: 'lite', values: undefined, output: '-', ...over };
}

/** Path → content of every file below. */
const contentOf = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [
        join(parentPath, name).slice(directory.length + 1),
        readFileSync(join(parentPath, name), 'utf8'),
      ]),
  );

describe('render', () => {
  it('writes the same files each time, without secrets, and names what it leaves out', async () => {
    const output = temporary();
    const report = await render(request({ output }), context);
    const first = contentOf(output);
    expect(Object.keys(first)).toEqual(
      expect.arrayContaining(['base.yaml', 'components/kafka.yaml', 'kustomization.yaml']),
    );
    expect(report.secretsLeftOut).toContain('Secret data/postgres-conf');
    expect(first['components/postgres.yaml']).toContain('#   Secret data/postgres-conf');
    expect(JSON.stringify(first)).not.toContain('kind: Secret');
    expect(JSON.stringify(first)).not.toMatch(/secret-of-/);
    await render(request({ output }), context);
    expect(contentOf(output)).toEqual(first);
  });

  it('removes what an earlier rendering left, and nothing else', async () => {
    const output = temporary();
    await render(request({ output, profile: 'full' }), context);
    const helm = existsSync(join(output, 'helm')) ? readdirSync(join(output, 'helm')) : [];
    writeFileSync(join(output, 'ours.yaml'), 'a: 1\n');
    const one = await render(request({ output, components: ['kafka'] }), context);
    expect(one.removed).toEqual([]);
    expect(one.files.map(({ path }) => path)).not.toContain('kustomization.yaml');
    const report = await render(request({ output }), context);
    const left = Object.keys(contentOf(output)).sort();
    expect(left).toEqual([...report.files.map(({ path }) => path), 'ours.yaml'].sort());
    expect(report.removed.filter((path) => path.startsWith('helm/')).length).toBeGreaterThanOrEqual(
      helm.length - report.releases.length - 1,
    );
  });

  it('prints one stream, which an API server can be given whole', async () => {
    const { yaml, objects, files } = await render(request({}), context);
    expect(files).toEqual([]);
    const documents = parseAllDocuments(yaml ?? '').map((each) => each.toJS());
    const kinds = documents.map(({ kind }) => kind);
    expect(kinds[0]).toBe('Namespace');
    expect(kinds.filter((kind) => kind === 'StatefulSet')).toHaveLength(objects.StatefulSet ?? 0);
    expect(kinds).not.toContain('Secret');
  });

  it('writes the secrets of the stack for their owner alone, the same ones each time', async () => {
    const home = temporary();
    const output = temporary();
    const report = await render(request({ home, output, withSecrets: true }), context);
    expect(report.secretsLeftOut).toEqual([]);
    const path = join(output, 'secrets/postgres.yaml');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const first = readFileSync(path, 'utf8');
    await render(request({ home, output, withSecrets: true }), context);
    expect(readFileSync(path, 'utf8')).toBe(first);
    const other = temporary();
    await render(request({ output: other, withSecrets: true }), context);
    expect(readFileSync(join(other, 'secrets/postgres.yaml'), 'utf8')).not.toBe(first);
  });

  it('lays values over the profile', async () => {
    const values = join(temporary(), 'ours.yaml');
    writeFileSync(
      values,
      'kubernetes: { storageClass: fast, nodeSelector: { pool: lambda }, imagePullSecrets: [login] }\n',
    );
    const { yaml } = await render(request({ values }), context);
    expect(yaml).toContain('storageClassName: fast');
    expect(yaml).toContain('pool: lambda');
    expect(yaml).toContain('- name: login');
    for (const shipped of ['dev', 'prod']) {
      for (const profile of ['lite', 'full']) {
        await expect(render(request({ values: shipped, profile }), context)).resolves.toMatchObject({
          values: shipped,
        });
      }
    }
  });

  it('says what is wrong with its input', async () => {
    await expect(render(request({ values: 'stage' }), context)).rejects.toMatchObject({ code: 'UNKNOWN_VALUES' });
    await expect(render(request({ components: ['kafak'] }), context)).rejects.toMatchObject({
      code: 'UNKNOWN_COMPONENT',
    });
    await expect(render(request({ imageTag: 'a b' }), context)).rejects.toMatchObject({ code: 'BAD_TAG' });
    await expect(render(request({ stack: 'A B' }), context)).rejects.toMatchObject({ code: 'BAD_STACK_NAME' });
    await expect(render(request({ profile: 'huge' }), context)).rejects.toMatchObject({ code: 'UNKNOWN_PROFILE' });
    const values = join(temporary(), 'bad.yaml');
    writeFileSync(values, 'kubernetes:\n  storage: fast\n');
    await expect(render(request({ values }), context)).rejects.toThrow(/bad\.yaml:2: kubernetes\.storage/);
    await expect(render(request({ output: values }), context)).rejects.toMatchObject({
      code: 'BAD_OUTPUT',
    });
    const account = join(temporary(), 's3.yaml');
    writeFileSync(
      account,
      'lake: { storage: { kind: s3, bucket: lake-of-ours, region: eu-west-1 } }\nwarehouse: { target: snowflake, account: a, user: u, role: r, warehouse: w }\n',
    );
    await expect(render(request({ values: account, withSecrets: true }), context)).rejects.toMatchObject({
      code: 'ACCOUNT_MISSING',
    });
    await expect(render(request({ values: account }), context)).resolves.toMatchObject({
      secretsLeftOut: expect.arrayContaining(['Secret processing/connect-env']),
    });
  });
});
