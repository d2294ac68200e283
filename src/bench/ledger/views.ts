import type { HopLedger } from '../../core/bench-report.ts';
import { messageOf } from '../../core/errors.ts';
import { clickhouse } from '../../platform/pipeline.ts';
import type { ClickHouseClient } from '../../probes/clickhouse.ts';
import { failed } from './clickhouse.ts';
import { examplesAKind } from './hop-count.ts';

type ViewName = (typeof clickhouse.views)[number];

/** How a view's figures are computed again from the rows. */
interface ViewCheck {
  /** SQL of a group's name. */
  key: string;
  /** Columns of the view that count events. */
  counts: readonly string[];
  /** Further columns of the view as integers, with what they are called: a group in which one differs is altered. */
  values: readonly string[];
  /** The view's rows to look at. */
  where: (days: Days) => string;
  /** Column by whose hash the groups can be looked at a part at a time; none where there are few. */
  sliceBy?: string;
  /** SELECTs of key `k`, and `counts` and `values` as one array `m`, from the rows. */
  base: (days: Days) => readonly string[];
}

interface Days {
  /** YYYY-MM-DD, UTC, inclusive. */
  from: string;
  to: string;
  /** Further condition, on a column that the view and the rows share; "" for none. */
  slice: string;
}

/** Rows of a slice: what grouping them by user or session takes stays far below what a query may use. */
const rowsASlice = 2_500_000;

const events = `${clickhouse.database}.user_events_realtime`;
const transactions = `${clickhouse.database}.transactions_realtime`;

const array = (expressions: readonly string[]): string =>
  `[${expressions.map((each) => `toInt64(${each})`).join(', ')}]`;
const ofType = (type: string): string => `countIf(event_type = '${type}')`;
const onDays = ({ from, to }: Days): string => `day BETWEEN '${from}' AND '${to}'`;
/** No projection holds processing_time, so that what asks for it reads the rows: a projection must not prove itself. */
const rowsOf = (table: string, time: string, { from, to, slice }: Days): string =>
  `FROM ${table} WHERE toDate(${time}) BETWEEN '${from}' AND '${to}' AND processing_time > toDateTime64(0, 3, 'UTC')${slice}`;
const key = (...parts: readonly string[]): string =>
  `arrayStringConcat([${parts.map((part) => `toString(${part})`).join(', ')}], ' ')`;

const cents = (amount: string): string => `${amount} * 100`;
const sessionTypes = {
  page_views: 'page_view',
  product_views: 'product_view',
  searches: 'search',
  add_to_carts: 'add_to_cart',
  remove_from_carts: 'remove_from_cart',
  checkouts: 'checkout_start',
  purchases: 'purchase',
  logins: 'login',
  logouts: 'logout',
};

/** A session belongs to the days by any of its events, and is then looked at whole. */
const sessionsOn = (days: Days): string => `session_id IN (SELECT session_id ${rowsOf(events, 'timestamp', days)})`;

