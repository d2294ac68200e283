import { setImmediate } from 'node:timers/promises';
import { type BadKind, badKinds, recordKinds } from '../../generator/bad-data.ts';
import { Generator, type GeneratorOptions, type StreamName, streamNames } from '../../generator/generator.ts';
import { IdStream, Ids } from '../../generator/ids.ts';
import { type RunOptions, resolveOptions } from '../../generator/options.ts';
import { at } from '../../generator/random.ts';
import type { GeneratorResult } from '../../generator/run.ts';
import type { ComparedColumn } from '../../reconcile/entities.ts';
import { type Contents, contentsOf, type RowColumns, rowContents } from './contents.ts';
import { HopCount } from './hop-count.ts';
import { RecordReader } from './record-reader.ts';

/** The records of a run. */
export interface ExpectationOptions {
  /** Complete, as the run had it: seed, startTime, rate, count or durationMs, users, bad … */
  engine: GeneratorOptions;
  /** Records that the run made on user_events, if it was cut short. `engine.count` stays as it was: re-sends depend on it. */
  generated?: number;
  /** Records that the run reported as given up, by stream; none by default. Whether they arrived is for Kafka to tell. */
  givenUp?: Readonly<Record<StreamName, number>>;
}

/** Of an event, by its number: position in recordKinds, then these. */
const kindMask = 7;
const resentBit = 8;
const saleBit = 16;
/** Given up by the generator and not in Kafka. */
const absentBits: Record<StreamName, number> = { user_events: 32, transactions: 64 };
/** Events between two turns of the event loop. */
const eventsATurn = 50_000;

const idStreams: Record<StreamName, IdStream> = { user_events: IdStream.event, transactions: IdStream.transaction };

/** From what was asked of runGenerator and what it answered; seed and start come from the answer. */
export function expectationOptions(
  options: RunOptions,
  result: Pick<GeneratorResult, 'seed' | 'startTime' | 'valid' | 'bad' | 'duplicates' | 'deliveries'>,
): ExpectationOptions {
  const { seed, startTime, valid, bad, duplicates, deliveries } = result;
  const { user_events, transactions } = deliveries;
  return {
    engine: { ...resolveOptions({ ...options, seed }).engine, startTime: Date.parse(startTime) },
    generated: valid + duplicates + badKinds.reduce((sum, kind) => sum + bad[kind], 0),
    givenUp: { user_events: user_events.failed, transactions: transactions.failed },
  };
}

/** What a generator run sent, told again from its options: nothing was written down while it ran. */
export class Expectation {
  /** Distinct clean events. */
  readonly valid: number;
  readonly transactions: number;
  /** Distinct bad records by kind. */
  readonly bad: Readonly<Record<BadKind, number>>;
  /** Exact re-sends of valid events. */
  readonly duplicates: number;
  /** Event times of valid events and transactions, ms since 1970, inclusive. */
  readonly range: { from: number; to: number };
  private readonly options: Required<ExpectationOptions>;
  private readonly events: Uint8Array;
  private readonly rows = new Map<string, Promise<Int32Array>>();
  private records: Promise<Contents['records']> | undefined;

  private constructor(options: Required<ExpectationOptions>, tally: Tally) {
    this.options = options;
    this.events = tally.events;
    this.valid = tally.kinds.valid;
    this.transactions = tally.sales;
    this.bad = Object.fromEntries(badKinds.map((kind) => [kind, tally.kinds[kind]])) as Record<BadKind, number>; // one entry a kind
    this.duplicates = tally.kinds.duplicate;
    this.range = { from: Math.floor(tally.from), to: Math.floor(tally.to) };
  }

  /** Recounts the run, some 0.5 s a million events. @throws the signal's reason */
  static async of(options: ExpectationOptions, signal?: AbortSignal): Promise<Expectation> {
    const complete = { generated: Number.POSITIVE_INFINITY, givenUp: { user_events: 0, transactions: 0 }, ...options };
    return new Expectation(complete, await recount(complete, signal));
  }

  get badTotal(): number {
    return badKinds.reduce((sum, kind) => sum + this.bad[kind], 0);
  }

  /**
   * A fresh count for a table: every valid event (or transaction) once, no bad one.
   * @param columns those that the hop's canonical rows are made of; left out where the hop holds no whole rows. The first
   *   count of a stream and set of columns renders the run again, some 6 s a million events
   * @throws the signal's reason
   */
  async hop(stream: StreamName, columns?: readonly ComparedColumn[], signal?: AbortSignal): Promise<HopCount> {
    const absent = absentBits[stream];
    const copies = this.events.map((event) => {
      const wanted = stream === 'transactions' ? (event & saleBit) !== 0 : (event & kindMask) === 0;
      return wanted && (event & absent) === 0 ? 1 : 0;
    });
    const digests = columns === undefined ? undefined : await this.rowDigests(stream, columns, signal);
    return new HopCount({ ids: this.ids(stream), copies, digests });
  }

  /**
   * A count for the archive, which keeps records as they came: valid events as often as they were sent, no bad one.
   * @throws the signal's reason
   */
  async archive(stream: StreamName, columns: readonly ComparedColumn[], signal?: AbortSignal): Promise<HopCount> {
    const absent = absentBits[stream];
    const copies = this.events.map((event) => {
      if (stream === 'transactions') return (event & (saleBit | absent)) === saleBit ? 1 : 0;
      if ((event & (kindMask | absent)) !== 0) return 0;
      return event & resentBit ? 2 : 1;
    });
    return new HopCount({ ids: this.ids(stream), copies, digests: await this.rowDigests(stream, columns, signal) });
  }

