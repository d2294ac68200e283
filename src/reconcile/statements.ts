import type { Dialect } from './dialect.ts';
import { type ComparedColumn, type Entity, moneyColumns } from './entities.ts';

/** What is compared with what. */
export interface Scope {
  entity: Entity;
  /** YYYY-MM-DD, UTC. */
  date: string;
  /** Epoch ms: what the speed layer wrote later than this may be missing in the batch. */
  lakeTime: number;
}

/** No text of a value begins so: texts begin with their length, numbers with a digit or a minus. */
const nullMark = "'~'";

/**
 * All compared columns of a row as one text that no other row has: NULL is marked, and what may hold any character goes behind its
 * length.
 */
export function canonicalRow(dialect: Dialect, columns: readonly ComparedColumn[]): string {
  return dialect.row(columns.map((column) => dialect.ifNull(dialect.field(column), nullMark)));
}

const idColumn = ({ columns, id }: Entity): ComparedColumn =>
  columns.find(({ name }) => name === id) ?? { name: id, kind: 'uuid', scale: 0, speedType: 'UUID' };

/** An id that is NULL has to be in a segment too. */
const idText = (dialect: Dialect, entity: Entity): string => dialect.ifNull(dialect.text(idColumn(entity)), "''");

const onTime = ({ lakeTime }: Scope): string => `toUnixTimestamp64Milli(t.processing_time) <= ${lakeTime}`;

/** One row: count, then the sums of the money columns. */
export function totalsStatement(dialect: Dialect, { entity, date }: Scope): string {
  const sums = moneyColumns(entity).map((column, index) => `${dialect.money(column)} AS s${index}`);
  return `SELECT ${[`${dialect.count} AS n`, ...sums].join(', ')} FROM ${dialect.table(entity)} AS t WHERE ${dialect.onDate(entity.time, date)}`;
}

/**
 * Per segment: suffix, count, sum of hashes; from the speed layer also count and sum of what it wrote until lakeTime.
 * Segments are suffixes of the id, which are evenly spread also where ids begin with a time (UUID version 7).
 * @param within only these segments, `withinDigits` long
 */
export function segmentsStatement(
  dialect: Dialect,
  scope: Scope,
  digits: number,
  within?: { digits: number; segments: readonly string[] },
): string {
  const { entity } = scope;
  const id = idText(dialect, entity);
  const speed = dialect.layer === 'speed';
  const inner = [
    `${dialect.suffix(id, digits)} AS seg`,
    `${dialect.hashNumber(canonicalRow(dialect, entity.columns))} AS h`,
    ...(speed ? [`${onTime(scope)} AS early`] : []),
  ];
  const outer = [
    'seg',
    `${dialect.count} AS n`,
    `${dialect.sum('h')} AS total`,
    ...(speed ? ['toString(countIf(early)) AS early_n', 'toString(sumIf(h, early)) AS early_total'] : []),
  ];
  return `SELECT ${outer.join(', ')} FROM (SELECT ${inner.join(', ')} FROM ${dialect.table(entity)} AS t WHERE ${where(dialect, scope, within)}) AS r GROUP BY seg`;
}

/** Per row: id, MD5 of the canonical row, and from the speed layer whether it was written after lakeTime. */
export function hashesStatement(
  dialect: Dialect,
  scope: Scope,
  within: { digits: number; segments: readonly string[] },
): string {
  const { entity } = scope;
  const columns = [
    `${idText(dialect, entity)} AS id`,
    `${dialect.hashText(canonicalRow(dialect, entity.columns))} AS h`,
    ...(dialect.layer === 'speed' ? [`if(${onTime(scope)}, '0', '1') AS late`] : []),
  ];
  return `SELECT ${columns.join(', ')} FROM ${dialect.table(entity)} AS t WHERE ${where(dialect, scope, within)}`;
}

/** Per row of these ids: id, then every compared column as text. */
export function valuesStatement(dialect: Dialect, scope: Scope, ids: readonly string[]): string {
  const { entity, date } = scope;
  const id = idText(dialect, entity);
  const columns = entity.columns.map((column, index) => `${dialect.text(column)} AS c${index}`);
  const wanted = ids.map(dialect.literal).join(', ');
  return `SELECT ${[`${id} AS id`, ...columns].join(', ')} FROM ${dialect.table(entity)} AS t WHERE ${dialect.onDate(entity.time, date)} AND ${id} IN (${wanted})`;
}

function where(
  dialect: Dialect,
  { entity, date }: Scope,
  within: { digits: number; segments: readonly string[] } | undefined,
): string {
  const onDate = dialect.onDate(entity.time, date);
  if (within === undefined) return onDate;
  const segment = dialect.suffix(idText(dialect, entity), within.digits);
  return `${onDate} AND ${segment} IN (${within.segments.map(dialect.literal).join(', ')})`;
}