const checks: Record<ViewName, ViewCheck> = {
  user_activity_summary_mv: {
    key: key('day', 'user_id', 'event_type'),
    counts: ['events'],
    values: [],
    sliceBy: 'user_id',
    where: onDays,
    base: (days) => [
      `SELECT ${key('toDate(timestamp)', 'user_id', 'event_type')} AS k, ${array(['count()'])} AS m ${rowsOf(events, 'timestamp', days)} GROUP BY k`,
    ],
  },
  conversion_funnel_mv: {
    key: key('day', 'user_id'),
    counts: ['page_views', 'product_views', 'carts', 'checkouts', 'purchases'],
    values: [],
    sliceBy: 'user_id',
    where: onDays,
    base: (days) => {
      const counts = ['page_view', 'product_view', 'add_to_cart', 'checkout_start', 'purchase'].map(ofType);
      const name = key('toDate(timestamp)', 'user_id');
      return [`SELECT ${name} AS k, ${array(counts)} AS m ${rowsOf(events, 'timestamp', days)} GROUP BY k`];
    },
  },
  product_performance_mv: {
    key: key('day', 'product_id'),
    counts: ['views', 'carts', 'purchases'],
    values: [cents('revenue')],
    where: onDays,
    base: (days) => {
      const ofEvents = array([ofType('product_view'), ofType('add_to_cart'), '0', '0']);
      const revenue = cents("sumIf(toDecimal128(total_amount, 2), status = 'completed')");
      const ofSales = array(['0', '0', "countIf(status = 'completed')", revenue]);
      return [
        `SELECT ${key('toDate(timestamp)', 'assumeNotNull(product_id)')} AS k, ${ofEvents} AS m ${rowsOf(events, 'timestamp', days)} AND product_id IS NOT NULL GROUP BY k`,
        `SELECT ${key('toDate(created_at)', 'product_id')} AS k, ${ofSales} AS m ${rowsOf(transactions, 'created_at', days)} GROUP BY k`,
      ];
    },
  },
  tier_activity_mv: {
    key: key('day', 'user_tier', 'event_type'),
    counts: ['events'],
    values: [],
    where: onDays,
    base: (days) => [
      `SELECT ${key('toDate(timestamp)', 'user_tier', 'event_type')} AS k, ${array(['count()'])} AS m ${rowsOf(events, 'timestamp', days)} GROUP BY k`,
    ],
  },
  events_by_minute_mv: {
    key: key('minute', 'event_type'),
    counts: ['events'],
    values: [],
    where: ({ from, to }) => `toDate(minute) BETWEEN '${from}' AND '${to}'`,
    base: (days) => [
      `SELECT ${key('toStartOfMinute(timestamp)', 'event_type')} AS k, ${array(['count()'])} AS m ${rowsOf(events, 'timestamp', days)} GROUP BY k`,
    ],
  },
  revenue_by_minute_mv: {
    key: key('minute'),
    counts: ['purchases'],
    values: [cents('revenue')],
    where: ({ from, to }) => `toDate(minute) BETWEEN '${from}' AND '${to}'`,
    base: (days) => {
      const revenue = cents("sumIf(toDecimal128(total_amount, 2), status = 'completed')");
      const measures = array(["countIf(status = 'completed')", revenue]);
      return [
        `SELECT ${key('toStartOfMinute(created_at)')} AS k, ${measures} AS m ${rowsOf(transactions, 'created_at', days)} GROUP BY k`,
      ];
    },
  },
  session_summary_mv: {
    key: key('day'),
    counts: ['events'],
    values: [],
    where: onDays,
    base: (days) => [
      `SELECT ${key('toDate(timestamp)')} AS k, ${array(['count()'])} AS m ${rowsOf(events, 'timestamp', days)} GROUP BY k`,
    ],
  },
  sessions_realtime: {
    key: key('user_id', 'session_id'),
    counts: ['events'],
    values: Object.keys(sessionTypes),
    sliceBy: 'session_id',
    where: sessionsOn,
    base: (days) => {
      const measures = ['count()', ...Object.values(sessionTypes).map(ofType)];
      const rows = `FROM ${events} WHERE ${sessionsOn(days)} AND processing_time > toDateTime64(0, 3, 'UTC')`;
      return [`SELECT ${key('user_id', 'session_id')} AS k, ${array(measures)} AS m ${rows} GROUP BY k`];
    },
  },
};

/**
 * Compares every view with the rows it is made of, group by group, on the days of the run: events that a view counts too few are lost,
 * too many doubled. The rows themselves are proven by id (countClickHouse).
 * @param range event times of the run, ms since 1970
 * @throws LambdaError LEDGER_FAILED with ClickHouse's own words
 */
export async function countViews(
  client: ClickHouseClient,
  range: { from: number; to: number },
  signal?: AbortSignal,
): Promise<HopLedger[]> {
  const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const days = { from: dateOf(range.from), to: dateOf(range.to), slice: '' };
  const [total] = await client.rows<{ n: string }>(
    `SELECT toString(count()) AS n ${rowsOf(events, 'timestamp', days)}`,
  );
  const slices = Math.max(1, Math.ceil(Number(total?.n ?? 0) / rowsASlice));
  const ledgers: HopLedger[] = [];
  // One after the other: each may use what memory a query has.
  for (const view of clickhouse.views) {
    const { sliceBy } = checks[view];
    const parts = sliceBy === undefined ? [''] : slicesOf(sliceBy, slices);
    const rows: ViewRow[] = [];
    for (const slice of parts) {
      signal?.throwIfAborted();
      rows.push(...(await compareView(client, view, { ...days, slice })));
    }
    ledgers.push(viewHop(view, rows, days));
  }
  return ledgers;
}

