import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sparkFlags } from '../../components/spark/java-options.ts';
import { exec } from '../../system/exec.ts';

const root = join(import.meta.dirname, '../../..');
const spark = join(root, 'dags-repo/spark');
const artifacts = join(process.env.LAMBDACTL_HOME ?? join(homedir(), '.lambdactl'), 'artifacts');

/** Files of an installed artifact whose path ends so; none where it is not installed. */
function installed(name: string, ending: string): string[] {
  try {
    const files = readdirSync(join(artifacts, name), { recursive: true, encoding: 'utf8' });
    return files.filter((path) => path.endsWith(ending)).map((path) => join(artifacts, name, path));
  } catch {
    return [];
  }
}

const [java] = installed('jre', 'bin/java');
const [ecj] = installed('ecj', '.jar');
const [sparkJars, icebergJars] = [installed('spark', '.jar'), installed('iceberg-spark', '.jar')];
const complete = java !== undefined && ecj !== undefined && sparkJars.length > 0 && icebergJars.length > 0;
const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-batch-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const noon = '2026-03-10T12:00:00Z';

const event = (n: number, over: Record<string, unknown> = {}) => ({
  event_id: uuid(n),
  user_id: uuid(900),
  session_id: uuid(901),
  event_type: 'page_view',
  timestamp: noon,
  device_type: 'mobile',
  browser: 'Firefox',
  ip_address: '10.0.0.1',
  page_url: 'https://shop.example/',
  properties: { z: 1, a: [1.5, '\u00e9'] },
  ...over,
});
const transaction = (n: number, total: number) => ({
  transaction_id: uuid(n),
  user_id: uuid(900),
  product_id: uuid(902),
  quantity: 2,
  unit_price: 10.5,
  total_amount: total,
  discount_amount: 1,
  tax_amount: 0.25,
  status: 'completed',
  payment_method: 'paypal',
  shipping_address: 'Bern',
  created_at: noon,
  updated_at: noon,
});
const user = (n: number, tier: string) => ({
  user_id: uuid(n),
  email: 'a@example.com',
  first_name: 'A',
  last_name: 'B',
  date_of_birth: '1990-01-01T00:00:00Z',
  registration_date: '2026-01-01T00:00:00Z',
  country: 'CH',
  city: 'Bern',
  tier,
  is_active: true,
  last_login: null,
});

/** [topic, key, value, headers, time of the Kafka record, date the archive files it under]; the index is the offset. */
type Rec = [string, string, string | null, string | null, string, string];
const onStream = (topic: string, value: unknown, time = '2026-03-10T12:00:01Z', date = '2026-03-10'): Rec => [
  topic,
  uuid(900),
  typeof value === 'string' ? value : JSON.stringify(value),
  null,
  time,
  date,
];
let lsn = 1000;
const change = (n: number, op: string, value: unknown): Rec => {
  lsn += 10;
  const headers = JSON.stringify({
    __op: op,
    __source_lsn: String(lsn),
    __source_ts_ms: String(Date.parse(noon) + lsn),
  });
  return ['cdc.postgres.users', uuid(n), value === null ? null : JSON.stringify(value), headers, noon, '2026-03-10'];
};

const records: Rec[] = [
  onStream('user_events', event(1)),
  // A producer's repetition, and one whose first copy is refused: the good one counts, as in the speed layer.
  onStream('user_events', event(1), '2026-03-10T12:00:05Z'),
  onStream('user_events', event(2), '2026-03-18T12:00:00Z'),
  onStream('user_events', event(2)),
  onStream('user_events', event(3), '2026-03-10T11:54:00Z'),
  onStream('user_events', event(4, { timestamp: '2026-03-11T00:00:00Z' }), '2026-03-11T00:00:00Z', '2026-03-11'),
  onStream('user_events', event(5, { timestamp: '2026-03-10T23:59:59.999999Z' }), '2026-03-11T00:00:01Z'),
  onStream('user_events', event(6, { event_type: 'purchase' })),
  onStream('user_events', event(7, { event_type: 'dance' })),
  onStream('user_events', '{"event_id": "broken'),
  onStream('transactions', transaction(20, 20.25)),
  onStream('transactions', transaction(21, 20.26)),
  change(30, 'c', user(30, 'bronze')),
  change(30, 'u', user(30, 'gold')),
  change(31, 'c', user(31, 'silver')),
  change(31, 'd', null),
  change(32, 'd', null),
  change(33, 'c', user(33, 'bronze')),
  change(33, 'd', null),
  change(33, 'c', user(33, 'platinum')),
];

