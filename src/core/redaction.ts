/**
 * Takes secrets out of texts that leave the machine. Texts and secrets are strings of bytes (latin1), so that a file of any encoding
 * comes out as it was but for what was taken out.
 */
export interface Redactor {
  /** The text without known secrets in any usual writing, and without what looks like one. */
  redact(text: string): string;
  /** Whether a known secret is in the text as it stands. */
  holdsSecret(text: string): boolean;
  /** Whether a known secret is in the text in any usual writing: encoded, escaped, as part of a base64 text, across lines. */
  holdsWriting(text: string): boolean;
}

const mark = '[redacted]';
/** Shorter values are words that occur everywhere; taking them out would garble every text and hide nothing. */
const shortest = 6;
/** Of an encoded secret's middle part: fewer characters would be found by chance. */
const shortestPart = 8;

/** @param secrets as text; lines of one that has several are secrets of their own */
export function createRedactor(secrets: Iterable<string>): Redactor {
  const all = [...secrets].flatMap((secret) => [secret, secret.trim(), ...longLines(secret)]);
  const known = [...new Set(all)].filter((secret) => secret.length >= shortest);
  const writings = [...new Set(known.flatMap(writingsOf))].sort((a, b) => b.length - a.length);
  const squeezed = [...new Set(writings.map((each) => squeeze(each).text))].filter(({ length }) => length >= shortest);
  const plain = known.map(bytes);
  return {
    redact: (text) => redactPatterns(cutOut(cutOut(text, asItStands(text), writings), null, squeezed)),
    holdsSecret: (text) => plain.some((secret) => text.includes(secret)),
    holdsWriting: (text) => {
      const oneLine = squeeze(text).text;
      return writings.some((each) => text.includes(each)) || squeezed.some((each) => oneLine.includes(each));
    },
  };
}

function longLines(secret: string): string[] {
  const lines = secret.split(/\r?\n/);
  return lines.length === 1 ? [] : lines.filter((line) => line.length >= 16 && !line.startsWith('-----'));
}

const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** Every form in which configs, URLs, headers, JSON, XML and logs write a value. */
function writingsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const url = encodeURIComponent(secret);
  // encodeURIComponent leaves these; other encoders do not.
  const strictUrl = url.replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams({ '': secret }).toString().slice(1);
  const xml = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const attribute = xml.replaceAll('"', '&quot;');
  const hex = Buffer.from(secret, 'utf8').toString('hex');
  const texts = [
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    ...[url, strictUrl, form].flatMap((each) => [
      each,
      each.replaceAll('%20', '+'),
      each.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    ]),
    encodeURIComponent(url),
    ...[xml, attribute].flatMap((each) => [each, each.replaceAll("'", '&#39;'), each.replaceAll("'", '&apos;')]),
    secret.replaceAll(/[\\:=#!]/g, (char) => `\\${char}`),
    secret.replaceAll("'", "''"),
    secret.replaceAll("'", "'\\''"),
    hex,
    hex.toUpperCase(),
    ...base64Parts(secret),
  ];
  return texts.filter(({ length }) => length >= shortest).map(bytes);
}

/** In base64 of something longer, such as "user:secret", the secret begins at one of three offsets; its ends mix with their neighbours. */
function base64Parts(secret: string): string[] {
  const raw = Buffer.from(secret, 'utf8');
  const parts = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), raw])
      .toString('base64')
      .replaceAll('=', '');
    const whole = Math.floor(((offset + raw.length) * 8) / 6);
    return text.slice(Math.ceil((offset * 8) / 6), whole);
  });
  const whole = raw.toString('base64');
  const usable = [whole, whole.replace(/=+$/, ''), ...parts].filter(({ length }) => length >= shortestPart);
  return usable.flatMap((part) => [part, part.replaceAll('+', '-').replaceAll('/', '_')]);
}

interface Squeezed {
  text: string;
  /** Where each of its characters stands in the original; null: at the same place. */
  at: Int32Array | null;
}

const asItStands = (text: string): Squeezed => ({ text, at: null });

/** A line break with all that stands round it without being of the text: indentation, continuation, the time stamp of a log. */
const breaks = /(?:\\\r?\n|\r?\n|\\r\\n|\\n)(?:\d{4}-\d\d-\d\dT[\d:.]+Z [OES] ?)?[ \t]*/g;

/** The text as if its lines were one. */
function squeeze(text: string): { text: string; at: Int32Array } {
  const at = new Int32Array(text.length);
  const parts: string[] = [];
  let from = 0;
  let length = 0;
  const keep = (to: number) => {
    parts.push(text.slice(from, to));
    for (let index = from; index < to; index += 1) at[length++] = index;
  };
  for (const { index, 0: found } of text.matchAll(breaks)) {
    keep(index);
    from = index + found.length;
  }
  keep(text.length);
  return { text: parts.join(''), at };
}

