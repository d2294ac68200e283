import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStack } from '../../src/operations/stack.ts';
import { withWarehouse } from '../../src/operations/warehouse.ts';
import { cliAt, cliOf, homeOfTests, processesOf, until } from './cli.ts';

// The batch layer on one stack: each test goes on from where the one before left it.
const stack = `batch-${process.pid}`;
const { start, run, must, row } = cliOf(stack);
const project = join(import.meta.dirname, '../..');
/** The day (UTC) of everything this test sends; a run over midnight takes the day it began on. */
const date = new Date().toISOString().slice(0, 10);
const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-batch-'));

const pidOf = async (name: string): Promise<number> => {
  const { components } = await must('status');
  return components.find((each: { name: string }) => each.name === name)?.pid ?? Number.NaN;
};

/** Statements on the warehouse behind everybody's back. */
const tamper = async (...statements: string[]): Promise<void> => {
  const opened = await openStack({ home: homeOfTests, stack });
  const { profile } = opened;
  if (profile === null) throw new Error('the stack is not up');
  await withWarehouse(opened.runtime, profile, 'admin', async (client) => {
    for (const sql of statements) await client.command(sql);
  });
};

const isBatchRunning = () => processesOf(stack, 100_000).some((line) => line.includes('lambdactl.batch.BatchJob'));

const batchRow = async (sql: string): Promise<Record<string, unknown>> =>
  (await must('query', '--layer', 'batch', sql)).rows[0] ?? {};

beforeAll(async () => {
  await must('up', '--profile', 'lite', '--any-port');
});

afterAll(async () => {
  await run('down', '--volumes', '--yes');
  rmSync(scratch, { recursive: true, force: true });
  expect(processesOf(stack)).toEqual([]);
});

describe('a day', () => {
  it('is seeded, generated, processed by the DAG, and both layers agree to the row', async () => {
    await must('seed', '--users', '2000', '--products', '200', '--days', '2');
    const sent = await must('generate', '--rate', '5000', '--duration', '20s', '--bad-rate', '0.01');
    expect(sent.sent).toBeGreaterThan(50_000);
    const triggered = await must('dags', 'trigger', 'daily_batch', '--date', date, '--wait');
    expect(triggered.state).toBe('success');
    const compared = await must('reconcile', '--date', date);
    expect(compared.verdict).toBe('agree');
    for (const { consistencyPercent } of compared.dates[0].entities) expect(consistencyPercent).toBe(100);
  });

  it('passes every test of dbt', async () => {
    const tests = await must('dbt', 'test');
    expect(tests.ok).toBe(true);
    expect(tests.counts.success).toBeGreaterThan(20);
  });

  it('has the same sums in the marts as in the speed layer', async () => {
    const speed = await row(
      `select count() as events, uniqExact(user_id) as users from user_events_realtime where toDate(timestamp) = '${date}'`,
    );
    const marts = await batchRow(`select * from marts.daily_metrics where metric_date = '${date}'`);
    const lower = Object.fromEntries(Object.entries(marts).map(([name, value]) => [name.toLowerCase(), value]));
    expect(Number(lower.unique_users)).toBe(Number(speed.users));
  });

  it('is answered by both layers together, each row marked', async () => {
    const merged = await must('query', '--layer', 'merged', 'select count(*) as events from user_events');
    const total = merged.rows.reduce((sum: number, each: { events: unknown }) => sum + Number(each.events), 0);
    const speed = await row('select count() as events from user_events_realtime');
    expect(total).toBe(Number(speed.events));
    expect(new Set(merged.rows.map((each: { layer: string }) => each.layer))).toEqual(new Set(['batch', 'speed']));
  });

  it('can be read as it was', async () => {
    const { snapshots } = await must('lake', 'snapshots', 'user_events');
    expect(snapshots.length).toBeGreaterThan(0);
    const now = await must(
      'lake',
      'query',
      'select count(*) as n, count(distinct _kafka_partition, _offset) as d from lake.user_events',
    );
    expect(Number(now.rows[0].n)).toBe(Number(now.rows[0].d));
    const first = await must(
      'lake',
      'query',
      '--as-of',
      String(snapshots.at(-1).id ?? snapshots[0].id),
      'select count(*) as n from lake.user_events',
    );
    expect(Number(first.rows[0].n)).toBeLessThanOrEqual(Number(now.rows[0].n));
  });
});

