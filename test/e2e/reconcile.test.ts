import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XMLValidator } from 'fast-xml-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStack } from '../../src/operations/stack.ts';
import { settingsOf } from '../../src/operations/warehouse.ts';
import { type ClickHouseClient, openClickHouse } from '../../src/probes/clickhouse.ts';
import { openWarehouse, type WarehouseClient } from '../../src/probes/snowflake.ts';
import {
  batchInsert,
  date,
  defectStatements,
  defects,
  events,
  lakeTime,
  onDate,
  speedInsert,
} from '../support/two-layers.ts';
import { cliOf, homeOfTests } from './cli.ts';

/** Both engines for real, no Kafka: what is compared is what the test put there. */
const given = process.env.RECONCILE_STACK;
const stack = given ?? 'e2e-reconcile';
const { run, must } = cliOf(stack);
const rows = events(2000);
const reports = mkdtempSync(join(tmpdir(), 'reconcile-'));
let speed: ClickHouseClient;
let batch: WarehouseClient;

const timestamp = (time: number) => `'${new Date(time).toISOString().slice(0, 23).replace('T', ' ')}'::TIMESTAMP_NTZ`;

beforeAll(async () => {
  if (given === undefined) {
    await must('up', '--profile', 'lite', '--only', 'clickhouse', '--only', 'warehouse', '--any-port');
  }
  const opened = await openStack({ home: homeOfTests, stack });
  if (opened.profile === null) throw new Error('the stack has no profile');
  speed = openClickHouse(await opened.runtime.endpoint('clickhouse', 'admin'), 'lambda');
  batch = await openWarehouse(await settingsOf(opened.runtime, opened.profile, 'admin'));
  for (const table of ['user_events_realtime', 'transactions_realtime', 'events_speed']) {
    await speed.command(`TRUNCATE TABLE lambda.${table}`);
  }
  for (const table of ['USER_EVENTS', 'TRANSACTIONS', 'EXTERNAL_EVENTS', 'BATCHES'])
    await batch.command(`DELETE FROM RAW.${table}`);
});

afterAll(async () => {
  rmSync(reports, { recursive: true });
  await Promise.all([speed?.close(), batch?.close()]);
  if (given === undefined) await must('down', '--volumes', '--yes');
});

const eventsOf = (data: { dates: { entities: { entity: string }[] }[] }) =>
  data.dates[0]?.entities.find(({ entity }) => entity === 'user_events');

describe('reconcile', () => {
  it('refuses a date that is none, with exit code 2', async () => {
    expect(await run('reconcile', '--date', '2026-02-30')).toMatchObject({ exitCode: 2, error: { code: 'BAD_DATE' } });
  });

  it('cannot compare a date without a batch: exit code 1 and what to do', async () => {
    const answer = await run('reconcile', '--date', date);
    expect(answer).toMatchObject({
      exitCode: 1,
      error: { code: 'NOT_READY', actions: [`lambdactl batch run --date ${date}`] },
    });
  });

  it('finds layers equal that hold the same rows in other forms', async () => {
    await speed.command(speedInsert(rows, lakeTime - 1000));
    for (let from = 0; from < rows.length; from += 250) await batch.command(batchInsert(rows.slice(from, from + 250)));
    await batch.command(
      `INSERT INTO RAW.BATCHES (BATCH_ID, DATE, STARTED_AT, FINISHED_AT, LAKE_TIME) SELECT 'batch-1', '${date}'::DATE, ${timestamp(lakeTime)}, ${timestamp(lakeTime)}, ${timestamp(lakeTime)}`,
    );
    const { exitCode, data, error } = await run('reconcile', '--date', date);
    expect(error).toBeNull();
    expect(eventsOf(data)).toMatchObject({
      consistencyPercent: 100,
      differences: [],
      rows: { matching: onDate(rows.length), late: 0 },
    });
    expect([exitCode, data.verdict, data.dates[0].day]).toEqual([0, 'agree', 'finished']);
  });

  it('names exactly six planted defects, with the columns and both values', async () => {
    for (const sql of defectStatements()) await batch.command(sql);
    const files = ['--html', join(reports, 'report.html'), '--junit', join(reports, 'report.xml')];
    const { exitCode, data } = await run('reconcile', '--date', date, ...files);
    const found = eventsOf(data);
    expect(found).toMatchObject({ rows: { missing: 3, extra: 1, different: 2, duplicate: 0 }, notNamed: 0 });
    const { differences } = found as unknown as { differences: { id: string; kind: string; columns: unknown[] }[] };
    const ids = (kind: string) => differences.filter((row) => row.kind === kind).map(({ id }) => id);
    expect(ids('missing')).toEqual(defects.missing);
    expect(ids('extra')).toEqual([defects.extra]);
    const columns = (id: string) => differences.find((row) => row.id === id)?.columns;
    expect(columns(defects.different.nullId)).toEqual([{ column: 'page_url', speed: null, batch: '' }]);
    expect(columns(defects.different.movedId)).toEqual([
      { column: 'device_type', speed: 'x|y', batch: 'x' },
      { column: 'browser', speed: 'z', batch: 'y|z' },
    ]);
    expect([exitCode, data.verdict]).toEqual([10, 'differ']);
    expect(data.dates[0].sla.breached).toBe(Date.now() > Date.parse(data.dates[0].sla.dueAt));
    expect(XMLValidator.validate(readFileSync(join(reports, 'report.xml'), 'utf8'))).toBe(true);
    expect(readFileSync(join(reports, 'report.html'), 'utf8')).toContain(defects.extra);
  });

  it('names no more than it is asked for, and counts all', async () => {
    const { data } = await run('reconcile', '--date', date, '--max-rows', '2', '--entity', 'user_events');
    expect(eventsOf(data)).toMatchObject({ notNamed: 4, rows: { missing: 3, extra: 1, different: 2 } });
    expect(eventsOf(data)).toHaveProperty('differences.length', 2);
  });

  it('tells late rows from lost ones', async () => {
    const late = events(12)
      .slice(10)
      .map((row, n) => ({ ...row, event_id: `0000000${n}-1a7e-4000-8000-00000000000${n}` }));
    await speed.command(speedInsert(late, lakeTime + 1000));
    const { data } = await run('reconcile', '--date', date, '--entity', 'user_events');
    expect(eventsOf(data)).toMatchObject({ rows: { missing: 3, late: 2 } });
  });

  it('sees a copy too many on one side', async () => {
    await speed.command(speedInsert(rows.slice(20, 21), lakeTime - 1000));
    const { data } = await run('reconcile', '--date', date, '--entity', 'user_events');
    expect(eventsOf(data)).toMatchObject({ rows: { missing: 4, duplicate: 1 } });
    const duplicates = (
      eventsOf(data) as unknown as { differences: { kind: string; copies: unknown }[] }
    ).differences.filter(({ kind }) => kind === 'duplicate');
    expect(duplicates).toMatchObject([{ copies: { speed: 2, batch: 1 } }]);
  });

  it('keeps every result', async () => {
    const { runs } = await must('reconcile', '--history');
    expect(runs.map(({ verdict }: { verdict: string }) => verdict)).toEqual([
      'differ',
      'differ',
      'differ',
      'differ',
      'agree',
      'not-ready',
    ]);
  });
});
