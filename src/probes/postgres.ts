import pg from 'pg';
import { externalError, messageOf } from '../core/errors.ts';
import type { Server } from './server.ts';

export interface PostgresClient {
  query<T extends Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  /** @returns rows that the statement changed */
  execute(sql: string, values?: readonly unknown[]): Promise<number>;
  close(): Promise<void>;
}

/** For pg: its certificate must be of this authority and name this host. Without one TLS is not even tried. */
export const verifiedBy = ({ host, authority }: Pick<Server, 'host' | 'authority'>) =>
  authority === undefined ? {} : { ssl: { ca: authority, host } };

/** @throws LambdaError POSTGRES_UNREACHABLE */
export async function openPostgres(server: Server, database: string): Promise<PostgresClient> {
  const { host, port, user, password } = server;
  const client = new pg.Client({
    host,
    port,
    database,
    ...(user === null ? {} : { user }),
    ...(password === null ? {} : { password }),
    ...verifiedBy(server),
    connectionTimeoutMillis: 10_000,
    application_name: 'lambdactl',
  });
  // A connection that breaks between two statements is told by the next one.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw externalError(`PostgreSQL at ${host}:${port} does not answer: ${messageOf(error)}`, {
      code: 'POSTGRES_UNREACHABLE',
      actions: ['lambdactl health', 'lambdactl logs postgres'],
      retryable: true,
      cause: error,
    });
  }
  return {
    query: async (sql, values = []) => (await client.query(sql, [...values])).rows,
    execute: async (sql, values = []) => (await client.query(sql, [...values])).rowCount ?? 0,
    close: () => client.end(),
  };
}
