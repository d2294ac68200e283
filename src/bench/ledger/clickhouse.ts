import type { HopLedger } from '../../core/bench-report.ts';
import { externalError, messageOf } from '../../core/errors.ts';
import { type StreamName, streamNames } from '../../generator/generator.ts';
import type { ClickHouseClient } from '../../probes/clickhouse.ts';
import { clickhouseDialect } from '../../reconcile/dialect.ts';
import { type ComparedColumn, entityOf, layoutOf, type RecordSchema } from '../../reconcile/entities.ts';
import { canonicalRow } from '../../reconcile/statements.ts';
import type { Expectation } from './expectation.ts';
import type { HopCount } from './hop-count.ts';

/** Bytes of an answer's row: UUID and UInt64. */
const rowSize = 24;
const idSize = 16;

export type StreamColumns = Record<StreamName, readonly ComparedColumn[]>;

/**
 * The fields of the streams' schemas that ClickHouse keeps as they came.
 * @param schemas by stream, as in schemas/
 */
export async function speedColumns(
  client: ClickHouseClient,
  schemas: Readonly<Record<StreamName, RecordSchema>>,
): Promise<StreamColumns> {
  const of = async (stream: StreamName) => {
    const described = await client.rows<{ name: string; type: string }>(
      `DESCRIBE TABLE ${layoutOf(stream).speedTable}`,
    );
    const speed = new Map(described.map(({ name, type }) => [name, type]));
    // Compared with the generator, not with the other layer.
    const batch = new Set(Object.keys(schemas[stream].properties ?? {}));
    return entityOf(stream, schemas[stream], { speed, batch }).columns;
  };
  return { user_events: await of('user_events'), transactions: await of('transactions') };
}

/**
 * Counts the run's rows in both tables by id and content: those processed since `since` with an event time of the run, and rows with
 * an id of the run whatever time they have. Rows of earlier runs are not looked at.
 * @param since when the run began, ms since 1970
 * @throws LambdaError LEDGER_FAILED with ClickHouse's own words; the signal's reason
 */
export async function countClickHouse(
  expectation: Expectation,
  client: ClickHouseClient,
  { since, columns, signal }: { since: number; columns: StreamColumns; signal?: AbortSignal },
): Promise<HopLedger[]> {
  const ledgers: HopLedger[] = [];
  for (const stream of streamNames) {
    const count = await expectation.hop(stream, columns[stream], signal);
    const sql = statements(stream, columns[stream], expectation.range, since);
    await readRows(client, sql.inRange, signal, (rows, at) => see(count, rows, at));
    await readRows(client, sql.elsewhere, signal, (rows, at) => {
      if (count.knows(rows, at)) see(count, rows, at);
    });
    const method = 'every row processed since the run began with an event time of the run, by id and MD5 of its fields';
    ledgers.push(count.result({ hop: 'clickhouse', store: layoutOf(stream).speedTable, method }));
  }
  return ledgers;
}

function see(count: HopCount, rows: Buffer, at: number): void {
  count.see(rows, at, { bytes: rows, offset: at + idSize });
}

function statements(
  stream: StreamName,
  columns: readonly ComparedColumn[],
  { from, to }: Expectation['range'],
  since: number,
) {
  const { speedTable, id, time } = layoutOf(stream);
  const at = (ms: number) => `fromUnixTimestamp64Milli(${ms}, 'UTC')`;
  const digest = clickhouseDialect.hashNumber(canonicalRow(clickhouseDialect, columns));
  const rows = `SELECT t.${id}, ${digest} FROM ${speedTable} AS t WHERE t.processing_time >= ${at(since)}`;
  const inRange = `t.${time} BETWEEN ${at(from)} AND ${at(to)}`;
  return {
    inRange: `${rows} AND ${inRange} FORMAT RowBinary`,
    elsewhere: `${rows} AND NOT (${inRange}) FORMAT RowBinary`,
  };
}

/** @param visit told where each row begins, its numbers big-endian */
async function readRows(
  client: ClickHouseClient,
  sql: string,
  signal: AbortSignal | undefined,
  visit: (rows: Buffer, at: number) => void,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of await client.bytes(sql)) {
      signal?.throwIfAborted();
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = bytes.length - (bytes.length % rowSize);
      rest = Buffer.from(bytes.subarray(whole));
      // ClickHouse's 64-bit numbers, of which a UUID has two, are little-endian.
      const rows = bytes.subarray(0, whole).swap64();
      for (let at = 0; at < whole; at += rowSize) visit(rows, at);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw failed(messageOf(error), error);
  }
  // An error in the middle of an answer is written behind the rows.
  if (rest.length > 0) throw failed(`the answer broke off: ${rest.toString('latin1')}`, undefined);
}

/** ClickHouse did not answer a question of the ledger. */
export function failed(reason: string, cause: unknown) {
  return externalError(`ClickHouse did not tell its rows: ${reason.split('\n')[0]}`, {
    code: 'LEDGER_FAILED',
    actions: ['lambdactl health', 'lambdactl logs clickhouse'],
    retryable: true,
    cause,
  });
}
