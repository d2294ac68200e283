import type { Counts, HopLedger } from '../../core/bench-report.ts';
import type { Expectation } from './expectation.ts';
import { examplesAKind, type HopCount } from './hop-count.ts';

/** Partition → first offset and the offset behind the last. */
export type OffsetWindow = Readonly<Record<string, readonly [number, number]>>;

/** Bytes of a record that LakeIds.java writes: what it is, partition, offset, id, digest. */
export const lakeRecordBytes = 37;
const at = { partition: 1, offset: 5, id: 13, digest: 29 } as const;

/** What a record is, as LakeIds.java numbers it. */
const inTable = 0;
const rejected = 1;

/** Counts the places that records have in a topic: each offset of a window must be there once. */
export class OffsetCount {
  private readonly topic: string;
  private readonly partitions = new Map<number, { from: number; seen: Uint8Array }>();
  private readonly examples: HopLedger['examples'][number][] = [];
  private found = 0;
  private doubled = 0;
  private alien = 0;

  constructor(topic: string, window: OffsetWindow) {
    this.topic = topic;
    for (const [partition, [from, to]] of Object.entries(window)) {
      this.partitions.set(Number(partition), { from, seen: new Uint8Array(Math.max(0, to - from)) });
    }
  }

  see(partition: number, offset: number): void {
    const place = this.partitions.get(partition);
    const index = place === undefined ? -1 : offset - place.from;
    const before = place?.seen[index];
    if (place === undefined || before === undefined) {
      this.alien++;
      this.note('alien', partition, offset);
      return;
    }
    this.found++;
    if (before === 0) place.seen[index] = 1;
    else {
      this.doubled++;
      this.note('doubled', partition, offset);
    }
  }

  /** Example "ids" are places: topic/partition/offset. */
  result(where: Pick<HopLedger, 'hop' | 'store' | 'method'>): HopLedger {
    let expected = 0;
    let lost = 0;
    for (const [partition, { from, seen }] of this.partitions) {
      expected += seen.length;
      for (let index = seen.indexOf(0); index >= 0; index = seen.indexOf(0, index + 1)) {
        lost++;
        this.note('lost', partition, from + index);
      }
    }
    const { found, doubled, alien, examples } = this;
    return { ...where, expected, found, lost, doubled, alien, altered: null, examples };
  }

  private note(kind: HopLedger['examples'][number]['kind'], partition: number, offset: number): void {
    if (this.examples.filter((each) => each.kind === kind).length >= examplesAKind) return;
    this.examples.push({ kind, id: `${this.topic}/${partition}/${offset}` });
  }
}

/** Records of one topic in the lake, counted in one pass over what LakeIds.java wrote. */
export interface LakeCounts {
  /** Every place of the window, in the table and lake.rejected together. */
  places: OffsetCount;
  /** Rows of the table whose time keeps the rules, by id and content. */
  rows: HopCount;
  /** Records in lake.rejected, and rows of the table whose time breaks a rule. */
  rejected: number;
  outOfTime: number;
}

/** @param rows of Expectation.archive */
export async function countLakeRecords(
  records: AsyncIterable<Uint8Array>,
  topic: string,
  window: OffsetWindow,
  rows: HopCount,
): Promise<LakeCounts> {
  const counts: LakeCounts = { places: new OffsetCount(topic, window), rows, rejected: 0, outOfTime: 0 };
  for await (const block of wholeRecords(records)) {
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    const digest = { bytes: block, offset: 0 };
    for (let record = 0; record < block.length; record += lakeRecordBytes) {
      counts.places.see(view.getInt32(record + at.partition), Number(view.getBigInt64(record + at.offset)));
      const kind = view.getUint8(record);
      digest.offset = record + at.digest;
      if (kind === inTable) rows.see(block, record + at.id, digest);
      else if (kind === rejected) counts.rejected++;
      else counts.outOfTime++;
    }
  }
  return counts;
}

/** Cuts a stream at the ends of records, wherever its pieces end. */
async function* wholeRecords(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    const block = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = block.length - (block.length % lakeRecordBytes);
    if (whole > 0) yield block.subarray(0, whole);
    rest = block.subarray(whole);
  }
  if (rest.length > 0) throw new Error('what the lake tool wrote ends within a record');
}

/** Kinds of bad records whose form does not fit, so that the archive sets them apart. */
const unfit = ['malformed_json', 'missing_field', 'wrong_type', 'unknown_type'] as const;

/** The counts of one topic as hops of the report. */
export function lakeHops(
  topic: 'user_events' | 'transactions',
  counts: LakeCounts,
  expectation: Expectation,
): HopLedger[] {
  const hop = 'lake';
  const store = `lake.${topic}`;
  const hops = [
    counts.places.result({
      hop,
      store: `${store} + lake.rejected`,
      method:
        'every place (partition, offset) that Kafka gave out during the run, once in the table or among the rejected',
    }),
    counts.rows.result({
      hop,
      store,
      method:
        'every id and the digest of its content, re-sends twice, in the places of the run; rows whose time breaks a rule are bad records and counted by place',
    }),
  ];
  if (topic === 'transactions') return hops;
  const { bad } = expectation;
  const unfitSent = unfit.reduce((sum, kind) => sum + bad[kind], 0);
  const outSent = bad.future_timestamp + bad.late_timestamp;
  if (unfitSent + outSent + counts.rejected + counts.outOfTime === 0) return hops;
  const bySum = 'number of records in the places of the run against the bad records that were sent';
  return [
    ...hops,
    sumHop(
      { hop, store: 'lake.rejected', method: `${bySum}: those that do not fit the schema` },
      unfitSent,
      counts.rejected,
    ),
    sumHop({ hop, store: `${store}, time out of range`, method: bySum }, outSent, counts.outOfTime),
  ];
}

/** Fewer are lost, more are doubled. */
export function sumHop(where: Pick<HopLedger, 'hop' | 'store' | 'method'>, expected: number, found: number): HopLedger {
  const counts: Counts = {
    expected,
    found,
    lost: Math.max(0, expected - found),
    doubled: Math.max(0, found - expected),
    alien: 0,
    altered: null,
  };
  return { ...where, ...counts, examples: [] };
}

/** What the lake tool told of commits, as weights of a histogram: ms from event time until the commit that made a row visible. */
export function* lakeLatencies(
  reports: readonly { latencies: readonly (readonly [number, number])[] }[],
): IterableIterator<{ latencyMs: number; count: number }> {
  for (const { latencies } of reports) for (const [latencyMs, count] of latencies) yield { latencyMs, count };
}
