import type { DashboardQuery } from './queries.ts';

/** Rows a statement answers, with or without the server's projections. */
export type AskRows = (query: DashboardQuery, projections: boolean) => Promise<readonly Record<string, unknown>[]>;

export interface WrongAnswer {
  name: string;
  /** The first row that differs, of both, as JSON; null where one side has no such row. */
  fromProjections: string | null;
  fromRows: string | null;
}

/**
 * Every statement twice on tables that nobody writes to: from the projections, and from the rows alone. Both must answer the same.
 * @throws what `ask` throws
 */
export async function wrongAnswers(queries: readonly DashboardQuery[], ask: AskRows): Promise<WrongAnswer[]> {
  const wrong: WrongAnswer[] = [];
  for (const query of queries) {
    const [projected, scanned] = [await ask(query, true), await ask(query, false)];
    for (let row = 0; row < Math.max(projected.length, scanned.length); row += 1) {
      const [fromProjections, fromRows] = [textOf(projected[row]), textOf(scanned[row])];
      if (fromProjections === fromRows) continue;
      wrong.push({ name: query.name, fromProjections, fromRows });
      break;
    }
  }
  return wrong;
}

const textOf = (row: Record<string, unknown> | undefined): string | null =>
  row === undefined ? null : JSON.stringify(row);
