import type { HopLedger } from '../../core/bench-report.ts';
import type { StreamName } from '../../generator/generator.ts';
import { warehouse as layout } from '../../platform/pipeline.ts';
import type { WarehouseClient } from '../../probes/snowflake.ts';
import { snowflakeDialect } from '../../reconcile/dialect.ts';
import { type ComparedColumn, type Entity, entityOf, type RecordSchema } from '../../reconcile/entities.ts';
import { canonicalRow } from '../../reconcile/statements.ts';
import type { Expectation } from './expectation.ts';

/** Digits of an id's end by which rows are put together: a million rows come as 4096 texts, twenty times as fast as row by row. */
const groupDigits = 3;

/** Where rows of a stream lie, and which of them count. */
interface Store {
  hop: string;
  table: string;
  stream: StreamName;
  where: string;
  /** Which rows these are, in words. */
  rows: string;
}

const stores: readonly Store[] = [
  { hop: 'warehouse', table: `${layout.schemas.raw}.USER_EVENTS`, stream: 'user_events', where: '', rows: 'rows' },
  { hop: 'warehouse', table: `${layout.schemas.raw}.TRANSACTIONS`, stream: 'transactions', where: '', rows: 'rows' },
  {
    hop: 'staging',
    table: `${layout.schemas.staging}.EVENTS_CLEANED`,
    stream: 'user_events',
    where: ' AND t.IS_VALID',
    rows: 'valid rows',
  },
  {
    hop: 'staging',
    table: `${layout.schemas.staging}.INT_TRANSACTIONS_ALL`,
    stream: 'transactions',
    where: " AND t.ORIGIN = 'stream'",
    rows: "the stream's rows",
  },
];

/**
 * What the content of a row is made of where only the schema decides: every field that has one text, as reconcile compares them.
 * @param schema of the stream's records
 */
export function contentOf(stream: StreamName, schema: RecordSchema): Entity {
  const names = Object.keys(schema.properties ?? {});
  // Of ClickHouse's types only text matters here: it says that objects are kept as they came.
  return entityOf(stream, schema, { speed: new Map(names.map((name) => [name, 'String'])), batch: new Set(names) });
}

/**
 * Counts RAW and STAGING by id and content. Rows are those whose event time lies within the run's; what others have there is alien,
 * so a run that wants a clean ledger takes a time of its own.
 * @throws LambdaError BAD_SQL, WAREHOUSE_UNREACHABLE; the signal's reason
 */
export async function countWarehouse(
  expectation: Expectation,
  client: WarehouseClient,
  contents: Readonly<Record<StreamName, Entity>>,
  signal: AbortSignal,
): Promise<HopLedger[]> {
  const hops: HopLedger[] = [];
  for (const store of stores) {
    const entity = contents[store.stream];
    const count = await expectation.hop(store.stream, entity.columns, signal);
    for await (const { ROWS: rows } of client.stream(statement(store, entity, expectation.range))) {
      signal.throwIfAborted();
      for (const row of String(rows).split(',')) {
        const end = row.lastIndexOf(':');
        count.seeText(row.slice(0, end), row.slice(end + 1));
      }
    }
    hops.push(
      count.result({
        hop: store.hop,
        store: store.table,
        method: `every id and the digest of its content, of ${store.rows} with an event time of the run's; others' rows there would be alien`,
      }),
    );
  }
  return hops;
}

/** One text a group: "id:digest,id:digest,…". An id that is none keeps its text, but for what separates. */
function statement({ table, where }: Store, { columns, id, time }: Entity, range: Expectation['range']): string {
  const dialect = snowflakeDialect;
  const idColumn = columns.find(({ name }) => name === id) ?? uuid(id);
  const idText = `REPLACE(REPLACE(COALESCE(${dialect.text(idColumn)}, ''), ',', '?'), ':', '?')`;
  const inner =
    `SELECT ${idText} AS ID, ${dialect.suffix(dialect.hashText(canonicalRow(dialect, columns)), 16)} AS H FROM ${table} AS t ` +
    `WHERE t.${time.toUpperCase()} >= ${timestamp(range.from)} AND t.${time.toUpperCase()} < ${timestamp(range.to + 1)}${where}`;
  return `SELECT LISTAGG(r.ID || ':' || r.H, ',') AS "ROWS" FROM (${inner}) AS r GROUP BY ${dialect.suffix('r.ID', groupDigits)}`;
}

const uuid = (name: string): ComparedColumn => ({ name, kind: 'uuid', scale: 0, speedType: 'UUID' });

const timestamp = (ms: number): string =>
  `'${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')}'::TIMESTAMP_NTZ`;
