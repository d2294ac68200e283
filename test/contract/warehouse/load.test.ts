/** Migrations and the load step on the stand-in, with an internal stage in the place of the bucket. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoadManifest, loadDate } from '../../../src/operations/batch/load.ts';
import { applyMigrations } from '../../../src/operations/provision/warehouse.ts';
import { openWarehouse, type WarehouseClient } from '../../../src/probes/snowflake.ts';
import { python, sitePackages, startWarehouse, type TestServer } from './server.ts';

const migrations = join(import.meta.dirname, '../../../templates/warehouse/migrations');

/** Events of a day as the batch job writes them: one file, a row a minute from midnight on. */
const makeParquet = `
import sys, datetime, pyarrow as pa, pyarrow.parquet as pq
path, kind, date, batch, count = sys.argv[1:6]
times = [datetime.datetime.fromisoformat(date) + datetime.timedelta(minutes=i, microseconds=i) for i in range(int(count))]
ids = [f"{date}-{i}" for i in range(int(count))]
if kind == "user_events":
    columns = {"event_id": ids, "user_id": ids, "session_id": ids, "event_type": ["search"] * len(ids), "timestamp": pa.array(times, pa.timestamp("us")), "properties": ["{}"] * len(ids)}
else:
    columns = {"user_id": ids, "tier": ["gold"] * len(ids), "is_deleted": [False] * len(ids), "source_time": pa.array(times, pa.timestamp("us"))}
pq.write_table(pa.table({**columns, "batch_id": [batch] * len(ids)}), path)
`;

/** One file, two threads: the second seeks between the first one's seek and read. */
const interleave = `
import sys, threading, pyarrow.fs
sys.path.insert(0, sys.argv[1])
from store import PositionedFile
path = sys.argv[2]
open(path, "wb").write(bytes(range(100)))
file = PositionedFile(pyarrow.fs.LocalFileSystem().open_input_file(path))
file.seek(10)
other = threading.Thread(target=lambda: (file.seek(50), file.read(5)))
other.start(); other.join()
print(list(file.read(3)), file.tell(), list(file.read(2)), file.seek(-1, 2), list(file.read()))
`;

it.skipIf(sitePackages === undefined)('reads a file of the stage by several threads, each at its own place', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lambdactl-positions-'));
  const server = join(import.meta.dirname, '../../../templates/warehouse/server');
  const env = { PYTHONPATH: sitePackages ?? '', PYTHONDONTWRITEBYTECODE: '1', PATH: process.env.PATH ?? '' };
  const told = execFileSync(python, ['-S', '-c', interleave, server, join(directory, 'file')], { env }).toString();
  rmSync(directory, { recursive: true });
  expect(told.trim()).toBe('[10, 11, 12] 13 [13, 14] 99 [99]');
});

