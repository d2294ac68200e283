import type { EntityReport, RowDifference, SumReport } from '../core/reconcile-report.ts';
import { type ComparedColumn, moneyColumns } from './entities.ts';
import { compareRows, type FoundRow } from './rows.ts';
import { compareSegments } from './segments.ts';
import { allRows, type Side, type TextRow } from './sides.ts';
import { type Scope, totalsStatement, valuesStatement } from './statements.ts';

/** Ids in the list of one statement. */
const idsAtOnce = 500;
/** Rows are named with their values up to this length, in characters; the rest is replaced by "…". */
const longestValue = 200;

export interface CompareOptions {
  thresholdPercent: number;
  /** Differing rows are named up to this many. */
  maxRows: number;
}

/**
 * Compares one entity's date in both layers: totals, checksums by segment, and the rows of segments that differ.
 * @throws whatever a side throws
 */
export async function compareEntity(
  speed: Side,
  batch: Side,
  scope: Scope,
  { thresholdPercent, maxRows }: CompareOptions,
): Promise<EntityReport> {
  const started = performance.now();
  const { entity } = scope;
  const [speedTotals, batchTotals] = await Promise.all([totals(speed, scope), totals(batch, scope)]);
  const comparison = await compareSegments(speed, batch, scope, Math.max(speedTotals.rows, batchTotals.rows));
  const verdictMs = performance.now() - started;
  const { counts, named } = await compareRows(speed, batch, scope, comparison, maxRows);
  const differences = await nameColumns(speed, batch, scope, named);
  const matching = comparison.matching + counts.matching;
  const differing = counts.missing + counts.extra + counts.different;
  // A percentage that is rounded up to the threshold would be a lie, so it is not rounded at all.
  const consistencyPercent = matching + differing === 0 ? 100 : (100 * matching) / (matching + differing);
  return {
    entity: entity.name,
    speedTable: entity.speedTable,
    batchTable: entity.batchTable,
    verdict: consistencyPercent >= thresholdPercent ? 'agree' : 'differ',
    consistencyPercent,
    rows: {
      ...counts,
      speed: speedTotals.rows,
      batch: batchTotals.rows,
      matching,
      late: comparison.late + counts.late,
    },
    sums: sumsOf(moneyColumns(entity), speedTotals.sums, batchTotals.sums),
    columns: { compared: entity.columns.map(({ name }) => name), excluded: entity.excluded },
    segments: {
      compared: comparison.compared,
      differing: comparison.differing.reduce((sum, { segments }) => sum + segments.size, 0),
      rounds: comparison.rounds,
    },
    differences,
    notNamed: differing - named.reduce((sum, { weight }) => sum + weight, 0),
    elapsedMs: { verdict: verdictMs, rows: performance.now() - started - verdictMs },
  };
}

async function totals({ dialect, ask }: Side, scope: Scope): Promise<{ rows: number; sums: TextRow }> {
  const [row = []] = await allRows(ask(totalsStatement(dialect, scope)));
  return { rows: Number(row[0] ?? 0), sums: row.slice(1) };
}

function sumsOf(columns: readonly ComparedColumn[], speed: TextRow, batch: TextRow): SumReport[] {
  return columns.map(({ name }, index) => ({
    column: name,
    speed: speed[index] ?? '0',
    batch: batch[index] ?? '0',
  }));
}

/** Fetches the rows and says in which columns they differ. */
async function nameColumns(
  speed: Side,
  batch: Side,
  scope: Scope,
  named: readonly FoundRow[],
): Promise<RowDifference[]> {
  const differences: RowDifference[] = [];
  for (let from = 0; from < named.length; from += idsAtOnce) {
    const group = named.slice(from, from + idsAtOnce);
    const ids = group.map(({ id }) => id);
    const [ofSpeed, ofBatch] = await Promise.all([valuesById(speed, scope, ids), valuesById(batch, scope, ids)]);
    for (const { id, kind, copies } of group) {
      const columns = columnsOf(scope.entity.columns, ofSpeed.get(id), ofBatch.get(id));
      differences.push({ id, kind, copies, columns });
    }
  }
  return differences;
}

async function valuesById({ dialect, ask }: Side, scope: Scope, ids: readonly string[]): Promise<Map<string, TextRow>> {
  const rows = new Map<string, TextRow>();
  for await (const [id, ...values] of ask(valuesStatement(dialect, scope, ids))) rows.set(id ?? '', values);
  return rows;
}

function columnsOf(
  columns: readonly ComparedColumn[],
  speed: TextRow | undefined,
  batch: TextRow | undefined,
): RowDifference['columns'] {
  return columns.flatMap((column, index) => {
    const [ours, theirs] = [speed?.[index] ?? null, batch?.[index] ?? null];
    if (speed !== undefined && batch !== undefined && ours === theirs) return [];
    const around = firstDifference(ours, theirs);
    return [{ column: column.name, speed: shown(column, ours, around), batch: shown(column, theirs, around) }];
  });
}

function firstDifference(a: string | null, b: string | null): number {
  if (a === null || b === null) return 0;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}

/** As people read it; of a long text the part where it differs. */
function shown({ kind }: ComparedColumn, text: string | null, around: number): string | null {
  if (text === null) return null;
  if (kind === 'time') return new Date(Number(text)).toISOString();
  if (text.length <= longestValue) return text;
  const from = Math.max(0, Math.min(around - longestValue / 4, text.length - longestValue));
  const part = text.slice(from, from + longestValue);
  return `${from > 0 ? '…' : ''}${part}${from + longestValue < text.length ? '…' : ''}`;
}