/** Replaces every occurrence of a needle, line breaks within it included when the text was squeezed. */
function cutOut(original: string, given: Squeezed | null, needles: readonly string[]): string {
  const { text, at } = given ?? squeeze(original);
  const ranges: [number, number][] = [];
  for (const needle of needles) {
    for (let found = text.indexOf(needle); found !== -1; found = text.indexOf(needle, found + needle.length)) {
      const last = found + needle.length - 1;
      ranges.push([at?.[found] ?? found, (at?.[last] ?? last) + 1]);
    }
  }
  if (ranges.length === 0) return original;
  ranges.sort(([a], [b]) => a - b);
  const parts: string[] = [];
  let end = 0;
  for (const [from, to] of ranges) {
    if (from >= end) parts.push(original.slice(end, from), mark);
    end = Math.max(end, to);
  }
  parts.push(original.slice(end));
  return parts.join('');
}

const secretName = `(?:pass(?:word|wd|phrase)?|pwd|secret|token|credential|private[_.-]?key|api[_.-]?key|access[_.-]?key|secret[_.-]?key|fernet[_.-]?key|jwt[_.-]?secret|client[_.-]?secret|sas[_.-]?key)`;

/** What looks like a secret wherever it comes from; the first group is kept. */
const patterns: readonly [RegExp, string][] = [
  // A private key to its end, or where it was cut off.
  [
    /-----BEGIN [A-Z0-9 ]*(?:PRIVATE KEY|CERTIFICATE REQUEST)[A-Z ]*-----(?:[\s\S]{0,20000}?-----END [A-Z0-9 ]*-----|(?:\s|\\n|\\r|[A-Za-z0-9+/=]){0,20000})/g,
    mark,
  ],
  [/\b(?:AKIA|ASIA|AROA|AIDA|ANPA|ABIA|ACCA)[0-9A-Z]{16}\b/g, mark],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.?[A-Za-z0-9_-]*/g, mark],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|npm_[A-Za-z0-9]{30,})/g, mark],
  [
    /((?:proxy-)?authorization\\?["']?\s*[:=]\s*\\?["']?)(?:(?:basic|bearer|digest|aws4-hmac-sha256|negotiate|token)\s+)?[^"'\r\n\\]+/gi,
    `$1${mark}`,
  ],
  [/\b((?:basic|bearer)\s+)[A-Za-z0-9+/_=.-]{12,}/gi, `$1${mark}`],
  [
    /((?:x-clickhouse-key|x-api-key|x-amz-security-token|set-cookie|cookie)\\?["']?\s*[:=]\s*\\?["']?)[^"'\r\n\\]+/gi,
    `$1${mark}`,
  ],
  [/([a-z][a-z0-9+.-]*:\/\/[^\s/:@"'<>]*:)[^\s/@"'<>]+(?=@)/gi, `$1${mark}`],
  [new RegExp(String.raw`(<([\w.-]*${secretName}[\w.-]*)>)[^<]+(?=</\2>)`, 'gi'), `$1${mark}`],
  // "password": "x", password = 'x', PASSWORD=x, fs.s3a.secret.key: x, \"password\":\"x\"
  [
    new RegExp(String.raw`([\w.-]*${secretName}[\w.-]*\\?["']?\s*[:=]\s*)(\\?")(?:(?!\\?")[^\r\n])+`, 'gi'),
    `$1$2${mark}`,
  ],
  [new RegExp(String.raw`([\w.-]*${secretName}[\w.-]*\\?["']?\s*[:=]\s*)(')[^'\r\n]+`, 'gi'), `$1$2${mark}`],
  [
    new RegExp(
      String.raw`([\w.-]*${secretName}[\w.-]*\s*[:=][ \t]*)(?![\[{("'\\]|null\b|true\b|false\b|undefined\b)[^\s"'<>,;&)}\]]+`,
      'gi',
    ),
    `$1${mark}`,
  ],
  [new RegExp(String.raw`(--?[\w-]*${secretName}[\w-]*\s+)(?!-)[^\s"']+`, 'gi'), `$1${mark}`],
  [/((?:identified (?:with \w+ )?by|(?:encrypted )?password)\s+')[^'\r\n]+/gi, `$1${mark}`],
];

function redactPatterns(text: string): string {
  return patterns.reduce((present, [pattern, replacement]) => present.replaceAll(pattern, replacement), text);
}

/** Values that a configuration gives to names of secrets; a way to learn secrets that are recorded nowhere else. */
export function secretsNamedIn(text: string): string[] {
  const named = new RegExp(String.raw`[\w.-]*${secretName}[\w.-]*["']?(?:\s*[:=]\s*["']?|>)([^\s"'<>,;]{8,})`, 'gi');
  return [...text.matchAll(named)].flatMap(([, value]) =>
    value === undefined || /^[$/]|^\d+$/.test(value) ? [] : [value],
  );
}

/** Variables of an environment that hold secrets by their name, and passwords within URLs. */
export function secretsOfEnvironment(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value = '']) => {
    const inUrl = [...value.matchAll(/[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:([^\s/@]+)@/gi)].flatMap(([, password = '']) => [
      password,
      decoded(password),
    ]);
    const isSecret = /secret|password|passwd|passphrase|token|credential|private|api_?key|access_?key|_key$/i.test(
      name,
    );
    return isSecret && !value.startsWith('/') ? [value, ...inUrl] : inUrl;
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
