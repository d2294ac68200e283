import type { RowCounts, RowDifference } from '../core/reconcile-report.ts';
import type { Comparison } from './segments.ts';
import type { Side } from './sides.ts';
import { hashesStatement, type Scope } from './statements.ts';

/** Rows whose hashes are held in memory at a time, of each side, about. */
const rowsAtOnce = 100_000;
/** In the list of one statement. */
const segmentsAtOnce = 4096;

interface Hashes {
  /** By MD5, one entry a copy. */
  speed: { hash: string; late: boolean }[];
  batch: string[];
}

/** A differing row before its values are known. */
export interface FoundRow extends Omit<RowDifference, 'columns'> {
  /** Rows of the union that this id stands for. */
  weight: number;
}

export interface FoundRows {
  counts: Pick<RowCounts, 'matching' | 'missing' | 'extra' | 'different' | 'duplicate' | 'late'>;
  /** The first by id. */
  named: FoundRow[];
}

/**
 * Compares the rows of differing segments one by one.
 * @param maxRows named at most; all are counted
 */
export async function compareRows(
  speed: Side,
  batch: Side,
  scope: Scope,
  comparison: Comparison,
  maxRows: number,
): Promise<FoundRows> {
  const counts = { matching: 0, missing: 0, extra: 0, different: 0, duplicate: 0, late: 0 };
  let named: FoundRow[] = [];
  for (const within of portions(comparison)) {
    const rows = await readHashes(speed, batch, scope, within);
    for (const [id, hashes] of rows) {
      const found = judge(id, hashes, counts);
      if (found !== null) named.push(found);
    }
    // By id over all portions, without keeping more than are shown.
    named = named.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, maxRows);
  }
  return { counts, named };
}

/** Counts the copies of one id. @returns the difference, null when there is none */
function judge(id: string, { speed, batch }: Hashes, counts: FoundRows['counts']): FoundRow | null {
  const onlySpeed = [...speed];
  const onlyBatch: string[] = [];
  for (const hash of batch) {
    const same = onlySpeed.findIndex((row) => row.hash === hash);
    if (same < 0) onlyBatch.push(hash);
    else onlySpeed.splice(same, 1);
  }
  counts.matching += batch.length - onlyBatch.length;
  const copies = { speed: speed.length, batch: batch.length };
  const different = Math.min(onlySpeed.length, onlyBatch.length);
  const left = onlySpeed.slice(different);
  const late = left.filter((row) => row.late).length;
  counts.different += different;
  counts.late += late;
  const missing = left.length - late;
  const extra = onlyBatch.length - different;
  counts.missing += missing;
  counts.extra += extra;
  const weight = different + missing + extra;
  if (weight === 0) return null;
  if (speed.length > 1 || batch.length > 1) {
    counts.duplicate += 1;
    return { id, kind: 'duplicate', copies, weight };
  }
  return { id, kind: different > 0 ? 'different' : extra > 0 ? 'extra' : 'missing', copies, weight };
}

async function readHashes(speed: Side, batch: Side, scope: Scope, within: Portion): Promise<Map<string, Hashes>> {
  const rows = new Map<string, Hashes>();
  const of = (id: string): Hashes => {
    const known = rows.get(id) ?? { speed: [], batch: [] };
    rows.set(id, known);
    return known;
  };
  const read = async ({ ask, dialect }: Side, place: (hashes: Hashes, hash: string, late: boolean) => void) => {
    for await (const [id, hash, late] of ask(hashesStatement(dialect, scope, within))) {
      place(of(id ?? ''), hash ?? '', late === '1');
    }
  };
  await Promise.all([
    read(speed, (hashes, hash, late) => hashes.speed.push({ hash, late })),
    read(batch, (hashes, hash) => hashes.batch.push(hash)),
  ]);
  return rows;
}

interface Portion {
  digits: number;
  segments: readonly string[];
}

/** Segments in groups that fit in memory and in a statement. */
export function* portions({ differing }: Pick<Comparison, 'differing'>): Generator<Portion> {
  for (const { digits, segments } of differing) {
    let group: string[] = [];
    let rows = 0;
    for (const [suffix, size] of segments) {
      if (group.length > 0 && (rows + size > rowsAtOnce || group.length >= segmentsAtOnce)) {
        yield { digits, segments: group };
        group = [];
        rows = 0;
      }
      group.push(suffix);
      rows += size;
    }
    if (group.length > 0) yield { digits, segments: group };
  }
}
