/** Rows for both layers, with values that are easily compared wrongly, and six defects. */

type Value = string | number | null;

interface EventRow {
  event_id: string;
  user_id: string;
  session_id: string;
  event_type: string;
  /** Epoch ms. */
  time: number;
  /** Beyond the milliseconds: only the batch layer keeps them. */
  micros: number;
  device_type: string;
  browser: string;
  ip_address: string;
  page_url: string | null;
  product_id: string | null;
  search_query: string | null;
  transaction_id: string | null;
  properties: string;
}

export const date = '2026-03-08';
const midnight = Date.parse(`${date}T00:00:00Z`);
/** When the batch looked: after the day's end. */
export const lakeTime = midnight + 86_400_000 + 600_000;

const uuid = (kind: string, n: number) =>
  `${n.toString(16).padStart(8, '0')}-abcd-4${kind.repeat(3)}-8def-${(n * 7919).toString(16).padStart(12, '0')}`;

const tricky: readonly string[] = [
  '',
  ' ',
  '~',
  '|',
  '|~|',
  '3:abc|~',
  '-0',
  '-0.0',
  "it's",
  '"quoted"',
  'back\\slash\\',
  "\\'",
  'line\nbreak\tand tab\r',
  'ünïcödé 漢字 👍🏽 e\u0301',
  'עברית',
  'NULL',
  '%_',
  'x'.repeat(100_000),
];

function eventRow(n: number): EventRow {
  const text = tricky[n % tricky.length] ?? '';
  return {
    event_id: uuid('e', n),
    user_id: uuid('a', n % 50),
    session_id: uuid('b', n % 97),
    event_type: 'search',
    time: midnight + ((n * 48_017) % 86_400_000),
    micros: (n * 37) % 1000,
    device_type: 'mobile',
    browser: n % 5 === 0 ? text.slice(0, 300) : 'Firefox',
    ip_address: `10.0.${n % 256}.255`,
    page_url: n % 3 === 0 ? null : text,
    product_id: n % 2 === 0 ? null : uuid('d', n % 31),
    search_query: n % 7 === 0 ? text : null,
    transaction_id: n % 11 === 0 ? uuid('f', n) : null,
    properties: JSON.stringify({ n, text: text.slice(0, 50) }),
  };
}

/** First and last millisecond of the day, and its neighbours, which belong to other dates. */
const edges: readonly number[] = [midnight, midnight + 86_399_999, midnight - 1, midnight + 86_400_000];

export function events(count: number): EventRow[] {
  return Array.from({ length: count }, (_, n) => {
    const row = eventRow(n);
    const moved = row.event_id === defects.different.movedId ? { device_type: 'x|y', browser: 'z' } : {};
    return { ...row, ...moved, time: edges[n] ?? row.time };
  });
}

/** Rows of `events` that are on the date. */
export const onDate = (count: number): number => count - 2;

export const defects = {
  /** Deleted from the batch layer. */
  missing: [uuid('e', 100), uuid('e', 101), uuid('e', 102)],
  /** NULL became ''; a separator moved from one column to the next. */
  different: { nullId: uuid('e', 300), movedId: uuid('e', 301) },
  /** Only in the batch layer. */
  extra: uuid('e', 900_000),
};

const quoted = (value: Value): string => {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
};

const columns =
  'event_id, user_id, session_id, event_type, timestamp, device_type, browser, ip_address, page_url, product_id, search_query, transaction_id, properties';

function valuesOf(row: EventRow, time: string, id: (text: string) => string): string {
  const fields = [id(row.event_id), id(row.user_id), row.session_id, row.event_type].map(quoted);
  const rest = [row.device_type, row.browser, row.ip_address, row.page_url, row.product_id, row.search_query];
  return [...fields, time, ...[...rest, row.transaction_id, row.properties].map(quoted)].join(', ');
}

/** @param processed epoch ms at which the speed layer wrote the rows */
export function speedInsert(rows: readonly EventRow[], processed: number): string {
  const tuples = rows.map((row) => {
    const fields = valuesOf(row, `fromUnixTimestamp64Milli(${row.time})`, (text) => text);
    return `(${fields}, 'gold', fromUnixTimestamp64Milli(${processed}))`;
  });
  return `INSERT INTO lambda.user_events_realtime (${columns}, user_tier, processing_time) VALUES ${tuples.join(', ')}`;
}

/** Ids of users and events in upper case in some rows, as a source may write them. */
export function batchInsert(rows: readonly EventRow[]): string {
  const tuples = rows.map((row, index) => {
    const time = `${new Date(row.time).toISOString().slice(0, 23)}${String(row.micros).padStart(3, '0')}`;
    const fields = valuesOf(row, `'${time.replace('T', ' ')}'`, (text) =>
      index % 4 === 0 ? text.toUpperCase() : text,
    );
    return `(${fields}, 'batch-1')`;
  });
  return `INSERT INTO RAW.USER_EVENTS (${columns}, batch_id) VALUES ${tuples.join(', ')}`;
}

/** Makes the six defects, all in the batch layer. */
export function defectStatements(): string[] {
  const id = (text: string) => `LOWER(EVENT_ID) = '${text}'`;
  const { nullId, movedId } = defects.different;
  const added = { ...eventRow(900_000), event_id: defects.extra };
  return [
    `DELETE FROM RAW.USER_EVENTS WHERE ${defects.missing.map(id).join(' OR ')}`,
    `UPDATE RAW.USER_EVENTS SET PAGE_URL = '' WHERE ${id(nullId)}`,
    // The same characters as before, divided elsewhere.
    `UPDATE RAW.USER_EVENTS SET DEVICE_TYPE = 'x', BROWSER = 'y|z' WHERE ${id(movedId)}`,
    batchInsert([added]),
  ];
}
