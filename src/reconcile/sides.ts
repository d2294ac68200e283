import { clickhouseDialect, type Dialect, snowflakeDialect } from './dialect.ts';

/** A row as its select list has it; everything is text. */
export type TextRow = readonly (string | null)[];

/** Runs a SELECT whose columns are all text. */
export type Ask = (sql: string) => AsyncIterable<TextRow>;

/** One layer: its dialect and a way to ask it. */
export interface Side {
  dialect: Dialect;
  ask: Ask;
}

export const speedSide = (ask: Ask): Side => ({ dialect: clickhouseDialect, ask });
export const batchSide = (ask: Ask): Side => ({ dialect: snowflakeDialect, ask });

/** Engines name their columns as they like; the order is ours. */
export function textRow(row: Readonly<Record<string, unknown>>): TextRow {
  return Object.values(row).map((value) => (value === null || value === undefined ? null : String(value)));
}

export async function allRows(rows: AsyncIterable<TextRow>): Promise<TextRow[]> {
  const found: TextRow[] = [];
  for await (const row of rows) found.push(row);
  return found;
}