describe('a warehouse changed behind the pipeline', () => {
  it('is found out row by row, and repaired', async () => {
    const ids = (
      await must(
        'query',
        '--layer',
        'batch',
        '--max-rows',
        '6',
        `select event_id from raw.user_events where timestamp >= '${date}' order by event_id limit 5`,
      )
    ).rows.map((each: Record<string, string>) => Object.values(each)[0]);
    const [a, b, c, d, e] = ids;
    const alien = '00000000-0000-4000-8000-00000000a11e';
    await tamper(
      `delete from raw.user_events where event_id in ('${a}', '${b}', '${c}')`,
      `update raw.user_events set browser = 'Netscape' where event_id in ('${d}', '${e}')`,
      `insert into raw.user_events (event_id, user_id, session_id, event_type, timestamp, device_type, browser, ip_address, properties)
       select '${alien}', user_id, session_id, event_type, timestamp, device_type, browser, ip_address, properties from raw.user_events where event_id = '${d}'`,
    );
    const found = await run('reconcile', '--date', date, '--entity', 'user_events');
    expect(found.exitCode).toBe(10);
    const [entity] = found.data.dates[0].entities;
    expect(entity.rows).toMatchObject({ missing: 3, extra: 1, different: 2 });
    const named = entity.differences.map(({ id }: { id: string }) => id).sort();
    expect(named).toEqual([...ids, alien].sort());
    const repaired = await run('reconcile', '--date', date, '--entity', 'user_events', '--repair');
    expect(repaired.exitCode).toBe(0);
    expect((await run('reconcile', '--date', date)).exitCode).toBe(0);
  });
});

describe('killed in the middle', () => {
  it('connect, object store, warehouse and scheduler: a rerun is clean', async () => {
    const generating = start('generate', '--rate', '2000', '--duration', '30s', '--seed', '77');
    for (const name of ['connect', 'objectstore', 'warehouse', 'airflow-scheduler']) {
      process.kill(await pidOf(name), 'SIGKILL');
      await new Promise((settle) => setTimeout(settle, 3000));
    }
    await generating;
    await until(
      async () => (await run('health')).exitCode,
      (code) => code === 0,
      180_000,
    );
    expect((await run('batch', 'run', '--date', date)).exitCode).toBe(0);
    expect((await run('reconcile', '--date', date)).exitCode).toBe(0);
    const lake = await must(
      'lake',
      'query',
      'select count(*) as n, count(distinct _kafka_partition, _offset) as d, max(_offset) as m from lake.user_events',
    );
    expect(Number(lake.rows[0].n)).toBe(Number(lake.rows[0].d));
  });

  it('the Spark batch itself: the date is as it was, and the next run replaces it', async () => {
    const before = await batchRow('select count(*) as n from raw.user_events');
    const batch = start('batch', 'run', '--date', date);
    await until(async () => isBatchRunning(), Boolean);
    batch.kill('SIGKILL');
    await batch.catch(() => {});
    await until(
      async () => isBatchRunning(),
      (runs) => !runs,
    );
    expect(await batchRow('select count(*) as n from raw.user_events')).toEqual(before);
    expect((await run('batch', 'run', '--date', date)).exitCode).toBe(0);
    expect(await batchRow('select count(*) as n from raw.user_events')).toEqual(before);
  });
});

describe('a DAG', () => {
  const repository = join(scratch, 'dags-repo');

  it('that does not load is named by dags list and health, and stops nobody else', async () => {
    cpSync(join(project, 'dags-repo'), repository, { recursive: true });
    writeFileSync(join(repository, 'dags', 'broken.py'), 'from airflow.sdk import DAG\nthis is no python\n');
    // Pushed all the same: it is the user's repository.
    expect((await run('dags', 'sync', '--from', repository, '-m', 'a broken DAG', '--wait')).exitCode).toBe(10);
    const listed = await until(
      () => run('dags', 'list'),
      ({ data }) => data?.importErrors.length > 0,
    );
    expect(listed.data.importErrors[0].file).toContain('broken.py');
    const sick = await run('health');
    expect(sick.exitCode).toBe(10);
    expect(JSON.stringify(sick.data)).toContain('broken.py');
    const dags = listed.data.dags.map(({ dag }: { dag: string }) => dag);
    expect(dags).toEqual(expect.arrayContaining(['daily_batch', 'lake_maintenance', 'backfill', 'dlq_watch']));
  });

  it('is well again when it was corrected', async () => {
    rmSync(join(repository, 'dags', 'broken.py'));
    await must('dags', 'sync', '--from', repository, '-m', 'corrected', '--wait');
    await until(
      () => run('dags', 'list'),
      ({ data }) => data?.importErrors.length === 0,
    );
    await until(
      async () => (await run('health')).exitCode,
      (code) => code === 0,
    );
  });
});

