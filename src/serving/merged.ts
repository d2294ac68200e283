import { usageError } from '../core/errors.ts';

/** A date that the batch layer has loaded. */
export interface LoadedDate {
  /** YYYY-MM-DD, UTC. */
  date: string;
  /** Epoch ms: what Kafka held then is in the warehouse. */
  lakeTime: number;
}

/** Epoch ms; `to` is not included. */
export interface Range {
  from: number;
  to: number;
}

const dayMs = 86_400_000;

/**
 * Event time that the batch layer answers for: each loaded date, of an unfinished one the part that the batch had seen less the
 * watermark (events that late had arrived). Sorted, adjacent ranges made one.
 */
export function batchRanges(loaded: readonly LoadedDate[], watermarkMinutes: number): Range[] {
  const ranges = loaded
    .map(({ date, lakeTime }) => {
      const from = Date.parse(`${date}T00:00:00Z`);
      return { from, to: Math.min(from + dayMs, lakeTime - watermarkMinutes * 60_000) };
    })
    .filter(({ from, to }) => to > from)
    .sort((a, b) => a.from - b.from);
  const merged: Range[] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    if (last !== undefined && range.from <= last.to) last.to = Math.max(last.to, range.to);
    else merged.push({ ...range });
  }
  return merged;
}

/** A table that both layers have, under one name. */
export interface LogicalTable {
  name: string;
  time: string;
  columns: readonly string[];
  speed: string;
  batch: string;
}

/** Columns are those of both layers; what only one has (user_tier, loaded_at) is asked for with --layer. */
export const logicalTables: readonly LogicalTable[] = [
  {
    name: 'user_events',
    time: 'timestamp',
    columns: [
      'event_id',
      'user_id',
      'session_id',
      'event_type',
      'timestamp',
      'device_type',
      'browser',
      'ip_address',
      'page_url',
      'product_id',
      'search_query',
      'transaction_id',
      'properties',
    ],
    speed: 'user_events_realtime',
    batch: 'RAW.USER_EVENTS',
  },
  {
    name: 'transactions',
    time: 'created_at',
    columns: [
      'transaction_id',
      'user_id',
      'product_id',
      'quantity',
      'unit_price',
      'total_amount',
      'discount_amount',
      'tax_amount',
      'status',
      'payment_method',
      'shipping_address',
      'created_at',
      'updated_at',
    ],
    speed: 'transactions_realtime',
    batch: 'RAW.TRANSACTIONS',
  },
];

/**
 * The user's statement over one layer's part of the logical tables: they become common table expressions in front of it.
 * @throws LambdaError BAD_SQL when it is no SELECT
 */
export function layerSql(sql: string, layer: 'speed' | 'batch', ranges: readonly Range[]): string {
  const statement = sql.trim().replace(/;\s*$/, '');
  const [, recursive = '', own] = /^with\s+(recursive\s+)?([\s\S]*)$/i.exec(statement) ?? [];
  if (own === undefined && !/^(select|\()/i.test(statement)) {
    throw usageError('The merged layer answers SELECT statements only.', {
      code: 'BAD_SQL',
      actions: ['Ask one layer with --layer speed or --layer batch.'],
    });
  }
  const views = logicalTables.map((table) => {
    const covered = ranges.map(
      ({ from, to }) => `(${table.time} >= ${moment(from, layer)} and ${table.time} < ${moment(to, layer)})`,
    );
    const condition = covered.length === 0 ? '1 = 0' : covered.join(' or ');
    const where = layer === 'batch' ? condition : `not (${condition})`;
    return `${table.name} as (select ${table.columns.join(', ')} from ${table[layer]} where ${where})`;
  });
  return `with ${recursive}${views.join(', ')}${own === undefined ? ` ${statement}` : `, ${own}`}`;
}

function moment(time: number, layer: 'speed' | 'batch'): string {
  const text = new Date(time).toISOString().replace('T', ' ').replace('Z', '');
  return layer === 'speed' ? `toDateTime64('${text}', 3)` : `'${text}'::timestamp_ntz`;
}
