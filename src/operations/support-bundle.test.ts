import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { updateDesired } from '../state/desired.ts';
import { writeObserved } from '../state/observed.ts';
import { createStackDirs, stackPaths } from '../state/paths.ts';
import { saveCredentials } from '../state/secrets.ts';
import { unpackTarGz } from '../system/archive.ts';
import { loadProfile } from './profiles.ts';
import { supportBundle } from './support-bundle.ts';

const context = { emit: () => {}, signal: new AbortController().signal };
let home: string;
const before = { ...process.env };

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lambdactl-bundle-'));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
  process.env = { ...before };
});

const password = `P${randomBytes(18).toString('base64url')}`;
const odd = `o"dd'&<pass> ${randomBytes(9).toString('base64')}=:\\é`;
const s3Secret = randomBytes(30).toString('base64');
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const sealingKey = randomBytes(32).toString('base64');
const token = `tok-${randomBytes(12).toString('hex')}`;
const configOnly = `C${randomBytes(12).toString('hex')}`;
const keyLines = privateKey.split('\n').filter((line) => line.length > 16 && !line.startsWith('-'));

/** Every way in which a program may have written a value down. */
const writings = (value: string): string[] => {
  const base64 = Buffer.from(`user:${value}`).toString('base64');
  return [
    value,
    JSON.stringify({ value }),
    JSON.stringify(JSON.stringify({ value })),
    `http://u:${encodeURIComponent(value)}@127.0.0.1:1/`,
    new URLSearchParams({ value }).toString(),
    Buffer.from(value).toString('base64'),
    Buffer.from(`x${value}y`).toString('base64url'),
    `Authorization: Basic ${base64}`,
    (base64.match(/.{1,20}/g) ?? []).join('\n'),
    Buffer.from(value).toString('hex'),
    `${value.slice(0, 7)}\n${value.slice(7)}`,
    `2026-11-21T18:00:00.000Z O ${value.slice(0, 9)}\n2026-11-21T18:00:00.001Z O ${value.slice(9)}`,
    `<p>${value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</p>`,
  ];
};

/** The value itself, in the text as it stands and as any reader would decode it. */
function readings(text: string): string[] {
  const joined = text.replaceAll(/\r?\n(?:\d{4}-\d\d-\d\dT[\d:.]+Z [OES] ?)?/g, '');
  const all = [text, joined];
  for (const each of [text, joined]) {
    all.push(each.replaceAll('\\"', '"').replaceAll('\\\\', '\\').replaceAll('\\"', '"').replaceAll('\\\\', '\\'));
    all.push(each.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'));
    all.push(
      each
        .replaceAll('+', ' ')
        .replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (part) => Buffer.from(part.replaceAll('%', ''), 'hex').toString()),
    );
    for (const [word] of each.matchAll(/[A-Za-z0-9+/_-]{12,}/g)) {
      for (const shift of [0, 1, 2, 3]) all.push(Buffer.from(word.slice(shift), 'base64').toString('utf8'));
      if (/^[0-9a-f]+$/i.test(word)) all.push(Buffer.from(word, 'hex').toString('utf8'));
    }
  }
  return all;
}

