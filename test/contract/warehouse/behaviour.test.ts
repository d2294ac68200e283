/** What Snowflake does that DuckDB does not: who may do what, sessions, transactions, files. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWarehouse, type WarehouseClient } from '../../../src/probes/snowflake.ts';
import { passwordOf, sitePackages, startWarehouse, type TestServer, type UserName } from './server.ts';

describe.skipIf(sitePackages === undefined)('the stand-in', { timeout: 120_000 }, () => {
  let server: TestServer;
  let admin: WarehouseClient;
  const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-warehouse-files-'));
  const open = (user: UserName) => openWarehouse(server.settings(user));
  const refused = (snowflakeCode: string) =>
    expect.objectContaining({ details: expect.objectContaining({ snowflakeCode }) });
  const values = async (client: WarehouseClient, sql: string) =>
    (await client.rows(sql)).map((row) => Object.values(row));

  beforeAll(async () => {
    server = await startWarehouse();
    admin = await open('admin');
    for (const name of [
      'DATABASE IF NOT EXISTS LAMBDA',
      'SCHEMA LAMBDA.RAW',
      'SCHEMA LAMBDA.STAGING',
      'SCHEMA LAMBDA.MARTS',
    ])
      await admin.command(`CREATE ${name}`);
    await admin.command('CREATE TABLE RAW.T (ID STRING, N NUMBER(10, 0))');
    await admin.command("INSERT INTO RAW.T VALUES ('a', 1), ('b', 2)");
  }, 120_000);
  afterAll(async () => {
    await admin?.close();
    await server?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('knows its users by password, and shows none in its log', async () => {
    const wrong = { ...server.settings('reader'), password: 'guessed' };
    await expect(openWarehouse(wrong)).rejects.toThrow(expect.objectContaining({ code: 'WAREHOUSE_REFUSED' }));
    await expect(openWarehouse({ ...wrong, user: 'NOBODY' })).rejects.toThrow(
      expect.objectContaining({ code: 'WAREHOUSE_REFUSED' }),
    );
    await expect(openWarehouse({ ...server.settings('reader'), role: 'LAMBDA_ADMIN' })).rejects.toThrow(/not granted/);
    const nobody = { ...server.settings('reader'), url: 'http://127.0.0.1:9' };
    await expect(openWarehouse(nobody)).rejects.toThrow(expect.objectContaining({ code: 'WAREHOUSE_UNREACHABLE' }));
    await admin
      .command(
        "CREATE STAGE RAW.CREDENTIALS URL = 's3://x/' CREDENTIALS = (AWS_KEY_ID = 'key-id' AWS_SECRET_KEY = 'secret-key')",
      )
      .catch(() => {});
    await admin.rows(`SELECT '${'long'.repeat(100)}'`);
    expect(server.log()).toContain('login refused');
    expect(server.log()).not.toMatch(/guessed|secret-|key-id|longlonglong/);
    expect(server.log()).not.toContain(passwordOf('admin'));
  });

  it('takes a token signed with a registered key, and no other', async () => {
    const keys = () =>
      generateKeyPairSync('rsa', {
        modulusLength: 2048,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      });
    const [own, other] = [keys(), keys()];
    await admin.command(
      `ALTER USER LAMBDA_READER SET RSA_PUBLIC_KEY = '${own.publicKey.replaceAll(/-----.*-----|\n/g, '')}'`,
    );
    const { default: snowflake } = await import('snowflake-sdk');
    const login = async (username: string, privateKey: string) => {
      const { url: accessUrl } = server.settings('reader');
      const connection = snowflake.createConnection({
        account: 'embedded',
        accessUrl,
        username,
        authenticator: 'SNOWFLAKE_JWT',
        privateKey,
      });
      await new Promise<void>((resolve, reject) => {
        connection.connect((error) => (error ? reject(error) : resolve()));
      });
      await new Promise((resolve) => connection.destroy(resolve));
    };
    await login('LAMBDA_READER', own.privateKey);
    await expect(login('LAMBDA_READER', other.privateKey)).rejects.toThrow(/JWT token is invalid/);
    await expect(login('LAMBDA_ADMIN', own.privateKey)).rejects.toThrow(/JWT token is invalid/);
  });

  it('lets every role do its own work only', async () => {
    const can: Record<Exclude<UserName, 'admin'>, [string[], string[]]> = {
      reader: [
        ['SELECT * FROM RAW.T'],
        [
          "INSERT INTO RAW.T VALUES ('x', 1)",
          'DROP TABLE RAW.T',
          'CREATE TABLE MARTS.R (A INT)',
          'CREATE DATABASE OTHER',
          'USE ROLE LAMBDA_ADMIN',
          "DELETE FROM IDENTIFIER('RAW.T')",
        ],
      ],
      loader: [
        ["INSERT INTO RAW.T VALUES ('l', 9)", "DELETE FROM RAW.T WHERE ID = 'l'"],
        ['CREATE TABLE MARTS.R (A INT)', 'SELECT * FROM MARTS.M', 'CREATE SCHEMA LAMBDA.MINE'],
      ],
      dbt: [
        [
          'CREATE OR REPLACE TABLE MARTS.M AS SELECT * FROM RAW.T',
          'CREATE SCHEMA IF NOT EXISTS LAMBDA.MARTS_DBT_TEST__AUDIT',
        ],
        [
          'UPDATE RAW.T SET N = 0',
          'TRUNCATE TABLE RAW.T',
          'MERGE INTO RAW.T USING MARTS.M S ON FALSE WHEN NOT MATCHED THEN INSERT VALUES (S.ID, S.N)',
        ],
      ],
    };
    for (const [user, [allowed, denied]] of Object.entries(can)) {
      const client = await open(user as UserName); // a key of `can`
      for (const sql of allowed) await client.command(sql);
      for (const sql of denied)
        await expect(client.command(sql), `${user}: ${sql}`).rejects.toThrow(/Insufficient privileges|does not exist/);
      await client.close();
    }
    await expect(admin.rows("SELECT * FROM READ_CSV('/etc/hostname')")).rejects.toThrow(refused('000002'));
    await expect(admin.rows("SELECT * FROM '/etc/hostname'")).rejects.toThrow(refused('000002'));
  });

  it('shows a temporary table to its session alone', async () => {
    const other = await open('admin');
    await admin.command('CREATE TEMPORARY TABLE RAW.MINE AS SELECT 1 AS A');
    await expect(other.rows('SELECT * FROM RAW.MINE')).rejects.toThrow(refused('002003'));
    await other.command('CREATE TEMPORARY TABLE RAW.MINE AS SELECT 2 AS A');
    expect(await values(admin, 'SELECT MINE.A FROM RAW.MINE')).toEqual([[1]]);
    await admin.command('CREATE OR REPLACE TEMPORARY TABLE RAW.MINE AS SELECT A + 10 AS A FROM RAW.MINE');
    expect(await values(admin, 'SELECT A FROM LAMBDA.RAW.MINE')).toEqual([[11]]);
    await admin.command('DROP TABLE RAW.MINE');
    await other.close();
  });

  it('never commits half a transaction', async () => {
    await admin.command('BEGIN');
    await admin.command("INSERT INTO RAW.T VALUES ('lost', 1)");
    await expect(admin.rows("SELECT 'x'::INT")).rejects.toThrow(refused('100038'));
    await expect(admin.rows('SELECT 1')).rejects.toThrow(/rolled back/);
    await expect(admin.command('COMMIT')).rejects.toThrow(/rolled back/);
    expect(await values(admin, "SELECT COUNT(*) FROM RAW.T WHERE ID = 'lost'")).toEqual([[0]]);
  });

  it('queues writers of a table, also behind a transaction', async () => {
    const others = await Promise.all([1, 2, 3, 4].map(() => open('loader')));
    await admin.command('BEGIN');
    await admin.command("UPDATE RAW.T SET N = N + 1 WHERE ID = 'a'");
    const waiting = others.map((client) => client.command("UPDATE RAW.T SET N = N + 1 WHERE ID = 'a'"));
    expect(await values(admin, "SELECT N FROM RAW.T WHERE ID = 'a'")).toEqual([[2]]);
    await admin.command('COMMIT');
    await Promise.all(waiting);
    expect(await values(admin, "SELECT N FROM RAW.T WHERE ID = 'a'")).toEqual([[6]]);
    await Promise.all(others.map((client) => client.close()));
  });

  it('copies with ON_ERROR, and tells what it did as Snowflake does', async () => {
    writeFileSync(join(scratch, 'good.csv'), 'p,1\nq,2\n');
    writeFileSync(join(scratch, 'bad.csv'), 'r,3\ns,four\nt,5\n');
    await admin.command('CREATE STAGE RAW.FILES');
    for (const file of ['good.csv', 'bad.csv'])
      await admin.rows(`PUT file://${join(scratch, file)} @RAW.FILES/in AUTO_COMPRESS = FALSE`);
    expect((await admin.rows('LIST @RAW.FILES/in')).map((row) => row.name)).toEqual([
      'files/in/bad.csv',
      'files/in/good.csv',
    ]);
    const copy = async (onError: string) => {
      await admin.command('CREATE OR REPLACE TABLE RAW.C (ID STRING, N NUMBER(10, 0))');
      const rows = await admin.rows(
        `COPY INTO RAW.C FROM @RAW.FILES/in/ FILE_FORMAT = (TYPE = CSV) ON_ERROR = ${onError}`,
      );
      const [[count]] = (await values(admin, 'SELECT COUNT(*) FROM RAW.C')) as [[number]]; // one row of one column
      return [
        count,
        ...rows.map(
          (row) =>
            `${row.status} ${row.rows_loaded}/${row.rows_parsed} ${row.errors_seen} ${row.first_error_column_name}`,
        ),
      ];
    };
    await expect(copy('ABORT_STATEMENT')).rejects.toThrow(refused('100038'));
    expect(await copy('CONTINUE')).toEqual([4, 'PARTIALLY_LOADED 2/3 1 N', 'LOADED 2/2 0 null']);
    expect(await copy('SKIP_FILE')).toEqual([2, 'LOAD_FAILED 0/3 1 N', 'LOADED 2/2 0 null']);
    expect(await copy("'SKIP_FILE_50%'")).toEqual([4, 'PARTIALLY_LOADED 2/3 1 N', 'LOADED 2/2 0 null']);
    const again = await admin.rows(
      "COPY INTO RAW.C FROM @RAW.FILES/in/ FILE_FORMAT = (TYPE = CSV) PATTERN = '.*good.*'",
    );
    expect(again).toMatchObject([{ status: 'LOAD_SKIPPED', rows_loaded: 0 }]);
    expect(await admin.rows('REMOVE @RAW.FILES/in/good.csv')).toMatchObject([{ result: 'removed' }]);
    expect(await admin.rows('LIST @RAW.FILES')).toHaveLength(1);
  });

  it('streams a long result whole and in order', async () => {
    let [count, last] = [0, -1];
    for await (const row of admin.stream(
      'SELECT SEQ4() AS I, TO_VARCHAR(SEQ4()) AS S FROM TABLE(GENERATOR(ROWCOUNT => 65000)) ORDER BY 1',
    )) {
      expect(Number(row.S)).toBe(row.I);
      expect(row.I).toBe(last + 1);
      [count, last] = [count + 1, Number(row.I)];
    }
    expect(count).toBe(65_000);
  });

  it('holds after kill -9 everything that it acknowledged', async () => {
    const writer = await open('loader');
    await admin.command('CREATE OR REPLACE TABLE RAW.K (I NUMBER(10, 0))');
    for (let i = 0; i < 50; i += 1) await writer.command('INSERT INTO RAW.K VALUES (?)', [i]);
    await writer.command('BEGIN');
    await writer.command('INSERT INTO RAW.K VALUES (1000)');
    await server.killAndRestart();
    admin = await open('admin');
    expect(await values(admin, 'SELECT COUNT(*), SUM(I) FROM RAW.K')).toEqual([[50, 1225]]);
    expect(await admin.rows('LIST @RAW.FILES')).toHaveLength(1);
  });

  it('says plainly what it is and what it cannot', async () => {
    expect(await values(admin, 'SELECT CURRENT_VERSION(), CURRENT_ACCOUNT(), CURRENT_USER()')).toEqual([
      [expect.stringContaining('embedded'), 'EMBEDDED', 'LAMBDA_ADMIN'],
    ]);
    for (const sql of [
      'CREATE STREAM S ON TABLE RAW.T',
      'CREATE TASK T AS SELECT 1',
      'SELECT * FROM RAW.T AT (OFFSET => -60)',
      'SELECT $1 FROM @RAW.FILES',
      'SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))',
      'SELECT 1; SELECT 2',
      "ALTER SESSION SET TIMEZONE = 'Europe/Berlin'",
    ])
      await expect(admin.rows(sql), sql).rejects.toThrow(/[Uu]nsupported|statement count/);
    await expect(admin.rows("ATTACH '/tmp/x.db'")).rejects.toThrow(refused('001003'));
  });
});
