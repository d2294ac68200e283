import { externalError, usageError } from '../../core/errors.ts';
import { warehouse as layout } from '../../platform/pipeline.ts';
import type { WarehouseClient, WarehouseRow } from '../../probes/snowflake.ts';
import { nextDate } from './date.ts';

/** What the load needs of the batch job's manifest (docs/batch-job.md). */
export interface LoadManifest {
  /** ISO time. */
  startedAt: string;
  duplicates: number;
  /** Rows by class. */
  rejected: Readonly<Record<string, number>>;
  /** By the table's name in the stage: user_events, users, … */
  tables: Readonly<Record<string, { rows: number }>>;
}

export interface LoadRequest {
  client: WarehouseClient;
  /** YYYY-MM-DD, UTC. */
  date: string;
  batchId: string;
  manifest: LoadManifest;
  /** ISO time of the begin of the lake check: everything Kafka held then is in the batch; null where nobody checked. */
  lakeTime?: string | null;
}

export interface LoadedTable {
  table: string;
  rows: number;
  files: number;
  elapsedMs: number;
}

/**
 * Replaces a date's rows (of the dimension tables: all rows) by those of one batch, in one transaction with the batch's row in
 * RAW.BATCHES: readers see the old date or the new one, never a mixture. Loading a batch again gives the same tables.
 * @throws LambdaError BATCH_INCOMPLETE when other counts were loaded than the manifest says; then nothing has changed
 */
export async function loadDate(request: LoadRequest): Promise<{ tables: LoadedTable[] }> {
  const { client, date, batchId, manifest } = request;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || !/^[\w.-]+$/.test(batchId)) throw badBatch(date, batchId);
  const tables: LoadedTable[] = [];
  await client.command('BEGIN');
  try {
    for (const { table, range } of targets(date)) {
      const started = performance.now();
      await client.command(`DELETE FROM ${layout.schemas.raw}.${table}${range}`);
      const copied = await client.rows(copyStatement(table, date, batchId));
      const loaded = summed(copied);
      const expected = manifest.tables[table.toLowerCase()]?.rows ?? 0;
      if (loaded.rows !== expected) throw incomplete(table, expected, loaded, request);
      tables.push({ table, ...loaded, elapsedMs: performance.now() - started });
    }
    await recordBatch(request);
    await client.command('COMMIT');
  } catch (error) {
    // What it could not do is told by the first error.
    await client.command('ROLLBACK').catch(() => {});
    throw error;
  }
  return { tables };
}

/** Each table and the WHERE of the rows that a batch of the date replaces. */
function targets(date: string): { table: string; range: string }[] {
  const dated = layout.dated.map(({ table, time }) => ({
    table,
    range: ` WHERE ${time} >= '${date}'::TIMESTAMP_NTZ AND ${time} < '${nextDate(date)}'::TIMESTAMP_NTZ`,
  }));
  return [...dated, ...layout.dimensions.map((table) => ({ table, range: '' }))];
}

/** FORCE: a file whose rows were deleted is still remembered as loaded, here and on Snowflake. */
function copyStatement(table: string, date: string, batchId: string): string {
  const { raw } = layout.schemas;
  return `COPY INTO ${raw}.${table} FROM @${raw}.${layout.stage}/${table.toLowerCase()}/date=${date}/batch=${batchId}/
    FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE PATTERN = '.*[.]parquet'
    INCLUDE_METADATA = (FILE_NAME = METADATA$FILENAME, LOADED_AT = METADATA$START_SCAN_TIME)
    ON_ERROR = ABORT_STATEMENT FORCE = TRUE`;
}

/** COPY answers with a row a file; with the words of its status alone where there was none. */
function summed(copied: readonly WarehouseRow[]): { rows: number; files: number } {
  const files = copied.filter((row) => row.file !== undefined && row.file !== null);
  return { files: files.length, rows: files.reduce((sum, row) => sum + Number(row.rows_loaded ?? 0), 0) };
}

async function recordBatch({ client, date, batchId, manifest, lakeTime = null }: LoadRequest): Promise<void> {
  const batches = `${layout.schemas.raw}.BATCHES`;
  const rows = (table: string) => manifest.tables[table]?.rows ?? 0;
  const rejected = Object.values(manifest.rejected).reduce((sum, count) => sum + count, 0);
  await client.command(`DELETE FROM ${batches} WHERE BATCH_ID = ?`, [batchId]);
  await client.command(
    `INSERT INTO ${batches} (BATCH_ID, DATE, STARTED_AT, FINISHED_AT, LAKE_TIME, EVENTS, TRANSACTIONS, EXTERNAL_EVENTS, REJECTED, DUPLICATES, MANIFEST)
     SELECT ?, CAST(? AS DATE), CAST(? AS TIMESTAMP_NTZ(6)), CAST(? AS TIMESTAMP_NTZ(6)), CAST(? AS TIMESTAMP_NTZ(6)), ?, ?, ?, ?, ?, ?`,
    [
      batchId,
      date,
      plain(manifest.startedAt),
      plain(new Date().toISOString()),
      lakeTime === null ? null : plain(lakeTime),
      rows('user_events'),
      rows('transactions'),
      rows('external_events'),
      rejected,
      manifest.duplicates,
      JSON.stringify(manifest),
    ],
  );
}

/** ISO time → without its zone, which is UTC: no cast to NTZ then depends on the session. */
const plain = (time: string): string => new Date(time).toISOString().slice(0, 23).replace('T', ' ');

function badBatch(date: string, batchId: string) {
  return usageError(`"${batchId}" of ${date} is no batch.`, {
    code: 'BAD_DATE',
    actions: ['A date is written as 2026-11-21; the batch job names its batches itself.'],
  });
}

function incomplete(
  table: string,
  expected: number,
  loaded: { rows: number; files: number },
  { date, batchId }: LoadRequest,
) {
  return externalError(
    `Batch ${batchId} of ${date} has ${expected} rows for ${table}, but its ${loaded.files} files in the stage hold ${loaded.rows}. Nothing was changed.`,
    {
      code: 'BATCH_INCOMPLETE',
      details: { table, expected, ...loaded, date, batchId },
      actions: [`lambdactl batch run --date ${date}`],
    },
  );
}
