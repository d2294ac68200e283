import type { Side, TextRow } from './sides.ts';
import { type Scope, segmentsStatement } from './statements.ts';

/** Rows that a segment should hold, about: few enough to be fetched one by one, many enough to keep the list short. */
const rowsASegment = 256;
/** A differing segment of more rows is divided again. */
const largestSegment = 4096;
/** Ids of 16^6 segments; longer suffixes are only used to divide a single large segment. */
const mostDigits = 6;
/** After so many digits of a suffix rows that are still together have the same id, or ids that only differ at the front. */
const longestSuffix = 32;
const modulus = 1n << 64n;

interface Checksum {
  rows: number;
  /** Modulo 2^64. */
  sum: bigint;
}

interface Segment {
  suffix: string;
  speed: Checksum;
  /** Of `speed`, what was written until the batch looked. */
  early: Checksum;
  batch: Checksum;
}

/** Segments that hold differing rows; what agrees is only counted. */
export interface Comparison {
  /** Suffix → rows of the larger side. */
  differing: { digits: number; segments: ReadonlyMap<string, number> }[];
  matching: number;
  /** Rows of agreeing segments that came after the batch had looked. */
  late: number;
  compared: number;
  rounds: number;
}

const nothing: Checksum = { rows: 0, sum: 0n };

/** Hexadecimal digits by which `rows` rows fall into segments of a convenient size. */
export function digitsFor(rows: number): number {
  return Math.min(mostDigits, Math.max(1, Math.ceil(Math.log(Math.max(1, rows / rowsASegment)) / Math.log(16))));
}

/**
 * Compares checksums segment by segment, each computed inside its engine, and divides the large ones that differ.
 * @param rows of the larger side
 */
export async function compareSegments(speed: Side, batch: Side, scope: Scope, rows: number): Promise<Comparison> {
  const result = { differing: [] as Comparison['differing'], matching: 0, late: 0, compared: 0, rounds: 0 };
  let digits = digitsFor(rows);
  let within: { digits: number; segments: readonly string[] } | undefined;
  do {
    const segments = await readSegments(speed, batch, scope, digits, within);
    result.rounds += 1;
    result.compared += segments.length;
    const small = new Map<string, number>();
    const large: string[] = [];
    for (const segment of segments) {
      const agreeing = agreementOf(segment);
      if (agreeing !== null) {
        result.matching += segment.batch.rows;
        result.late += agreeing;
        continue;
      }
      const size = Math.max(segment.speed.rows, segment.batch.rows);
      if (size > largestSegment && digits < longestSuffix) large.push(segment.suffix);
      else small.set(segment.suffix, size);
    }
    if (small.size > 0) result.differing.push({ digits, segments: small });
    within = large.length > 0 ? { digits, segments: large } : undefined;
    digits = Math.min(longestSuffix, digits + 2);
  } while (within !== undefined);
  return result;
}

/** @returns late rows of a segment that agrees, null when it differs */
function agreementOf({ speed, early, batch }: Segment): number | null {
  if (equal(speed, batch)) return 0;
  // All that came after the batch had looked is absent there, as it should be.
  return equal(early, batch) ? speed.rows - early.rows : null;
}

const equal = (a: Checksum, b: Checksum): boolean => a.rows === b.rows && a.sum === b.sum;

async function readSegments(
  speed: Side,
  batch: Side,
  scope: Scope,
  digits: number,
  within: { digits: number; segments: readonly string[] } | undefined,
): Promise<Segment[]> {
  const segments = new Map<string, Segment>();
  const read = async (side: Side, place: (row: TextRow, segment: Segment) => void) => {
    for await (const row of side.ask(segmentsStatement(side.dialect, scope, digits, within))) {
      const suffix = row[0] ?? '';
      const segment = segments.get(suffix) ?? { suffix, speed: nothing, early: nothing, batch: nothing };
      place(row, segment);
      segments.set(suffix, segment);
    }
  };
  await Promise.all([
    read(speed, (row, segment) => {
      segment.speed = checksum(row, 1);
      segment.early = checksum(row, 3);
    }),
    read(batch, (row, segment) => {
      segment.batch = checksum(row, 1);
    }),
  ]);
  return [...segments.values()];
}

const checksum = (row: TextRow, at: number): Checksum => ({
  rows: Number(row[at] ?? 0),
  // One engine sums exactly, the other modulo 2^64.
  sum: BigInt(row[at + 1] ?? '0') % modulus,
});
