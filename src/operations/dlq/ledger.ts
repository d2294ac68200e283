import { setTimeout as sleep } from 'node:timers/promises';
import { LambdaError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import type { RecordWriter } from '../../probes/kafka-record-writer.ts';
import type { RecordReader } from '../../probes/kafka-records.ts';
import { processName } from '../../system/host.ts';
import { type Chunk, type Entry, readEntry } from './ledger-entry.ts';
import { originOfReplayed } from './letter.ts';
import { OffsetSet, PositionSet } from './ranges.ts';

/** A replay that wrote nothing for so long is taken for dead; longer than a chunk can be under way, ms. */
const leaseMs = 15_000;
/** Entries older than this by the clock are of a dead replay for sure: clocks do not differ so much. */
const surelyOldMs = 60_000;
/** A chunk that was not sent so soon after it was announced is not sent: the process stood still, and another may have taken over. */
const announceMs = 2000;
const lookEveryMs = 500;

/**
 * Who replays, and what was replayed: a compacted topic of one partition, whose order decides (docs/adr/0021).
 * A chunk is announced, sent and then noted as done; one that was announced only is looked for on the source topic.
 */
export class ReplayLedger {
  private readonly topic: string;
  private readonly reader: Pick<RecordReader, 'bounds' | 'read'>;
  private readonly writer: Pick<RecordWriter, 'send'>;
  private readonly done = new PositionSet();
  private readonly open = new Map<string, { chunk: Chunk; seenAt: number }>();
  private holder: { run: string; who: string; at: number } | null = null;
  /** Offset up to which the ledger was read. */
  private readTo = 0;
  private lastClaimAt = -1;
  private outstanding: Entry[] = [];
  private chunks = 0;
  private run = '';

  constructor(topic: string, reader: Pick<RecordReader, 'bounds' | 'read'>, writer: Pick<RecordWriter, 'send'>) {
    this.topic = topic;
    this.reader = reader;
    this.writer = writer;
  }

  /** Reads what was added since the last time. @returns how many entries @throws LambdaError KAFKA_REFUSED */
  async refresh(): Promise<number> {
    const [bounds] = await this.reader.bounds(this.topic);
    if (bounds === undefined) return 0;
    let count = 0;
    for await (const records of this.reader.read(this.topic, 0, Math.max(this.readTo, bounds.begin), bounds.end)) {
      for (const record of records) {
        const entry = readEntry(record.value);
        if (entry !== null) this.apply(String(record.key), entry, record.offset);
        count++;
      }
    }
    this.readTo = bounds.end;
    return count;
  }

  /** Whether the letter of a refused record was put back; the unknown ones of a replay that was cut off count as not. */
  get replayed(): Pick<PositionSet, 'has'> {
    return this.done;
  }

  /**
   * Becomes the one that replays. A replay that was cut off is waited for as long as it could still be at work.
   * @throws LambdaError DLQ_BUSY while another one is at work
   */
  async claim(run: string, { emit, signal }: OperationContext): Promise<void> {
    await this.refresh();
    let other = this.holder;
    if (other !== null && Date.now() - other.at < surelyOldMs) {
      emit({ type: 'log', level: 'info', message: `A replay (${other.who}) did not end; waiting whether it goes on.` });
      for (const from = performance.now(); other !== null && performance.now() - from < leaseMs; other = this.holder) {
        await sleep(lookEveryMs, undefined, { signal });
        if ((await this.refresh()) > 0 && this.holder !== null) throw busy(this.holder.who);
      }
    }
    await this.write([['claim', { kind: 'claim', run, who: processName(), at: Date.now(), after: this.readTo }]]);
    await this.refresh();
    if (this.holder?.run !== run) throw busy(this.holder?.who ?? 'unknown');
    this.run = run;
  }

  /**
   * Settles what a replay that was cut off has announced: looks for it on the source topic.
   * @returns how many records had arrived, and how many had not and may be replayed
   */
  async settle(context: OperationContext): Promise<{ found: number; free: number }> {
    const total = { found: 0, free: 0 };
    for (const [key, { chunk, seenAt }] of this.open) {
      const rest = seenAt + leaseMs - performance.now();
      if (Date.now() - chunk.at < surelyOldMs && rest > 0) await sleep(rest, undefined, { signal: context.signal });
      const arrived = await this.arrived(chunk, context.signal);
      await this.write([[key, { ...chunk, kind: 'done', run: this.run, at: Date.now(), ranges: arrived.toRanges() }]]);
      total.found += [...arrived].length;
      total.free += sizeOf(chunk.ranges) - [...arrived].length;
    }
    await this.refresh();
    return total;
  }

  /**
   * Announces a chunk, sends it, and remembers to note it as done with the next one.
   * @param send puts the records on the source topic, within ten seconds or never (kafka-record-writer)
   * @throws LambdaError DLQ_BUSY when another replay took over meanwhile; nothing of this chunk was sent then
   */
  async put(
    chunk: Pick<Chunk, 'topic' | 'partition' | 'target' | 'scanFrom'>,
    offsets: OffsetSet,
    send: () => Promise<unknown>,
  ): Promise<void> {
    const key = `${this.run}/${this.chunks++}`;
    const announced: Chunk = { kind: 'begun', run: this.run, at: Date.now(), ...chunk, ranges: offsets.toRanges() };
    const announcedAt = performance.now();
    await this.write([...this.takeOutstanding(), [key, announced]]);
    await this.refresh();
    if (this.holder?.run !== this.run) throw busy(this.holder?.who ?? 'unknown');
    if (performance.now() - announcedAt > announceMs) throw tooSlow();
    await send();
    this.outstanding.push([key, { ...announced, kind: 'done', at: Date.now() }] as const);
  }

  /** Notes the last chunk and lets others replay. */
  async release(): Promise<void> {
    await this.write([...this.takeOutstanding(), ['claim', { kind: 'release', run: this.run, at: Date.now() }]]);
  }

  private takeOutstanding(): Entry[] {
    const taken = this.outstanding;
    this.outstanding = [];
    return taken;
  }

  private apply(key: string, entry: Entry[1], offset: number): void {
    if (this.holder !== null && entry.run === this.holder.run) this.holder = { ...this.holder, at: entry.at };
    if (entry.kind === 'claim') {
      // Who claims without having seen another's claim comes too late.
      if (entry.after <= this.lastClaimAt) return;
      this.lastClaimAt = offset;
      this.holder = { run: entry.run, who: entry.who, at: entry.at };
    } else if (entry.kind === 'release') {
      if (this.holder?.run === entry.run) this.holder = null;
    } else if (entry.kind === 'begun') {
      this.open.set(key, { chunk: entry, seenAt: performance.now() });
    } else {
      this.open.delete(key);
      const set = this.done.of(entry.topic, entry.partition);
      for (const [first, last] of entry.ranges) set.add(first, last);
    }
  }

  /** Which records of an announced chunk are on the source topic. */
  private async arrived(
    { topic, partition, target, scanFrom, ranges }: Chunk,
    signal: AbortSignal,
  ): Promise<OffsetSet> {
    const wanted = new OffsetSet();
    for (const [first, last] of ranges) wanted.add(first, last);
    const found = new OffsetSet();
    const bounds = (await this.reader.bounds(topic)).find((each) => each.partition === target);
    if (bounds === undefined) return found;
    for await (const records of this.reader.read(topic, target, Math.max(scanFrom, bounds.begin), bounds.end)) {
      signal.throwIfAborted();
      for (const record of records) {
        if (record.headers.length === 0) continue;
        const origin = originOfReplayed(record);
        if (origin?.topic === topic && origin.partition === partition && wanted.has(origin.offset))
          found.add(origin.offset);
      }
    }
    return found;
  }

  private async write(entries: readonly Entry[]): Promise<void> {
    await this.writer.send(
      entries.map(([key, entry]) => ({
        topic: this.topic,
        partition: 0,
        key: Buffer.from(key),
        value: Buffer.from(JSON.stringify(entry)),
        headers: new Map(),
      })),
    );
  }
}

function sizeOf(ranges: Chunk['ranges']): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

function busy(who: string): LambdaError {
  return new LambdaError(`Another replay is at work (${who}).`, {
    code: 'DLQ_BUSY',
    category: 'preflight',
    actions: ['Wait for it to end; what it has put back is not put back again.'],
    retryable: true,
  });
}

function tooSlow(): LambdaError {
  return new LambdaError('Kafka took too long to note what was to be replayed; the rest was left where it is.', {
    code: 'KAFKA_REFUSED',
    category: 'external',
    actions: ['lambdactl dlq replay (what arrived is not put back again)', 'lambdactl health'],
    retryable: true,
  });
}
