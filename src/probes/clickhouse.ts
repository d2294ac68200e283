import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { externalError, messageOf, usageError } from '../core/errors.ts';
import type { Server } from './server.ts';

export interface SelectedRows {
  columns: readonly { name: string; type: string }[];
  rows: readonly Record<string, unknown>[];
  /** There were more than asked for. */
  truncated: boolean;
}

export interface ClickHouseClient {
  command(sql: string): Promise<void>;
  rows<T>(sql: string): Promise<T[]>;
  /** The answer's bytes as they come, in the format that the statement names. */
  bytes(sql: string): Promise<AsyncIterable<Buffer>>;
  close(): Promise<void>;
}

export function openClickHouse({ url, user, password }: Server, database: string): ClickHouseClient {
  const client = connect({ url, user, password }, database);
  return {
    command: async (query) => {
      await client.command({ query });
    },
    rows: async <T>(query: string) => (await client.query({ query, format: 'JSONEachRow' })).json<T>(),
    // With the query's own format; a large answer is not held in memory.
    bytes: async (query: string) => (await client.exec({ query })).stream,
    close: () => client.close(),
  };
}

/**
 * One statement of the user's, answered up to `maxRows`.
 * @throws LambdaError BAD_SQL with the server's own words; CLICKHOUSE_UNREACHABLE
 */
export async function selectRows(
  server: Server,
  database: string,
  sql: string,
  maxRows: number,
): Promise<SelectedRows> {
  const client = connect(server, database);
  try {
    const result = await client.query({
      query: sql,
      format: 'JSON',
      clickhouse_settings: {
        // One more than asked for tells that there are more.
        max_result_rows: String(maxRows + 1),
        result_overflow_mode: 'break',
        output_format_json_quote_64bit_integers: 1,
        output_format_json_quote_decimals: 1,
      },
    });
    const { meta = [], data } = await result.json<Record<string, unknown>>();
    const wide = meta.filter(({ type }) => /^(Nullable\()?U?Int64\b/.test(type)).map(({ name }) => name);
    const rows = data.slice(0, maxRows).map((row) => narrowed(row, wide));
    return { columns: meta, rows, truncated: data.length > maxRows };
  } catch (error) {
    throw explain(error, server.url);
  } finally {
    await client.close();
  }
}

/** What one statement answered, and what it cost the server. */
export interface Answer {
  rows: readonly Record<string, unknown>[];
  /** Rows of tables or projections that the server read for it. */
  rowsRead: number;
}

/** Statements as dashboards send them, over and over. */
export interface DashboardClient {
  /**
   * @param params values of {name:Type} in the statement
   * @param settings of the server, for this statement
   * @throws LambdaError BAD_SQL, CLICKHOUSE_UNREACHABLE
   */
  ask(
    sql: string,
    params: Readonly<Record<string, unknown>>,
    settings?: Readonly<Record<string, string | number>>,
  ): Promise<Answer>;
  close(): Promise<void>;
}

/** @param connections kept open at most */
export function openDashboards(server: Server, database: string, connections: number): DashboardClient {
  const client = connect(server, database, connections);
  return {
    ask: async (query, params, settings = {}) => {
      try {
        const result = await client.query({
          query,
          format: 'JSON',
          query_params: { ...params },
          clickhouse_settings: { ...settings },
        });
        const { data, statistics } = await result.json<Record<string, unknown>>();
        return { rows: data, rowsRead: statistics?.rows_read ?? 0 };
      } catch (error) {
        throw explain(error, server.url);
      }
    },
    close: () => client.close(),
  };
}

/** 64-bit integers come as text; those that a JSON number holds exactly become numbers. */
function narrowed(row: Record<string, unknown>, wide: readonly string[]): Record<string, unknown> {
  const result = { ...row };
  for (const name of wide) {
    if (typeof row[name] === 'string' && Number.isSafeInteger(Number(row[name]))) result[name] = Number(row[name]);
  }
  return result;
}

function connect(
  { url, user, password }: Pick<Server, 'url' | 'user' | 'password'>,
  database: string,
  connections?: number,
) {
  return createClient({
    url,
    database,
    ...(connections === undefined ? {} : { max_open_connections: connections }),
    ...(user === null ? {} : { username: user }),
    ...(password === null ? {} : { password }),
    request_timeout: 60_000,
    application: 'lambdactl',
    // Errors are thrown; printed as well they would be told twice.
    log: { level: ClickHouseLogLevel.OFF },
  });
}

function explain(error: unknown, url: string): unknown {
  if (!(error instanceof Error)) return error;
  if ('type' in error && 'code' in error && /^\d+$/.test(String(error.code))) {
    return usageError(`ClickHouse: ${error.message.split('\n')[0]}`, {
      code: 'BAD_SQL',
      details: { clickhouseCode: Number(error.code), type: error.type },
      actions: [
        'Tables: user_events_realtime, transactions_realtime, events_speed, sessions_realtime; `show tables` lists all.',
      ],
    });
  }
  return externalError(`ClickHouse at ${url} does not answer: ${messageOf(error)}`, {
    code: 'CLICKHOUSE_UNREACHABLE',
    actions: ['lambdactl health', 'lambdactl logs clickhouse'],
    retryable: true,
    cause: error,
  });
}
