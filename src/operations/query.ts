import { usageError } from '../core/errors.ts';
import { clickhouse, warehouse } from '../platform/pipeline.ts';
import type { Profile } from '../platform/profile.ts';
import { type SelectedRows, selectRows } from '../probes/clickhouse.ts';
import { batchRanges, layerSql, type Range } from '../serving/merged.ts';
import { readStandardInput } from '../system/standard-input.ts';
import { type OpenStack, openStack, type StackRef } from './stack.ts';
import { withWarehouse } from './warehouse.ts';

export const queryLayers = ['speed', 'batch', 'merged'] as const;
export type QueryLayer = (typeof queryLayers)[number];

export interface QueryRequest extends StackRef {
  /** "-" reads it from standard input. */
  sql: string;
  layer: QueryLayer;
  maxRows: number;
}

export interface QueryReport {
  layer: QueryLayer;
  columns: readonly { name: string; type: string }[];
  rows: readonly Record<string, unknown>[];
  truncated: boolean;
  elapsedMs: number;
  /** merged: the event time that the batch layer answered for, ISO; the speed layer answered for the rest. */
  batchAnswered?: readonly { from: string; to: string }[];
}

/**
 * One statement on a layer, as a user who reads only; on "merged" a SELECT over user_events and transactions of both layers, each row
 * marked with the layer it came from.
 * @throws LambdaError BAD_SQL with the engine's own words, NOT_UP, CLICKHOUSE_UNREACHABLE, WAREHOUSE_UNREACHABLE
 */
export async function query({ sql, layer, maxRows, ...ref }: QueryRequest): Promise<QueryReport> {
  const statement = (sql === '-' ? await readStandardInput() : sql).trim().replace(/;$/, '');
  if (statement === '') throw usageError('There is no SQL to run.', { code: 'BAD_SQL' });
  const stack = await openStack(ref);
  const profile = stack.profile;
  if (profile === null) await stack.requireUp();
  if (layer !== 'batch' || profile?.warehouse.target === 'embedded') await stack.requireUp();
  const started = performance.now();
  if (layer === 'speed' || profile === null) {
    return { layer: 'speed', ...(await speedRows(stack, statement, maxRows)), elapsedMs: performance.now() - started };
  }
  if (layer === 'batch') {
    return { layer, ...(await batchRows(stack, profile, statement, maxRows)), elapsedMs: performance.now() - started };
  }
  const merged = await mergedRows(stack, profile, statement, maxRows);
  return { layer, ...merged, elapsedMs: performance.now() - started };
}

async function speedRows(stack: OpenStack, sql: string, maxRows: number): Promise<SelectedRows> {
  return selectRows(await stack.runtime.endpoint('clickhouse', 'http'), clickhouse.database, sql, maxRows);
}

function batchRows(stack: OpenStack, profile: Profile, sql: string, maxRows: number): Promise<SelectedRows> {
  return withWarehouse(stack.runtime, profile, 'snowflake', async (client) => {
    const rows: Record<string, unknown>[] = [];
    let truncated = false;
    for await (const row of client.stream(sql)) {
      if (rows.length === maxRows) {
        truncated = true;
        break;
      }
      rows.push(row);
    }
    const columns = Object.keys(rows[0] ?? {}).map((name) => ({ name, type: '' }));
    return { columns, rows, truncated };
  });
}

async function mergedRows(stack: OpenStack, profile: Profile, sql: string, maxRows: number) {
  const ranges = await loadedRanges(stack, profile);
  const [batch, speed] = await Promise.all([
    batchRows(stack, profile, layerSql(sql, 'batch', ranges), maxRows),
    speedRows(stack, layerSql(sql, 'speed', ranges), maxRows),
  ]);
  // The warehouse writes names in upper case; one name for one column.
  const lower = batch.rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([key, value]) => [key.toLowerCase(), value])),
  );
  const rows = [
    ...lower.map((row) => ({ ...row, layer: 'batch' })),
    ...speed.rows.map((row) => ({ ...row, layer: 'speed' })),
  ];
  return {
    columns: [...(speed.columns.length > 0 ? speed.columns : batch.columns), { name: 'layer', type: 'String' }],
    rows: rows.slice(0, maxRows),
    truncated: batch.truncated || speed.truncated || rows.length > maxRows,
    batchAnswered: ranges.map(({ from, to }) => ({
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
    })),
  };
}

/** The newest batch of every date. */
async function loadedRanges(stack: OpenStack, profile: Profile): Promise<Range[]> {
  const batches = `${warehouse.schemas.raw}.BATCHES`;
  const rows = await withWarehouse(stack.runtime, profile, 'snowflake', (client) =>
    client.rows(`SELECT TO_CHAR(DATE, 'YYYY-MM-DD') AS D, MAX(LAKE_TIME) AS T FROM ${batches} GROUP BY DATE`),
  );
  const loaded = rows.flatMap(({ D, T }) =>
    T === null || T === undefined ? [] : [{ date: String(D), lakeTime: Date.parse(String(T)) }],
  );
  return batchRanges(loaded, profile.speed.watermarkMinutes);
}