interface Result {
  manifests: Record<string, Manifest>;
  stage: Record<string, { schema: string; rows: Record<string, unknown>[] }>;
}
interface Manifest {
  rows: number;
  duplicates: number;
  rejected: Record<string, number>;
  tables: Record<string, { files: { path: string; rows: number }[]; rows: number; read: number }>;
}
const results: Record<string, Result> = {};

function settings(archive: 'connect' | 'spark'): string {
  const home = join(scratch, archive);
  const path = join(scratch, `${archive}.json`);
  // Files instead of a database and an object store: the same Iceberg tables, without servers.
  const catalog = {
    'catalog-impl': 'org.apache.iceberg.hadoop.HadoopCatalog',
    'io-impl': 'org.apache.iceberg.hadoop.HadoopFileIO',
    warehouse: `file://${home}/lake`,
  };
  const content = {
    tasks: 2,
    lake: { archive, catalog },
    stage: `file://${home}/stage`,
    localDir: join(home, 'local'),
    rulesDir: join(spark, 'speed'),
    schemasDir: join(root, 'schemas'),
    tablesFile: join(spark, 'batch/tables.json'),
  };
  writeFileSync(path, JSON.stringify(content));
  return path;
}

async function runJob(archive: 'connect' | 'spark'): Promise<Result> {
  const classPath = [join(scratch, 'classes'), ...sparkJars, ...icebergJars].join(':');
  const flags = ['-Xmx640m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...sparkFlags];
  const log = `-Dlog4j2.configurationFile=${join(spark, 'batch/log4j2.properties')}`;
  const program = [
    '-Duser.timezone=UTC',
    log,
    '-cp',
    classPath,
    'lambdactl.batch.SparkBatchFixture',
    scratch,
    settings(archive),
  ];
  const { stdout, stderr } = await exec(java ?? '', [...flags, ...program], {
    signal: new AbortController().signal,
    env: { SPARK_LOCAL_IP: '127.0.0.1' },
  });
  const line = stdout.split('\n').find((each) => each.startsWith('FIXTURE '));
  if (line === undefined) throw new Error(`${stdout}\n${stderr}`);
  return JSON.parse(line.slice('FIXTURE '.length));
}

describe.skipIf(!complete)('the Spark batch job on Iceberg tables', { timeout: 600_000 }, () => {
  beforeAll(async () => {
    mkdirSync(join(scratch, 'classes'));
    writeFileSync(join(scratch, 'records.jsonl'), records.map((record) => JSON.stringify(record)).join('\n'));
    const sources = readdirSync(join(spark, 'src/lambdactl/batch')).map((file) => `batch/${file}`);
    const paths = [...sources, 'speed/Contract.java', 'speed/PlainTime.java', 'lake/LakeConfig.java'].map((file) =>
      join(spark, 'src/lambdactl', file),
    );
    const jars = [...sparkJars, ...icebergJars].join(':');
    const options = ['-jar', ecj ?? '', '--release', '21', '-encoding', 'UTF-8', '-nowarn', '-cp', jars];
    const fixture = join(import.meta.dirname, 'spark.fixture.java');
    const compiled = await exec(java ?? '', [...options, '-d', join(scratch, 'classes'), ...paths, fixture], {
      signal: new AbortController().signal,
    });
    expect(compiled.stderr).toBe('');
    for (const archive of ['connect', 'spark'] as const) results[archive] = await runJob(archive);
  }, 600_000);

  describe.each(['connect', 'spark'] as const)('from the archive of %s', (archive) => {
    const of = () => results[archive] ?? expect.fail('no result');
    const idsOf = (table: string, id: string) =>
      of()
        .stage[table]?.rows.map((row) => Number(String(row[id]).slice(-3)))
        .sort((a, b) => a - b);

    it('keeps the first valid record of every id of the date', () => {
      expect(idsOf('user_events', 'event_id')).toEqual([1, 2, 5]);
      expect(idsOf('transactions', 'transaction_id')).toEqual([20]);
      const manifest = of().manifests.b3;
      expect(manifest).toMatchObject({ duplicates: 1 });
      expect(manifest?.tables.user_events).toMatchObject({ rows: 3 });
    });

    it('rejects what the speed layer rejects, counts it by class and keeps it', () => {
      const { rejected } = of().manifests.b3 ?? expect.fail('no manifest');
      expect(rejected).toEqual({
        in_future: 1,
        malformed: 1,
        missing_field: 1,
        too_late: 1,
        unknown_value: 1,
        wrong_price: 1,
      });
      const classes = of().stage.rejected?.rows.map((row) => row.error_class) ?? [];
      // What the archive could not read stays in its own table.
      const own = ['in_future', 'missing_field', 'too_late', 'wrong_price'];
      expect(classes.sort()).toEqual(archive === 'connect' ? own : [...own, 'malformed', 'unknown_value'].sort());
    });

    it('leaves values as they came, with the types of the warehouse', () => {
      const first = of().stage.user_events?.rows.find((row) => row.event_id === uuid(1));
      expect(first).toMatchObject({ properties: '{"z":1,"a":[1.5,"é"]}', batch_id: 'b3', user_id: uuid(900) });
      expect(of().stage.user_events?.schema).toContain('timestamp TIMESTAMP_NTZ');
      expect(of().stage.transactions?.schema).toContain('total_amount DECIMAL(10,2)');
      const last = of().stage.user_events?.rows.find((row) => row.event_id === uuid(5));
      expect(String(last?.timestamp)).toMatch(/^2026-03-10T23:59:59\.999999/);
    });

    it('gives the last state of a row, its values also when it was deleted', () => {
      const users = Object.fromEntries(of().stage.users?.rows.map((row) => [String(row.user_id).slice(-2), row]) ?? []);
      expect(Object.keys(users).sort()).toEqual(['30', '31', '32', '33']);
      expect(users['30']).toMatchObject({ tier: 'gold', is_deleted: false });
      expect(users['31']).toMatchObject({ tier: 'silver', is_deleted: true });
      expect(users['32']).toMatchObject({ is_deleted: true });
      expect(users['32']).not.toHaveProperty('tier');
      expect(users['33']).toMatchObject({ tier: 'platinum', is_deleted: false });
    });

    it('can be run again, and keeps the last two batches of a date', () => {
      const { b1, b2, b3 } = of().manifests;
      expect([b1?.rows, b2?.rows]).toEqual([b3?.rows, b3?.rows]);
      const stage = join(scratch, archive, 'stage');
      const names = (path: string) =>
        readdirSync(join(stage, path))
          .filter((name) => !name.startsWith('.'))
          .sort();
      expect(names('manifests/date=2026-03-10')).toEqual(['batch=b2.json', 'batch=b3.json']);
      const written = JSON.parse(readFileSync(join(stage, 'manifests/date=2026-03-10/batch=b3.json'), 'utf8'));
      expect(written).toEqual(b3);
      const holding = names('user_events/date=2026-03-10').filter((name) =>
        readdirSync(join(stage, 'user_events/date=2026-03-10', name)).some((file) => file.endsWith('.parquet')),
      );
      expect(holding.map((name) => name.slice('batch='.length))).toEqual(['b2', 'b3']);
    });

    it('writes no file for a date without events, and the dimensions all the same', () => {
      const { empty } = of().manifests;
      expect(empty?.tables.user_events).toMatchObject({ rows: 0, read: 0, files: [] });
      expect(empty?.tables.users).toMatchObject({ rows: 4 });
    });
  });
});
