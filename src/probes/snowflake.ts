import type { Bind, Column, Connection, RowStatement, SnowflakeError } from 'snowflake-sdk';
import { externalError, type LambdaError, messageOf, usageError } from '../core/errors.ts';
import { getHttp } from '../system/http.ts';

/** Where the warehouse answers, and as whom. */
export type WarehouseSettings = { database: string; role: string } & (
  | { target: 'embedded'; url: string; user: string; password: string }
  | {
      target: 'snowflake';
      account: string;
      user: string;
      /** Virtual warehouse. */
      warehouse: string;
      /** The key's PEM text, or the file it lies in. */
      privateKey: { pem: string } | { path: string; passphrase?: string };
    }
);

/**
 * A value as it comes out of the warehouse. Whole numbers that a JavaScript number holds exactly are numbers, wider ones and all
 * decimals their exact text; FLOAT is a number. DATE is "YYYY-MM-DD", TIME "HH:MM:SS", every TIMESTAMP
 * "YYYY-MM-DDTHH:MM:SS.ffffffZ" (an NTZ one is taken for UTC). VARIANT, OBJECT and ARRAY are their JSON text, BINARY upper-case hex.
 */
export type WarehouseValue = string | number | boolean | null;
export type WarehouseRow = Record<string, WarehouseValue>;

export interface WarehouseClient {
  /** Column names as the warehouse gives them: upper case unless quoted. @throws LambdaError BAD_SQL, WAREHOUSE_UNREACHABLE */
  rows<T extends WarehouseRow = WarehouseRow>(sql: string, binds?: readonly Bind[]): Promise<T[]>;
  /** @returns rows inserted, updated or deleted; 0 for other statements. @throws as rows */
  command(sql: string, binds?: readonly Bind[]): Promise<number>;
  /** Row by row, for results that should not lie in memory whole. @throws as rows, while it is read */
  stream(sql: string, binds?: readonly Bind[]): AsyncIterable<WarehouseRow>;
  close(): Promise<void>;
}

/** Opens one session, in UTC. Statements of a session run one after the other. @throws LambdaError WAREHOUSE_REFUSED, WAREHOUSE_UNREACHABLE */
export async function openWarehouse(settings: WarehouseSettings): Promise<WarehouseClient> {
  const where = settings.target === 'embedded' ? settings.url : `Snowflake account ${settings.account}`;
  // The driver would go on knocking for minutes.
  if (settings.target === 'embedded') await mustAnswer(settings.url);
  const connection = await connect(settings);
  try {
    await login(connection);
  } catch (error) {
    throw explain(error, where, 'login');
  }
  const run = (sql: string, binds: readonly Bind[] | undefined, streamResult: boolean) =>
    execute(connection, sql, binds, streamResult, where);
  const client: WarehouseClient = {
    rows: async <T extends WarehouseRow>(sql: string, binds?: readonly Bind[]) => {
      const { statement, rows } = await run(sql, binds, false);
      const read = reader(statement.getColumns() ?? []);
      return rows.map((row) => read(row) as T); // the caller names its columns
    },
    command: async (sql, binds) => {
      const { statement } = await run(sql, binds, false);
      // -1 where the statement changes no rows; undefined for some.
      return Math.max(0, statement.getNumUpdatedRows() ?? 0);
    },
    stream: async function* (sql, binds) {
      const { statement } = await run(sql, binds, true);
      const read = reader(statement.getColumns() ?? []);
      try {
        for await (const row of statement.streamRows()) yield read(row);
      } catch (error) {
        throw explain(error, where, 'statement');
      }
    },
    // A session that cannot be closed is closed by the server in time.
    close: () => new Promise((resolve) => connection.destroy(() => resolve())),
  };
  if (settings.target === 'snowflake') await client.command("ALTER SESSION SET TIMEZONE = 'UTC'");
  return client;
}

async function mustAnswer(url: string): Promise<void> {
  try {
    const { status } = await getHttp(`${url}/healthz`, {}, AbortSignal.timeout(10_000));
    if (status !== 200) throw new Error(`/healthz answers ${status}`);
  } catch (error) {
    throw unreachable(error, url);
  }
}

/** connectAsync is fulfilled after a refused login as well. */
function login(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
}