function slicesOf(column: string, slices: number): string[] {
  if (slices === 1) return [''];
  return Array.from({ length: slices }, (_, slice) => ` AND cityHash64(${column}) % ${slices} = ${slice}`);
}

interface ViewRow {
  expected: string;
  found: string;
  missing: string;
  surplus: string;
  altered: string;
  lostKeys: string[];
  doubledKeys: string[];
  alteredKeys: string[];
}

function compareView(client: ClickHouseClient, view: ViewName, days: Days): Promise<ViewRow[]> {
  return client.rows<ViewRow>(statement(view, checks[view], days)).catch((error: unknown) => {
    throw failed(`${view}: ${messageOf(error)}`, error);
  });
}

function viewHop(view: ViewName, rows: readonly ViewRow[], { from, to }: Days): HopLedger {
  const sum = (of: (row: ViewRow) => string) => rows.reduce((all, row) => all + Number(of(row)), 0);
  const named = (kind: 'lost' | 'doubled' | 'altered', keysOf: (row: ViewRow) => readonly string[]) =>
    rows
      .flatMap(keysOf)
      .slice(0, examplesAKind)
      .map((id) => ({ kind, id }));
  return {
    hop: 'clickhouse',
    store: `${clickhouse.database}.${view}`,
    expected: sum(({ expected }) => expected),
    found: sum(({ found }) => found),
    lost: sum(({ missing }) => missing),
    doubled: sum(({ surplus }) => surplus),
    alien: 0,
    altered: checks[view].values.length === 0 ? null : sum(({ altered }) => altered),
    examples: [
      ...named('lost', ({ lostKeys }) => lostKeys),
      ...named('doubled', ({ doubledKeys }) => doubledKeys),
      ...named('altered', ({ alteredKeys }) => alteredKeys),
    ],
    method: `events counted against the base table's rows, group by group, ${from === to ? from : `${from} to ${to}`}; projections off for the rows`,
  };
}

/** One row: sums over all groups, and the names of the first that differ. */
function statement(view: ViewName, { key: name, counts, values, where, base }: ViewCheck, days: Days): string {
  const measures = counts.length + values.length;
  const ofView = `SELECT ${name} AS k, ${array([...counts, ...values])} AS m, 0 AS proven FROM ${clickhouse.database}.${view} WHERE ${where(days)}${days.slice}`;
  const sides = [ofView, ...base(days).map((sql) => `SELECT k, m, 1 AS proven FROM (${sql})`)].join(' UNION ALL ');
  const side = (proven: number) => `arrayResize(sumForEachIf(m, proven = ${proven}), ${measures}, 0)`;
  const part = (of: string, from: number, length: number) => `arraySlice(${of}, ${from}, ${length})`;
  const [shouldCount, doesCount] = [part('should', 1, counts.length), part('does', 1, counts.length)];
  const tail = (of: string) => part(of, counts.length + 1, values.length);
  const groups = `SELECT k, should, does,
    arraySum((a, b) -> greatest(a - b, 0), ${shouldCount}, ${doesCount}) AS fewer,
    arraySum((a, b) -> greatest(b - a, 0), ${shouldCount}, ${doesCount}) AS more,
    ${values.length === 0 ? '0' : `${tail('should')} != ${tail('does')}`} AS differs
    FROM (SELECT k, ${side(1)} AS should, ${side(0)} AS does FROM (${sides}) GROUP BY k)`;
  const keys = (condition: string) => `groupArrayIf(${examplesAKind})(k, ${condition})`;
  return `SELECT toString(sum(arraySum(${shouldCount}))) AS expected, toString(sum(arraySum(${doesCount}))) AS found,
    toString(sum(fewer)) AS missing, toString(sum(more)) AS surplus, toString(sum(differs)) AS altered,
    ${keys('fewer > 0')} AS lostKeys, ${keys('more > 0')} AS doubledKeys, ${keys('differs != 0')} AS alteredKeys
    FROM (${groups})`;
}
