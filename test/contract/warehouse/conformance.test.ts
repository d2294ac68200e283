/**
 * Every kind of statement that the project sends to its warehouse, through both of Snowflake's clients: against the stand-in, and
 * against a real account where LAMBDACTL_SNOWFLAKE_TEST_* name one (docs/warehouse.md), with the same expected results.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LambdaError } from '../../../src/core/errors.ts';
import { openWarehouse, type WarehouseClient, type WarehouseSettings } from '../../../src/probes/snowflake.ts';
import { python, sitePackages, startWarehouse, type TestServer } from './server.ts';

interface Statement {
  sql: string;
  binds?: (string | number | null)[];
  /** Expected: rows, how many, rows changed, or Snowflake's error code. */
  rows?: unknown[][];
  count?: number;
  affected?: number;
  error?: string;
}

type Outcome = { rows: unknown[][]; affected: number } | { error: string };

const statements: Statement[] = JSON.parse(readFileSync(join(import.meta.dirname, 'statements.json'), 'utf8'));
const prepare = ['CREATE DATABASE IF NOT EXISTS LAMBDA', 'CREATE SCHEMA IF NOT EXISTS LAMBDA.RAW']
  .concat(
    'CREATE SCHEMA IF NOT EXISTS LAMBDA.STAGING',
    'CREATE SCHEMA IF NOT EXISTS LAMBDA.MARTS',
    'USE SCHEMA LAMBDA.RAW',
  )
  .map((sql) => ({ sql }));

async function runNode(client: WarehouseClient, { sql, binds }: Statement): Promise<Outcome> {
  try {
    const rows = await client.rows(sql, binds);
    return { rows: rows.map((row) => Object.values(row)), affected: 0 };
  } catch (error) {
    if (error instanceof LambdaError) return { error: String(error.details.snowflakeCode) };
    throw error;
  }
}

function runPython(connect: Record<string, unknown>, list: readonly Statement[]): Promise<Outcome[]> {
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      PYTHONPATH: sitePackages ?? '',
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONWARNINGS: 'ignore',
    };
    const script = join(import.meta.dirname, 'run.py');
    const child = execFile(python, ['-S', script], { env, maxBuffer: 2 ** 24 }, (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    );
    child.stdin?.end(JSON.stringify({ connect, statements: list }));
  });
}

/** @param affected whether the outcome knows how many rows were changed */
function compare(statement: Statement, outcome: Outcome | undefined, affected: boolean): void {
  const told = { sql: statement.sql, ...outcome };
  const expected = statement.error === undefined ? { rows: expect.anything() } : { error: statement.error };
  expect.soft(told).toMatchObject({ sql: statement.sql, ...expected });
  if (outcome === undefined || 'error' in outcome) return;
  if (statement.rows) expect.soft(told).toMatchObject({ rows: statement.rows });
  if (statement.count !== undefined) expect.soft(outcome.rows, statement.sql).toHaveLength(statement.count);
  if (statement.affected !== undefined) {
    // The row of a change holds its counts: of a MERGE by kind, of an UPDATE with multi-joined rows.
    const counted = outcome.rows.flat().reduce<number>((sum, value) => sum + Number(value), 0);
    expect.soft(affected ? outcome.affected : counted, statement.sql).toBe(statement.affected);
  }
}

async function conforms(settings: WarehouseSettings, connect: Record<string, unknown>): Promise<void> {
  const client = await openWarehouse(settings);
  try {
    for (const statement of [...prepare, ...statements]) compare(statement, await runNode(client, statement), false);
  } finally {
    await client.close();
  }
  const outcomes = await runPython(connect, [...prepare, ...statements]);
  for (const [index, statement] of statements.entries()) compare(statement, outcomes[prepare.length + index], true);
}

describe.skipIf(sitePackages === undefined)('the stand-in', { timeout: 300_000 }, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startWarehouse();
  }, 120_000);
  afterAll(() => server?.stop());

  it('gives what Snowflake gives', async () => {
    const { user, password, role } = server.settings('admin');
    const connect = {
      user,
      password,
      role,
      account: 'embedded',
      host: '127.0.0.1',
      port: server.port,
      protocol: 'http',
    };
    await conforms(server.settings('admin'), connect);
  });
});

const account = process.env.LAMBDACTL_SNOWFLAKE_TEST_ACCOUNT;
describe.skipIf(!account || sitePackages === undefined)('a real account', { timeout: 900_000 }, () => {
  it('gives the same', async () => {
    const variable = (name: string) => process.env[`LAMBDACTL_SNOWFLAKE_TEST_${name}`] ?? '';
    const [user, role, warehouse, path] = ['USER', 'ROLE', 'WAREHOUSE', 'PRIVATE_KEY_PATH'].map(variable) as [
      string,
      string,
      string,
      string,
    ]; // four names, four values
    await conforms(
      { target: 'snowflake', account: account ?? '', user, role, warehouse, database: 'LAMBDA', privateKey: { path } },
      { account, user, role, warehouse, authenticator: 'SNOWFLAKE_JWT', private_key_file: path },
    );
  });
});