describe.skipIf(sitePackages === undefined)('the load of a date', { timeout: 120_000 }, () => {
  let server: TestServer;
  let client: WarehouseClient;
  const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-load-'));

  const stage = async (kind: string, date: string, batch: string, count: number) => {
    const file = join(scratch, `${kind}-${batch}.parquet`);
    execFileSync(python, ['-S', '-c', makeParquet, file, kind, date, batch, String(count)], {
      env: { PYTHONPATH: sitePackages ?? '', PATH: process.env.PATH ?? '' },
    });
    const admin = await openWarehouse(server.settings('admin'));
    await admin.rows(`PUT file://${file} @RAW.LAKE_STAGE/${kind}/date=${date}/batch=${batch} AUTO_COMPRESS = FALSE`);
    await admin.close();
  };
  const manifest = (events: number, users: number): LoadManifest => ({
    startedAt: '2026-11-21T01:02:03.456Z',
    duplicates: 2,
    rejected: { price: 3, time: 4 },
    tables: { user_events: { rows: events }, users: { rows: users } },
  });
  const count = async (where = '') =>
    Number((await client.rows(`SELECT COUNT(*) AS N FROM RAW.USER_EVENTS ${where}`))[0]?.N);

  beforeAll(async () => {
    server = await startWarehouse();
    const admin = await openWarehouse(server.settings('admin'));
    for (const sql of ['CREATE DATABASE LAMBDA', 'CREATE SCHEMA LAMBDA.RAW', 'USE SCHEMA LAMBDA.RAW'])
      await admin.command(sql);
    expect(await applyMigrations(admin, migrations, '')).toMatch(/^5 migrations applied$/);
    expect(await applyMigrations(admin, migrations, '')).toBe('schema 0005_schemas_of_dbt');
    await admin.close();
    client = await openWarehouse(server.settings('loader'));
  }, 120_000);
  afterAll(async () => {
    await client?.close();
    await server?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('replaces the date and leaves the others', async () => {
    await stage('user_events', '2026-11-19', 'b0', 10);
    await stage('user_events', '2026-11-20', 'b1', 1440);
    await stage('users', '2026-11-20', 'b1', 5);
    await loadDate({ client, date: '2026-11-19', batchId: 'b0', manifest: manifest(10, 0) });
    const { tables } = await loadDate({
      client,
      date: '2026-11-20',
      batchId: 'b1',
      manifest: manifest(1440, 5),
      lakeTime: '2026-11-21T00:00:01Z',
    });
    expect(tables).toMatchObject([
      { table: 'USER_EVENTS', rows: 1440, files: 1 },
      { rows: 0, files: 0 },
      { rows: 0 },
      { table: 'USERS', rows: 5 },
      { rows: 0 },
      { rows: 0 },
    ]);
    expect([await count(), await count("WHERE BATCH_ID = 'b1'")]).toEqual([1450, 1440]);
    await stage('user_events', '2026-11-20', 'b2', 7);
    await loadDate({ client, date: '2026-11-20', batchId: 'b2', manifest: manifest(7, 0) });
    expect(await count()).toBe(17);
    expect(await client.rows('SELECT * FROM RAW.USERS')).toEqual([]);
  });

  it('loads a batch again to the same tables, and records it once', async () => {
    await loadDate({
      client,
      date: '2026-11-20',
      batchId: 'b1',
      manifest: manifest(1440, 5),
      lakeTime: '2026-11-21T00:00:01Z',
    });
    await loadDate({
      client,
      date: '2026-11-20',
      batchId: 'b1',
      manifest: manifest(1440, 5),
      lakeTime: '2026-11-21T00:00:01Z',
    });
    expect(await count()).toBe(1450);
    const batches = await client.rows("SELECT * FROM RAW.BATCHES WHERE BATCH_ID = 'b1'");
    expect(batches).toMatchObject([
      {
        DATE: '2026-11-20',
        EVENTS: 1440,
        REJECTED: 7,
        DUPLICATES: 2,
        STARTED_AT: '2026-11-21T01:02:03.456000Z',
        LAKE_TIME: '2026-11-21T00:00:01.000000Z',
      },
    ]);
    const [row] = await client.rows("SELECT * FROM RAW.USER_EVENTS WHERE EVENT_ID = '2026-11-20-1'");
    expect(row).toMatchObject({
      TIMESTAMP: '2026-11-20T00:01:00.000001Z',
      FILE_NAME: expect.stringMatching(/user_events\/date=2026-11-20\/batch=b1\/.*\.parquet$/),
      LOADED_AT: expect.any(String),
    });
  });

  it('changes nothing when the stage does not hold what the manifest says', async () => {
    const before = await count();
    const request = { client, date: '2026-11-20', batchId: 'b2', manifest: manifest(8, 0) };
    await expect(loadDate(request)).rejects.toThrow(expect.objectContaining({ code: 'BATCH_INCOMPLETE' }));
    expect(await count()).toBe(before);
    expect(await count("WHERE BATCH_ID = 'b1'")).toBe(1440);
  });
});
