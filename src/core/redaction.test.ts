import { describe, expect, it } from 'vitest';
import { createRedactor, secretsNamedIn, secretsOfEnvironment } from './redaction.ts';

const secret = 'Zk9/a+b&\'c"d e=f:Größe';
const { redact, holdsSecret, holdsWriting } = createRedactor([secret]);
const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

describe('a known secret', () => {
  const writings: Record<string, string> = {
    plain: secret,
    'in JSON': JSON.stringify({ note: secret }),
    'in JSON within JSON': JSON.stringify(JSON.stringify({ note: secret })),
    'in a URL': `https://h/?q=${encodeURIComponent(secret)}`,
    'in a form': new URLSearchParams({ q: secret }).toString(),
    'in base64': Buffer.from(secret).toString('base64'),
    'in base64 of a pair': Buffer.from(`lambda:${secret}`).toString('base64'),
    'in base64 of something longer': Buffer.from(`[${secret}] and more`).toString('base64url'),
    'in hex': Buffer.from(secret).toString('hex'),
    'in XML': `<v>${secret.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}</v>`,
    'in SQL': `'${secret.replaceAll("'", "''")}'`,
  };
  it.each(Object.entries(writings))('is taken out %s', (_, text) => {
    const redacted = redact(latin1(`before ${text} after`));
    expect(holdsWriting(latin1(`before ${text} after`))).toBe(true);
    expect(holdsWriting(redacted)).toBe(false);
    expect(redacted).toContain('[redacted]');
    expect(redacted).toMatch(/^before .*after$/s);
    // No run of it is left: 8 characters of the writing, from its middle.
    const middle = latin1(text).slice(text.length / 2 - 4, text.length / 2 + 4);
    expect(redacted).not.toContain(middle);
  });

  it('is taken out where a line break, an indentation or a log’s time stamp cuts it', () => {
    const value = 'Q7hT0pSecretValueOfTheStack';
    const one = createRedactor([value]);
    for (const cut of ['\n', '\r\n', '\\\n    ', '\n2026-11-21T18:34:16.030Z O ', '\\n']) {
      const text = `x ${value.slice(0, 9)}${cut}${value.slice(9, 20)}${cut}${value.slice(20)} y`;
      expect(one.redact(text)).toBe('x [redacted] y');
    }
    const wrapped = (
      Buffer.from(`prefix ${value} suffix`)
        .toString('base64')
        .match(/.{1,12}/g) ?? []
    ).join('\n');
    const decoded = Buffer.from(
      one.redact(wrapped).replaceAll('[redacted]', '').replaceAll('\n', ''),
      'base64',
    ).toString();
    expect(decoded).not.toContain('Secret');
  });

  it('is recognised as it stands, and short values are not taken for secrets', () => {
    expect(holdsSecret(latin1(`a ${secret} b`))).toBe(true);
    expect(holdsSecret('nothing')).toBe(false);
    expect(createRedactor(['up', '']).redact('lambdactl up')).toBe('lambdactl up');
  });
});

describe('what looks like a secret', () => {
  const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIEabcd\nefgh\n-----END RSA PRIVATE KEY-----';
  it.each([
    [`key: ${pem} rest`, 'key: [redacted] rest'],
    [JSON.stringify({ k: pem }), '{"k":"[redacted]"}'],
    ['cut off -----BEGIN PRIVATE KEY-----\nMIIEvQ\nIBADAN', 'cut off [redacted]'],
    ['id AKIAIOSFODNN7EXAMPLE.', 'id [redacted].'],
    ['password=hunter2 user=x', 'password=[redacted] user=x'],
    ['{"password": "hun\'ter 2", "a": 1}', '{"password": "[redacted]", "a": 1}'],
    ['{"m":"{\\"db_password\\":\\"hunter2\\",\\"b\\":1}"}', '{"m":"{\\"db_password\\":\\"[redacted]\\",\\"b\\":1}"}'],
    ["sasl password='x y' z", "sasl password='[redacted]' z"],
    ['<password>hunter2</password>', '<password>[redacted]</password>'],
    ['fs.s3a.secret.key: abcdef', 'fs.s3a.secret.key: [redacted]'],
    ['AWS_SECRET_ACCESS_KEY=abc/def+1', 'AWS_SECRET_ACCESS_KEY=[redacted]'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: [redacted]'],
    ['"authorization":"Bearer abc.def"', '"authorization":"[redacted]"'],
    ['GET http://me:hunter2@host:80/x', 'GET http://me:[redacted]@host:80/x'],
    ['run --password hunter2 --port 1', 'run --password [redacted] --port 1'],
    ["create user a identified by 'hunter2'", "create user a identified by '[redacted]'"],
  ])('%s', (text, expected) => {
    expect(createRedactor([]).redact(text)).toBe(expected);
  });

  it('leaves ordinary text alone', () => {
    const text = 'http://127.0.0.1:8123/?query=select 1\npassword: null\n{"tokens": 3, "passwords": []}\nup in 4.2 s';
    const redacted = createRedactor([]).redact(text);
    expect(redacted).toContain('http://127.0.0.1:8123/?query=select 1');
    expect(redacted).toContain('password: null');
    expect(redacted).toContain('up in 4.2 s');
  });
});

it('learns secrets from names in configurations and in the environment', () => {
  expect(secretsNamedIn('user=a\npassword=Abcdefgh1\nport=5432\nsecretKey: "Zyxwvuts9"')).toEqual([
    'Abcdefgh1',
    'Zyxwvuts9',
  ]);
  const environment = {
    MY_TOKEN: 't0kenvalue',
    HTTP_PROXY: 'http://u:p%40ss@h',
    SSH_AUTH_SOCK: '/tmp/x',
    HOME: '/root',
  };
  expect(secretsOfEnvironment(environment)).toEqual(['t0kenvalue', 'p%40ss', 'p@ss']);
});