async function plantedStack() {
  const paths = stackPaths(home, 'planted');
  await createStackDirs(paths);
  process.env.LAMBDACTL_SECRETS_KEY = sealingKey;
  process.env.CI_DEPLOY_TOKEN = token;
  await saveCredentials(paths, {
    'postgres.superuser': { user: 'postgres', secret: password },
    odd: { user: 'odd', secret: odd },
    'account.s3': { user: 'AKIAIOSFODNN7EXAMPLE', secret: s3Secret },
    'account.snowflake': { user: 'JANE_DOE_SVC', secret: privateKey },
  });
  await updateDesired(paths, { profile: await loadProfile('lite'), components: ['postgres'], pins: {}, ports: {} });
  await writeObserved(paths, { supervisor: null, guard: null, marker: 'LAMBDACTL_RUN=none/', services: [] });
  const values = [password, odd, s3Secret, sealingKey, token];
  const text = [...values.flatMap(writings), privateKey, JSON.stringify({ privateKey }), ...keyLines, configOnly].join(
    '\n--\n',
  );
  const plant = (path: string, content: string) => {
    mkdirSync(dirname(join(paths.stackDir, path)), { recursive: true });
    writeFileSync(join(paths.stackDir, path), content);
  };
  plant('conf/postgres/pg.conf', `password = '${configOnly}'\n${text}`);
  plant('conf/kafka/deep/server.properties', text);
  plant('logs/postgres.log', `2026-11-21T18:00:00.000Z O hello world\n${text}`);
  plant('logs/supervisor.log', text);
  plant('run/supervisor.out', text);
  plant(
    'journal.jsonl',
    `${JSON.stringify({ time: new Date().toISOString(), operation: 'up', step: 'x', outcome: 'done', detail: text })}\n`,
  );
  plant('conf/postgres/keystore.bin', `\0${password}`);
  return { paths, values: [...values, configOnly, ...keyLines] };
}

async function unpacked(file: string): Promise<Map<string, string>> {
  const directory = join(home, 'unpacked');
  mkdirSync(directory);
  await unpackTarGz(file, directory);
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(directory, name)).isFile(),
  );
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}

function expectNone(members: ReadonlyMap<string, string>, values: readonly string[]) {
  for (const [name, text] of members) {
    const all = readings(text);
    for (const value of values) {
      const leak = all.find((reading) => reading.includes(value));
      const at = leak?.indexOf(value) ?? 0;
      expect(leak?.slice(Math.max(0, at - 100), at + 100), `${name} holds a secret`).toBeUndefined();
    }
  }
}

it('holds what helps and none of the planted secrets, in no encoding', async () => {
  const { values } = await plantedStack();
  const output = join(home, 'bundle.tar.gz');
  const report = await supportBundle({ home, stack: 'planted', output }, context);
  const members = await unpacked(output);
  expect([...members.keys()].sort()).toEqual([...report.members.map(({ path }) => path)].sort());
  expect([...members.keys()]).toEqual(
    expect.arrayContaining([
      'bundle.json',
      'doctor.json',
      'logs/postgres.log',
      'logs/supervisor.log',
      'machine.json',
      'profile.json',
      'stack/conf/kafka/deep/server.properties',
      'stack/conf/postgres/pg.conf',
      'stack/journal.jsonl',
      'stack/run/supervisor.out',
      'stack/stack.json',
      'stack/state.json',
      'status.json',
      'versions.json',
    ]),
  );
  expectNone(members, values);
  expect(members.get('logs/postgres.log')).toContain('hello world');
  expect(JSON.parse(members.get('doctor.json') ?? '').checks.length).toBeGreaterThan(20);
  expect(statSync(output).mode & 0o777).toBe(0o600);
  expect(readdirSync(home).filter((name) => name.endsWith('.part'))).toEqual([]);
}, 60_000);

it('is made of a broken stack too, and leaves configurations out whose secrets cannot be known', async () => {
  const { paths } = await plantedStack();
  process.env.LAMBDACTL_SECRETS_KEY = randomBytes(32).toString('base64');
  writeFileSync(paths.desiredFile, '{ "version": 1, "stack"');
  const output = join(home, 'bundle.tar.gz');
  const report = await supportBundle({ home, stack: 'planted', output }, context);
  const members = await unpacked(output);
  expect([...members.keys()].filter((name) => name.startsWith('stack/conf'))).toEqual([]);
  expect(report.leftOut.join()).toContain('cannot be opened');
  expect(members.get('stack/stack.json')).toContain('"version": 1');
  expect(members.get('doctor.json')).toContain('state-files');
  expectNone(members, [configOnly, token]);
}, 60_000);