  /**
   * Renders the run once for all counts of topics and of rows with these columns; without it each renders the run for itself.
   * @throws the signal's reason
   */
  async prepare(columns: RowColumns, signal?: AbortSignal): Promise<void> {
    const { records, rows } = await contentsOf(this.source(), columns, signal);
    this.records = Promise.resolve(records);
    for (const stream of streamNames) {
      const [digests, ofStream] = [rows[stream], columns[stream]];
      if (digests === undefined || ofStream === undefined) continue;
      this.rows.set(rowsKey(stream, ofStream), Promise.resolve(digests));
    }
  }

  /** A count for a topic: every record byte for byte, bad ones too, and what was sent twice there twice. */
  async topic(stream: StreamName, signal?: AbortSignal): Promise<{ count: HopCount; reader: RecordReader }> {
    const { digests, anonymous } = await this.recordDigests(signal);
    const copies = this.events.map((event) => {
      if (stream === 'transactions') return event & saleBit ? 1 : 0;
      return event & resentBit ? 2 : 1;
    });
    const ids = this.ids(stream);
    const count = new HopCount({ ids, copies, digests: digests[stream] });
    return { count, reader: new RecordReader(stream, ids, stream === 'user_events' ? anonymous : new Map()) };
  }

  /** A count for the dead letters of user_events: every bad record once, byte for byte, and no other. */
  async deadLetters(signal?: AbortSignal): Promise<{ count: HopCount; reader: RecordReader }> {
    const { digests, anonymous } = await this.recordDigests(signal);
    const absent = absentBits.user_events;
    const copies = this.events.map((event) => ((event & kindMask) !== 0 && (event & absent) === 0 ? 1 : 0));
    const ids = this.ids('user_events');
    const count = new HopCount({ ids, copies, digests: digests.user_events });
    return { count, reader: new RecordReader('user_events', ids, anonymous) };
  }

  /** What is wrong with an event; undefined of a valid one or one beyond the run. */
  badKindOf(number: number): BadKind | undefined {
    return badKinds[((this.events[number] ?? 0) & kindMask) - 1];
  }

  /**
   * Compares what the generator gave up with what a topic holds: as many missing records as were given up, the newest, are no
   * longer expected there or further on; others missing stay lost. Called once a stream, after the topic was read whole.
   * @returns records no longer expected
   */
  settle(stream: StreamName, topic: HopCount): number {
    return topic.excuse(this.options.givenUp[stream], (number) => {
      this.events[number] = at(this.events, number) | absentBits[stream];
    });
  }

  /** Distinct valid events and transactions that Kafka has; after `settle`. */
  get sent(): number {
    let sent = 0;
    for (const event of this.events) {
      if ((event & (kindMask | absentBits.user_events)) === 0) sent++;
      if ((event & (saleBit | absentBits.transactions)) === saleBit) sent++;
    }
    return sent;
  }

  private ids(stream: StreamName): Ids {
    return new Ids(this.options.engine.seed, idStreams[stream]);
  }

  private rowDigests(
    stream: StreamName,
    columns: readonly ComparedColumn[],
    signal: AbortSignal | undefined,
  ): Promise<Int32Array> {
    const key = rowsKey(stream, columns);
    const known = this.rows.get(key) ?? rowContents(this.source(), stream, columns, signal);
    this.rows.set(key, known);
    return known;
  }

  private recordDigests(signal: AbortSignal | undefined): Promise<Contents['records']> {
    this.records ??= contentsOf(this.source(), {}, signal).then(({ records }) => records);
    return this.records;
  }

  private source() {
    const { engine, generated } = this.options;
    return { engine, generated, events: this.events.length };
  }
}

const rowsKey = (stream: StreamName, columns: readonly ComparedColumn[]): string =>
  JSON.stringify([stream, columns.map(({ name, kind, scale }) => [name, kind, scale])]);

interface Tally {
  events: Uint8Array;
  kinds: Record<(typeof recordKinds)[number], number>;
  sales: number;
  from: number;
  to: number;
}

async function recount({ engine, generated }: Required<ExpectationOptions>, signal?: AbortSignal): Promise<Tally> {
  const generator = new Generator(engine, 'recount');
  const kinds = Object.fromEntries(recordKinds.map((kind) => [kind, 0])) as Tally['kinds']; // one entry a kind
  let events = new Uint8Array(65_536);
  let size = 0;
  let sales = 0;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  while (generator.position + 1 < generated && generator.next()) {
    const { eventNumber, kind, timestampMs, hasTransaction } = generator;
    kinds[kind]++;
    if (kind === 'duplicate') {
      events[eventNumber] = at(events, eventNumber) | resentBit;
      continue;
    }
    if (eventNumber >= events.length) events = grown(events);
    events[eventNumber] = recordKinds.indexOf(kind) | (hasTransaction ? saleBit : 0);
    size = eventNumber + 1;
    if (hasTransaction) sales++;
    if (kind === 'valid' || hasTransaction) {
      from = Math.min(from, timestampMs);
      to = Math.max(to, timestampMs);
    }
    if (eventNumber % eventsATurn === 0) await turn(signal);
  }
  const none = size === 0 ? { from: engine.startTime, to: engine.startTime } : { from, to };
  return { events: events.slice(0, size), kinds, sales, ...none };
}

function grown(events: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(events.length * 2);
  larger.set(events);
  return larger;
}

/** Lets others run; stops where the signal says so. */
async function turn(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}
