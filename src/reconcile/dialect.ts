import type { ComparedColumn, Entity } from './entities.ts';

/**
 * SQL of one engine for what both must compute alike. Text pieces: UUIDs in lower case, times as epoch milliseconds, decimals with
 * all their digits.
 */
export interface Dialect {
  layer: 'speed' | 'batch';
  table(entity: Entity): string;
  literal(text: string): string;
  /** The value as text; NULL stays NULL. */
  text(column: ComparedColumn): string;
  /** The text with nothing in it that could be taken for the end of the field; NULL stays NULL. */
  field(column: ComparedColumn): string;
  /** Fields with "|" between them; none is NULL. */
  row(fields: readonly string[]): string;
  ifNull(expression: string, other: string): string;
  /** Last characters of an id's text. */
  suffix(expression: string, characters: number): string;
  /** Rows whose event time is on the date. */
  onDate(column: string, date: string): string;
  /** Last 64 bits of the MD5, as an unsigned number. */
  hashNumber(text: string): string;
  /** MD5 as 32 lower-case hexadecimal digits. */
  hashText(text: string): string;
  count: string;
  /** Sum of hash numbers as text: exact or modulo 2^64. */
  sum(expression: string): string;
  /** Sum of a decimal column as text with its digits; 0 for no rows. */
  money(column: ComparedColumn): string;
}

const nextDay = (date: string): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);

/** Backslashes are escapes in the string literals of both engines. */
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

export const clickhouseDialect: Dialect = {
  layer: 'speed',
  table: (entity) => entity.speedTable,
  literal: quoted,
  text({ name, kind, scale }) {
    const column = `t.${name}`;
    if (kind === 'time') return `toString(toUnixTimestamp64Milli(${column}))`;
    if (kind === 'decimal') return `toDecimalString(${column}, ${scale})`;
    return kind === 'uuid' ? `lower(toString(${column}))` : `toString(${column})`;
  },
  field(column) {
    const text = this.text(column);
    const measured = `concat(toString(lengthUTF8(${text})), ':', ${text})`;
    if (column.kind === 'text') return measured;
    const mayBeOther = column.kind === 'uuid' && column.speedType.includes('String');
    return mayBeOther ? `if(lengthUTF8(${text}) = 36, ${text}, concat('!', ${measured}))` : text;
  },
  row: (fields) => `concatWithSeparator('|', ${fields.join(', ')})`,
  ifNull: (expression, other) => `ifNull(${expression}, ${other})`,
  suffix: (expression, characters) => `right(${expression}, ${characters})`,
  onDate: (column, date) =>
    `t.${column} >= toDateTime64('${date} 00:00:00', 3, 'UTC') AND t.${column} < toDateTime64('${nextDay(date)} 00:00:00', 3, 'UTC')`,
  // The bytes of the digest are a big-endian number.
  hashNumber: (text) => `byteSwap(reinterpretAsUInt64(substring(MD5(${text}), 9, 8)))`,
  hashText: (text) => `lower(hex(MD5(${text})))`,
  count: 'toString(count())',
  sum: (expression) => `toString(sum(${expression}))`,
  money: ({ name, scale }) => `toDecimalString(sum(t.${name}), ${scale})`,
};

/** Snowflake's SQL; the embedded stand-in understands all of it. */
export const snowflakeDialect: Dialect = {
  layer: 'batch',
  table: (entity) => entity.batchTable,
  literal: quoted,
  text({ name, kind }) {
    const column = `t.${name.toUpperCase()}`;
    // The embedded engine would round microseconds to the next millisecond.
    if (kind === 'time') return `TO_VARCHAR(DATE_PART(EPOCH_MILLISECOND, DATE_TRUNC('MILLISECOND', ${column})))`;
    if (kind === 'uuid') return `LOWER(${column})`;
    return kind === 'text' ? column : `TO_VARCHAR(${column})`;
  },
  field(column) {
    const text = this.text(column);
    const measured = `TO_VARCHAR(LENGTH(${text})) || ':' || ${text}`;
    if (column.kind === 'text') return measured;
    // 36 characters that equal a real UUID's are one; anything else must not end where a UUID would.
    return column.kind === 'uuid' ? `IFF(LENGTH(${text}) = 36, ${text}, '!' || ${measured})` : text;
  },
  // A chain of || would be copied again at every link by the embedded engine.
  row: (fields) => `CONCAT_WS('|', ${fields.join(', ')})`,
  ifNull: (expression, other) => `COALESCE(${expression}, ${other})`,
  suffix: (expression, characters) => `RIGHT(${expression}, ${characters})`,
  onDate: (column, date) =>
    `t.${column.toUpperCase()} >= '${date} 00:00:00'::TIMESTAMP_NTZ AND t.${column.toUpperCase()} < '${nextDay(date)} 00:00:00'::TIMESTAMP_NTZ`,
  hashNumber: (text) => `MD5_NUMBER_LOWER64(${text})`,
  hashText: (text) => `MD5(${text})`,
  count: 'TO_VARCHAR(COUNT(*))',
  // Without a cast the embedded engine sums as floating point.
  sum: (expression) => `TO_VARCHAR(SUM(CAST(${expression} AS NUMBER(20, 0))))`,
  money: ({ name, scale }) =>
    `TO_VARCHAR(CAST(COALESCE(SUM(CAST(t.${name.toUpperCase()} AS NUMBER(38, ${scale}))), 0) AS NUMBER(38, ${scale})))`,
};