describe('a changed schema', () => {
  /** The project with other schemas, built already. */
  const changed = join(scratch, 'project');
  const file = join(changed, 'schemas', 'user_event.schema.json');

  it('that cannot read old data is refused, the field named', async () => {
    mkdirSync(changed);
    for (const name of ['bin', 'dist', 'src', 'locks', 'profiles', 'templates', 'schemas', 'dags-repo', 'scripts']) {
      cpSync(join(project, name), join(changed, name), { recursive: true, preserveTimestamps: true });
    }
    for (const name of [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'tsconfig.build.json',
      'oclif.manifest.json',
    ]) {
      cpSync(join(project, name), join(changed, name), { preserveTimestamps: true });
    }
    symlinkSync(join(project, 'node_modules'), join(changed, 'node_modules'));
    const schema = JSON.parse(readFileSync(file, 'utf8'));
    schema.properties.campaign = { type: 'string' };
    schema.required.push('campaign');
    writeFileSync(file, JSON.stringify(schema));
    const refused = await run('schemas', 'check', '--directory', join(changed, 'schemas'));
    expect(refused.exitCode).toBe(10);
    const subject = refused.data.subjects.find((each: { subject: string }) => each.subject === 'user_events-value');
    expect(subject.verdict).toBe('incompatible');
    expect(subject.changes).toContainEqual({ field: 'campaign', change: 'new and required', compatible: false });
  });

  it('with a new optional field flows to ClickHouse, Iceberg and dbt', async () => {
    const schema = JSON.parse(readFileSync(file, 'utf8'));
    schema.properties.campaign = { type: ['string', 'null'] };
    schema.required.pop();
    writeFileSync(file, JSON.stringify(schema));
    expect((await run('schemas', 'check', '--directory', join(changed, 'schemas'))).exitCode).toBe(0);
    const other = cliAt(join(changed, 'bin', 'lambdactl'), stack);
    await other.must('up');
    const event = {
      event_id: '3f0c7a52-77a5-4a44-8f16-6a2f4f6d5a10',
      user_id: '3f0c7a52-77a5-4a44-8f16-6a2f4f6d5a11',
      session_id: '3f0c7a52-77a5-4a44-8f16-6a2f4f6d5a12',
      event_type: 'page_view',
      timestamp: new Date().toISOString(),
      device_type: 'mobile',
      browser: 'Firefox',
      ip_address: '192.0.2.7',
      page_url: '/',
      campaign: 'november',
      properties: { referrer: null, duration_seconds: 3 },
    };
    const events = join(scratch, 'events.jsonl');
    writeFileSync(events, `${JSON.stringify(event)}\n`);
    expect((await other.must('ingest', events)).files[0].sent).toBe(1);
    const where = `where event_id = '${event.event_id}'`;
    const seen = await until(
      () => other.row(`select campaign from user_events_realtime ${where}`),
      ({ campaign }) => campaign === 'november',
    );
    expect(seen.campaign).toBe('november');
    expect((await other.run('batch', 'run', '--date', event.timestamp.slice(0, 10))).exitCode).toBe(0);
    const lake = await other.must('lake', 'query', `select campaign from lake.user_events ${where}`);
    expect(lake.rows).toEqual([{ campaign: 'november' }]);
    const cleaned = await other.must(
      'query',
      '--layer',
      'batch',
      `select campaign from staging.events_cleaned ${where}`,
    );
    expect(Object.values(cleaned.rows[0])).toEqual(['november']);
  });
});

describe('history of the user’s own', () => {
  it('goes straight into the lake, and into the warehouse by the date’s batch', async () => {
    const old = new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 10);
    const csv = join(scratch, 'history.csv');
    const id = (n: number) => `3f0c7a52-77a5-4a44-8f16-00000000000${n}`;
    writeFileSync(
      csv,
      `when,user,page\n${old} 10:00:00,${id(1)},/a\n${old} 11:00:00,${id(2)},/b\n${old} 11:00:00,${id(2)},/b\n`,
    );
    const mapping = join(scratch, 'history.yaml');
    writeFileSync(
      mapping,
      `fields:
  event_id: { uuid_of: [when, user, page] }
  user_id: user
  session_id: user
  event_type: { value: page_view }
  timestamp: when
  device_type: { value: desktop }
  browser: { value: Lynx }
  ip_address: { value: 192.0.2.1 }
  page_url: page
  properties: { value: { referrer: null } }
`,
    );
    const taken = await must('ingest', csv, '--mapping', mapping, '--to', 'lake');
    expect(taken.files[0]).toMatchObject({ rows: 3, sent: 3, invalid: 0 });
    expect((await run('batch', 'run', '--date', old)).exitCode).toBe(0);
    const loaded = await batchRow(
      `select count(*) as n, count(distinct event_id) as d from raw.user_events where timestamp >= '${old}' and timestamp < '${old}'::date + 1`,
    );
    expect(Object.values(loaded).map(Number)).toEqual([2, 2]);
    expect((await row(`select count() as n from user_events_realtime where browser = 'Lynx'`)).n).toBe(0);
  });
});

describe('secrets', () => {
  it('of accounts are sealed, checked and never shown', async () => {
    const secret = 'wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY';
    const set = await cliOf(stack, { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: secret }).run(
      'secrets',
      'set',
      's3',
    );
    expect(set.exitCode).toBe(0);
    expect(JSON.stringify(set)).not.toContain(secret);
    const checked = await run('secrets', 'check');
    expect(checked.exitCode).toBe(0);
    expect(JSON.stringify(checked)).not.toContain(secret);
    expect(readFileSync(join(homeOfTests, 'stacks', stack, 'secrets.json'), 'utf8')).not.toContain(secret);
    expect((await run('secrets', 'set', 'snowflake')).error?.code).toBe('SECRET_MISSING');
  });
});
