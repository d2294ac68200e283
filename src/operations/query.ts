import { usageError } from '../core/errors.ts';
import { clickhouse } from '../platform/pipeline.ts';
import { selectRows } from '../probes/clickhouse.ts';
import { readStandardInput } from '../system/standard-input.ts';
import { openStack, type StackRef } from './stack.ts';

export interface QueryRequest extends StackRef {
  /** "-" reads it from standard input. */
  sql: string;
  maxRows: number;
}

export interface QueryReport {
  layer: 'speed';
  columns: readonly { name: string; type: string }[];
  rows: readonly Record<string, unknown>[];
  truncated: boolean;
  elapsedMs: number;
}

/**
 * One statement on the speed layer, as the read-only dashboard user.
 * @throws LambdaError BAD_SQL with the server's own words, NOT_UP
 */
export async function query({ sql, maxRows, ...ref }: QueryRequest): Promise<QueryReport> {
  const statement = (sql === '-' ? await readStandardInput() : sql).trim().replace(/;$/, '');
  if (statement === '') throw usageError('There is no SQL to run.', { code: 'BAD_SQL' });
  const stack = await openStack(ref);
  await stack.requireUp();
  const started = performance.now();
  const { columns, rows, truncated } = await selectRows(
    await stack.runtime.endpoint('clickhouse', 'http'),
    clickhouse.database,
    statement,
    maxRows,
  );
  return { layer: 'speed', columns, rows, truncated, elapsedMs: performance.now() - started };
}
