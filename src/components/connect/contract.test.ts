import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Both readers, given one schema and many records; prints what each says of every record. */
const agreement = `
import java.lang.reflect.*; import java.nio.file.*; import java.util.*;
public final class Agreement {
  public static void main(String[] args) throws Exception {
    Path schemas = Path.of(args[0]); String file = args[1];
    Class<?> speedType = Class.forName("lambdactl.speed.Contract");
    Method read = speedType.getDeclaredMethod("read", Path.class, String.class); read.setAccessible(true);
    Object speed = read.invoke(null, schemas, file);
    Method parse = speedType.getDeclaredMethod("parse", byte[].class); parse.setAccessible(true);
    var schema = new com.fasterxml.jackson.databind.ObjectMapper().readTree(Files.readString(schemas.resolve(file)));
    Method all = Class.forName("lambdactl.connect.Field").getDeclaredMethod("all", com.fasterxml.jackson.databind.JsonNode.class, String.class); all.setAccessible(true);
    List<?> fields = (List<?>) all.invoke(null, schema, file);
    Class<?> lakeType = Class.forName("lambdactl.connect.Contract");
    Constructor<?> made = lakeType.getDeclaredConstructor(List.class); made.setAccessible(true);
    Object lake = made.newInstance(fields);
    Method readLake = lakeType.getDeclaredMethod("read", byte[].class, Object[].class); readLake.setAccessible(true);
    var out = new ArrayList<Map<String, Object>>();
    for (String line : Files.readAllLines(Path.of(args[2]))) {
      byte[] record = line.equals("-") ? null : Base64.getDecoder().decode(line);
      var row = (org.apache.spark.sql.catalyst.InternalRow) parse.invoke(speed, (Object) record);
      Object[] values = new Object[fields.size()];
      var said = new LinkedHashMap<String, Object>();
      said.put("speed", row.isNullAt(fields.size()) ? null : row.getUTF8String(fields.size()).toString());
      said.put("lake", readLake.invoke(lake, record, values));
      var texts = new ArrayList<String>(); for (Object value : values) texts.add(value == null ? null : value.toString());
      said.put("values", texts);
      var speeds = new ArrayList<String>();
      for (int i = 0; i < fields.size(); i++) { Object v = row.get(i, ((org.apache.spark.sql.types.StructType) type(speed)).apply(i).dataType()); speeds.add(v == null ? null : values[i] instanceof java.time.OffsetDateTime ? java.time.Instant.EPOCH.plus((Long) v, java.time.temporal.ChronoUnit.MICROS).atOffset(java.time.ZoneOffset.UTC).toString() : v.toString()); }
      said.put("speedValues", speeds);
      out.add(said);
    }
    System.out.println(new com.fasterxml.jackson.databind.ObjectMapper().writeValueAsString(out));
  }
  static Object type(Object contract) throws Exception { Field f = contract.getClass().getDeclaredField("type"); f.setAccessible(true); return f.get(contract); }
}`;

const root = join(import.meta.dirname, '../../..');
const artifacts = join(process.env.LAMBDACTL_TEST_HOME ?? join(homedir(), '.lambdactl'), 'artifacts');
const jars = (name: string) => globSync(`${artifacts}/${name}/*/**/*.jar`);
const needed = ['ecj', 'spark', 'iceberg-sink', 'kafka'];
const installed = existsSync(join(artifacts, 'jre')) && needed.every((name) => jars(name).length > 0);

interface Said {
  speed: string | null;
  lake: string | null;
  values: (string | null)[];
  speedValues: (string | null)[];
}

const event = {
  event_id: '7265b9ee-3f5a-4cd0-9850-3e4d37267c99',
  user_id: '298bbd0d-d3ce-4e04-9f4d-5abccb68b5f8',
  session_id: 'ef7eceab-6b41-4274-9034-4f95b2fc38eb',
  event_type: 'search',
  timestamp: '2026-11-21T15:31:51.817Z',
  device_type: 'desktop',
  browser: 'Firefox',
  ip_address: '81.54.11.187',
  properties: { a: 1 },
};
const transaction = {
  transaction_id: event.event_id,
  user_id: event.user_id,
  product_id: event.session_id,
  quantity: 2,
  unit_price: 10.5,
  total_amount: 21,
  discount_amount: 0,
  tax_amount: 0,
  status: 'completed',
  payment_method: 'paypal',
  shipping_address: 'x',
  created_at: event.timestamp,
  updated_at: event.timestamp,
};

const times = [
  '2026-11-21T15:31:51Z',
  '2026-11-21T15:31:51.1Z',
  '2026-11-21T15:31:51.123456Z',
  '2026-11-21T15:31:51.123456789Z',
  '2026-11-21T15:31:51.Z',
  '2026-11-21T24:00:00Z',
  '2026-11-21T23:59:60Z',
  '2026-11-21T23:60:00Z',
  '2026-02-29T00:00:00Z',
  '2024-02-29T00:00:00Z',
  '2026-11-31T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-11-21T15:31:51+01:00',
  '2026-11-21T15:31:51.5+0100',
  '2026-11-21T15:31Z',
  '2026-11-21 15:31:51Z',
  '2026-11-21T15:31:51',
  '2026-11-21t15:31:51z',
  '2026-11-2١T15:31:51Z',
  '+1000000-01-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '1969-12-31T23:59:59.999Z',
  '',
];
const odd: unknown[] = [
  null,
  '',
  ' ',
  'x',
  1,
  1.5,
  -1,
  0,
  true,
  {},
  [],
  [1, 'a'],
  { b: null },
  'é😀',
  '10.0.0.1',
  '010.0.0.1',
  event.event_id,
  event.event_id.toUpperCase(),
];

