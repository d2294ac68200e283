import type { HopLedger } from '../../core/bench-report.ts';
import type { WarehouseClient, WarehouseRow } from '../../probes/snowflake.ts';
import { examplesAKind } from './hop-count.ts';
import { type Mart, martsOf } from './mart-definitions.ts';

/**
 * Compares every mart, row by row, with what its definition (docs/marts.md) makes of STAGING, computed anew in the warehouse. STAGING is
 * counted by id, so that a mart which equals it is proven as well. Fewer records in a row are lost, more doubled, those of a
 * row that should not be alien; a row with the right records and another sum, to the cent, is altered.
 * @param date YYYY-MM-DD, UTC
 * @param sessionTimeoutMinutes of the profile's speed layer, as dbt takes it
 * @throws LambdaError BAD_SQL, WAREHOUSE_UNREACHABLE; the signal's reason
 */
export async function countMarts(
  client: WarehouseClient,
  { date, sessionTimeoutMinutes }: { date: string; sessionTimeoutMinutes: number },
  signal: AbortSignal,
): Promise<HopLedger[]> {
  const hops: HopLedger[] = [];
  for (const mart of martsOf(date, sessionTimeoutMinutes)) {
    signal.throwIfAborted();
    hops.push(await countMart(client, mart));
  }
  return hops;
}

async function countMart(client: WarehouseClient, mart: Mart): Promise<HopLedger> {
  const joined = joinedRows(mart);
  const sums = ['EXPECTED', 'FOUND', 'LOST', 'DOUBLED', 'ALIEN', 'ALTERED'].map(
    (name) => `COALESCE(SUM(${name}), 0) AS ${name}`,
  );
  const [row = {}] = await client.rows(`${joined} SELECT ${sums.join(', ')} FROM verdicts`);
  const [expected, found, lost, doubled, alien, altered] = [
    row.EXPECTED,
    row.FOUND,
    row.LOST,
    row.DOUBLED,
    row.ALIEN,
    row.ALTERED,
  ].map(Number) as [number, number, number, number, number, number]; // six of six
  const isClean = lost + doubled + alien + altered === 0;
  return {
    hop: 'marts',
    store: mart.table,
    expected,
    found,
    lost,
    doubled,
    alien,
    altered,
    examples: isClean ? [] : await examplesOf(client, joined),
    method: mart.method,
  };
}

const defects = ['lost', 'doubled', 'alien', 'altered'] as const;

async function examplesOf(client: WarehouseClient, joined: string): Promise<HopLedger['examples']> {
  const examples: HopLedger['examples'][number][] = [];
  for (const kind of defects) {
    const name = kind.toUpperCase();
    const rows = await client.rows<WarehouseRow>(
      `${joined} SELECT K FROM verdicts WHERE ${name} > 0 ORDER BY K LIMIT ${examplesAKind}`,
    );
    examples.push(...rows.map(({ K: key }) => ({ kind, id: String(key) })));
  }
  return examples;
}

/** Begins a statement: `verdicts` has a row a key with what is wrong with it. */
function joinedRows({ base, rows, counts, amounts }: Mart): string {
  const sum = (side: string) => counts.map((name) => `COALESCE(${side}.${name}, 0)`).join(' + ');
  const fewer = counts.map((name) => `GREATEST(COALESCE(b.${name}, 0) - COALESCE(m.${name}, 0), 0)`).join(' + ');
  const more = counts.map((name) => `GREATEST(COALESCE(m.${name}, 0) - COALESCE(b.${name}, 0), 0)`).join(' + ');
  const differ = amounts.map((name) => `b.${name} IS DISTINCT FROM m.${name}`).join(' OR ');
  const verdict = [
    'COALESCE(b.K, m.K) AS K',
    `${sum('b')} AS EXPECTED`,
    `${sum('m')} AS FOUND`,
    `${fewer} AS LOST`,
    `IFF(b.K IS NULL, 0, ${more}) AS DOUBLED`,
    `IFF(b.K IS NULL, ${more}, 0) AS ALIEN`,
    `IFF(b.K IS NOT NULL AND m.K IS NOT NULL AND ${fewer} + ${more} = 0 AND (${differ}), 1, 0) AS ALTERED`,
  ];
  return `WITH base AS (${base}), mart AS (${rows}), verdicts AS (SELECT ${verdict.join(', ')} FROM base AS b FULL OUTER JOIN mart AS m ON b.K = m.K)`;
}