/** Loaded with the first connection: it takes 0.3 s and 60 MB. */
async function connect(settings: WarehouseSettings): Promise<Connection> {
  // It would load a native library and ask the cloud's metadata address where it runs.
  process.env.SNOWFLAKE_DISABLE_MINICORE ??= 'true';
  process.env.SNOWFLAKE_DISABLE_PLATFORM_DETECTION ??= 'true';
  const { default: snowflake } = await import('snowflake-sdk');
  const silent = () => {};
  const customLogger = { error: silent, warn: silent, info: silent, debug: silent, trace: silent };
  snowflake.configure({ logLevel: 'OFF', additionalLogToConsole: false, customLogger });
  const { database, role } = settings;
  const common = {
    application: 'lambdactl',
    database,
    role,
    rowMode: 'array' as const,
    fetchAsString,
    representNullAsStringNull: false,
  };
  if (settings.target === 'embedded') {
    const { url, user, password } = settings;
    return snowflake.createConnection({ ...common, account: 'embedded', accessUrl: url, username: user, password });
  }
  const { account, user, warehouse, privateKey } = settings;
  const key =
    'pem' in privateKey
      ? { privateKey: privateKey.pem }
      : {
          privateKeyPath: privateKey.path,
          ...(privateKey.passphrase === undefined ? {} : { privateKeyPass: privateKey.passphrase }),
        };
  return snowflake.createConnection({
    ...common,
    account,
    username: user,
    warehouse,
    authenticator: 'SNOWFLAKE_JWT',
    ...key,
  });
}

/** Numbers and JSON as their text: exact, and the driver's own way with JSON is to evaluate it. */
const fetchAsString: ('Number' | 'JSON' | 'Buffer')[] = ['Number', 'JSON', 'Buffer'];

interface Executed {
  statement: RowStatement;
  rows: readonly unknown[][];
}

function execute(
  connection: Connection,
  sqlText: string,
  binds: readonly Bind[] | undefined,
  streamResult: boolean,
  where: string,
): Promise<Executed> {
  return new Promise((resolve, reject) => {
    connection.execute({
      sqlText,
      streamResult,
      ...(binds === undefined ? {} : { binds }),
      complete: (error, statement, rows) => {
        if (error) reject(explain(error, where, 'statement'));
        else resolve({ statement, rows: rows ?? [] });
      },
    });
  });
}

type Convert = (value: unknown) => WarehouseValue;

function reader(columns: readonly Column[]): (row: unknown) => WarehouseRow {
  const converts = columns.map((column): [string, Convert] => [column.getName(), converter(column)]);
  return (row) => {
    const values: readonly unknown[] = Array.isArray(row) ? row : [];
    const result: WarehouseRow = {};
    for (const [index, [name, convert]] of converts.entries()) {
      const value = values[index];
      result[name] = value === null || value === undefined ? null : convert(value);
    }
    return result;
  };
}

function converter(column: Column): Convert {
  const type = column.getType();
  if (type === 'fixed') return column.getScale() > 0 ? String : exactInteger;
  if (type === 'real') return Number;
  if (type === 'boolean') return Boolean;
  if (type === 'date') return (value) => isoOf(value).slice(0, 10);
  if (type.startsWith('timestamp')) return isoOf;
  return String;
}

function exactInteger(value: unknown): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** The driver's dates know their nanoseconds. */
function isoOf(value: unknown): string {
  if (!(value instanceof Date)) return String(value);
  const seconds = new Date(Math.floor(value.getTime() / 1000) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${microsecondsOf(value, value.getMilliseconds() * 1_000_000)}Z`;
}

const microsecondsOf = (value: unknown, otherwise: number): string =>
  String(Math.floor((call(value, 'getNanoSeconds') ?? otherwise) / 1000)).padStart(6, '0');

/** A method that the driver hangs on its dates. */
function call(value: unknown, method: string): number | null {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, method) : undefined;
  return typeof found === 'function' ? Number(found.call(value)) : null;
}

function explain(error: unknown, where: string, during: 'login' | 'statement'): LambdaError {
  const message = messageOf(error);
  // The driver's errors are no class of their own.
  const { code, sqlState } = (error instanceof Error ? error : {}) as Pick<SnowflakeError, 'code' | 'sqlState'>;
  // The driver's own codes (networks, options) have six digits from 400000 on; the server's come as text.
  const fromServer = sqlState !== undefined || (code !== undefined && !/^4\d{5}$/.test(String(code)));
  if (!fromServer) return unreachable(error, where);
  const details = { snowflakeCode: String(code).padStart(6, '0'), ...(sqlState === undefined ? {} : { sqlState }) };
  if (during === 'login' || /^390\d{3}$/.test(details.snowflakeCode)) {
    return externalError(`The warehouse at ${where} refuses the login: ${message}`, {
      code: 'WAREHOUSE_REFUSED',
      details,
      actions: [
        'Check user, role and key: docs/warehouse.md. The embedded warehouse takes its passwords at `lambdactl up`.',
      ],
      cause: error,
    });
  }
  return usageError(`Warehouse: ${message}`, {
    code: 'BAD_SQL',
    details,
    actions: ['`SHOW TABLES IN DATABASE LAMBDA` lists the tables; docs/warehouse.md says what the stand-in cannot do.'],
    cause: error,
  });
}

const unreachable = (cause: unknown, where: string): LambdaError =>
  externalError(`The warehouse at ${where} does not answer: ${messageOf(cause)}`, {
    code: 'WAREHOUSE_UNREACHABLE',
    actions: ['lambdactl health', 'lambdactl logs warehouse'],
    retryable: true,
    cause,
  });