/** JSON texts that no object gives. */
const raw = [
  '',
  ' ',
  '{',
  'null',
  '[]',
  '"x"',
  '{} {}',
  '\u0000',
  JSON.stringify(event).slice(0, -1),
  `${JSON.stringify(event)}x`,
  ` \n${JSON.stringify(event)}\n`,
  JSON.stringify(event).replace('{"a":1}', '{ "a" : 1.0e2,\t"b":[1, 2 ] , "c":"\\u00e9\\n" }'),
  JSON.stringify(event).replace('{"a":1}', '{"a":"\\ud83d"}'),
  JSON.stringify(event).replace('{"a":1}', '{"a":1e999}'),
  JSON.stringify(event).replace('{"a":1}', '{"a":123456789012345678901}'),
  JSON.stringify(event).replace('{"a":1}', `${'{"a":'.repeat(120)}1${'}'.repeat(120)}`),
  JSON.stringify(event).replace('{"a":1}', '{"a":1,"a":2}'),
  JSON.stringify(event).replace('"search"', '"search","event_type":"login"'),
  JSON.stringify(transaction).replace('10.5', '10.555'),
  JSON.stringify(transaction).replace('10.5', '10.500'),
  JSON.stringify(transaction).replace('10.5', '1.05e1'),
  JSON.stringify(transaction).replace('10.5', '123456789.00'),
  JSON.stringify(transaction).replace('10.5', '99999999.99'),
  JSON.stringify(transaction).replace('10.5', '1e400'),
  JSON.stringify(transaction).replace('10.5', '-0.0'),
  JSON.stringify(transaction).replace('"quantity":2', '"quantity":2.0'),
  JSON.stringify(transaction).replace('"quantity":2', '"quantity":9223372036854775808'),
  JSON.stringify(transaction).replace('"quantity":2', `"quantity":${'1'.repeat(60)}`),
  JSON.stringify(transaction).replace('"quantity":2', '"quantity":0'),
];

function records(base: Record<string, unknown>): (Buffer | null)[] {
  const changed = Object.keys(base).flatMap((name) => {
    const values = /timestamp|_at$/.test(name) ? [...times, ...odd] : odd;
    const without = Object.fromEntries(Object.entries(base).filter(([key]) => key !== name));
    return [without, ...values.map((value) => ({ ...base, [name]: value }))];
  });
  const texts = [...raw, ...[base, ...changed, { ...base, more: [{}] }].map((value) => JSON.stringify(value))];
  const invalid = Buffer.concat([Buffer.from('{"browser":"'), Buffer.from([0xff, 0xc3]), Buffer.from('"}')]);
  return [null, invalid, ...texts.map((text) => Buffer.from(text))];
}

describe.skipIf(!installed)('the two readers of a record', () => {
  let scratch = '';
  let java = '';
  let classPath = '';
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'contract-'));
    java = globSync(`${artifacts}/jre/*/**/bin/java`)[0] ?? '';
    const libraries = [...jars('spark'), ...jars('iceberg-sink'), ...jars('kafka')].join(':');
    classPath = `${scratch}/classes:${libraries}`;
    mkdirSync(`${scratch}/classes`);
    writeFileSync(`${scratch}/Agreement.java`, agreement);
    const own = globSync('dags-repo/connect/src/**/{Contract,Field,Times}.java', { cwd: root }).map((path) =>
      join(root, path),
    );
    const speed = ['Contract', 'PlainTime'].map((name) =>
      join(root, `dags-repo/spark/src/lambdactl/speed/${name}.java`),
    );
    const options = ['--release', '21', '-encoding', 'UTF-8', '-nowarn', '-cp', libraries, '-d', `${scratch}/classes`];
    const sources = [`${scratch}/Agreement.java`, ...speed, ...own];
    execFileSync(java, ['-jar', jars('ecj')[0] ?? '', ...options, ...sources], { stdio: 'inherit' });
  }, 180_000);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it.each([
    ['user_event.schema.json', event],
    ['transaction.schema.json', transaction],
  ])(
    'refuse the same records for the same reason and read the same values: %s',
    (file, base) => {
      const given = records(base);
      writeFileSync(`${scratch}/records`, given.map((each) => each?.toString('base64') ?? '-').join('\n'));
      const args = [
        '-Duser.timezone=UTC',
        '-cp',
        classPath,
        'Agreement',
        join(root, 'schemas'),
        file,
        `${scratch}/records`,
      ];
      const output = execFileSync(java, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      const said: Said[] = JSON.parse(output.trim().split('\n').at(-1) ?? '');
      expect(said).toHaveLength(given.length);
      const accepted = said.filter(({ lake }) => lake === null);
      expect(accepted.length).toBeGreaterThan(10);
      expect(said.length - accepted.length).toBeGreaterThan(100);
      for (const [index, { speed, lake, values, speedValues }] of said.entries()) {
        const text = given[index]?.toString();
        expect({ text, error: lake }).toEqual({ text, error: speed });
        if (lake === null) expect({ text, values }).toEqual({ text, values: speedValues });
      }
    },
    180_000,
  );
});
