import { type BadKind, type BadRates, badKinds, type RecordKind } from './bad-data.ts';
import { type EventType, eventTypes, wordAt } from './entities.ts';
import { Faults, type Resend } from './faults.ts';
import { uuidLength } from './ids.ts';
import { Code, Journey } from './journey.ts';
import { Catalogue } from './products.ts';
import { seedOf } from './random.ts';
import { Renderer, recordRoom } from './render.ts';
import { Schedule, type Shape } from './schedule.ts';

/** What determines the events: equal options give equal records, byte for byte. */
export interface GeneratorOptions {
  /** Whole number of 0 … 2^53 - 1. */
  seed: number;
  /** Event time of the first event, ms since 1970. */
  startTime: number;
  /** Records a second on user_events, in event time. */
  rate: number;
  /** Default "steady". */
  shape?: Shape;
  /** Event time after which the run ends, ms. */
  durationMs?: number;
  /** Records on user_events after which the run ends; whichever of the two comes first. */
  count?: number;
  /** Registered users, default 10,000: userAt(0) … userAt(users - 1). */
  users?: number;
  /** Default 1,000: productAt(0) … productAt(products - 1). */
  products?: number;
  /** Sessions at a time; default rate x 15 s, between 8 and 100,000, no more than users. */
  sessions?: number;
  /** IP addresses, default 10,000. */
  ips?: number;
  /** Default none. */
  bad?: BadRates;
  /** Share of sessions by users beyond `users`, 0 … 0.2; default 0. */
  newUserShare?: number;
}

/** Topics of the streams. */
export const streamNames = ['user_events', 'transactions'] as const;
export type StreamName = (typeof streamNames)[number];

/** One record, copied out of the engine. */
export interface GeneratedRecord {
  topic: StreamName;
  /** The user's id. */
  key: Buffer;
  value: Buffer;
  /** Time of the event, the Kafka record's timestamp, ms since 1970. */
  timestampMs: number;
  kind: RecordKind;
}

/** Ramps and spikes of an open-ended run unfold over a minute. */
const defaultHorizonMs = 60_000;
/** Duplicates follow within five seconds. */
const duplicateReachSeconds = 5;

/**
 * The event engine, a cursor: `next` moves to the next record of user_events, the fields tell about it, and the write
 * methods put it (and the transaction of a purchase) straight into the caller's buffer. A sink decides how far and how
 * fast to go; the records do not depend on it.
 */
export class Generator {
  /** Number of the record, from 0; -1 before the first `next`. */
  position = -1;
  /** Number of the event its ids derive from; a duplicate has that of its original. */
  eventNumber = -1;
  /** When it is due, ms after the start. */
  offsetMs = 0;
  /** Time of the event, ms since 1970; a duplicate has that of its original. */
  timestampMs = 0;
  /** Position in `eventTypes`. */
  type = 0;
  kind: RecordKind = 'valid';
  /** Kafka's partition hash of the key. */
  keyHash = 0;
  /** The record is a purchase whose transaction goes to `transactions`, before it. */
  hasTransaction = false;

  private readonly count: number;
  private readonly durationMs: number;
  private readonly startTime: number;
  private readonly journey: Journey;
  private readonly renderer: Renderer | undefined;
  private readonly faults: Faults;
  private readonly schedule: Schedule;
  private readonly scratch = Buffer.alloc(2 * recordRoom);
  private nextEvent = 0;
  private resend: Resend | undefined;

  /** @param mode "recount" leaves out everything that only serves writing: for ledgers, three times as fast */
  constructor(options: GeneratorOptions, mode: 'render' | 'recount' = 'render') {
    const { seed, startTime, rate, shape = 'steady', users = 10_000, products = 1000, ips = 10_000 } = options;
    const sessions = options.sessions ?? Math.min(users, Math.max(8, Math.min(100_000, Math.round(rate * 15))));
    const { newUserShare = 0, bad = {} } = options;
    const catalogue = new Catalogue(products);
    this.count = options.count ?? Number.POSITIVE_INFINITY;
    this.durationMs = options.durationMs ?? Number.POSITIVE_INFINITY;
    this.startTime = startTime;
    this.journey = new Journey({ users, catalogue, sessions, ips, newUserShare, seed: seedOf(seed, 501) });
    this.renderer = mode === 'render' ? new Renderer({ journey: this.journey, catalogue, ips, seed }) : undefined;
    const reach = Math.max(1, Math.min(Math.ceil(rate * duplicateReachSeconds), Math.ceil(this.count / 4), 500_000));
    this.faults = new Faults(bad, seed, reach);
    this.schedule = new Schedule({ rate, shape, startTime, horizonMs: options.durationMs ?? defaultHorizonMs });
  }

  /** Moves to the next record. @returns false at the end of the run; the fields then keep the last record's values */
  next(): boolean {
    if (this.position + 1 >= this.count) return false;
    const offsetMs = this.schedule.next();
    if (offsetMs >= this.durationMs) return false;
    this.offsetMs = offsetMs;
    this.position++;
    this.resend = this.faults.take(this.position);
    if (this.resend === undefined) this.moveToFresh(this.startTime + offsetMs);
    else this.moveToResend(this.resend);
    return true;
  }

  /** Users seen so far beyond the registered ones: userAt(users) … userAt(users + newUsers - 1). */
  get newUsers(): number {
    return this.journey.newUsers;
  }

  get eventType(): EventType {
    return wordAt(eventTypes, this.type);
  }

  private moveToFresh(timestampMs: number): void {
    this.journey.step(timestampMs);
    this.eventNumber = this.nextEvent++;
    this.timestampMs = timestampMs;
    this.type = this.journey.type;
    this.hasTransaction = this.type === Code.purchase;
    this.keyHash = this.renderer?.keyHash() ?? 0;
    const fault = this.faults.draw();
    this.kind = badKinds[fault] ?? 'valid';
    if (fault === badKinds.length) this.keepForResend();
  }

  private moveToResend(resend: Resend): void {
    this.eventNumber = resend.eventNumber;
    this.timestampMs = resend.timestampMs;
    this.type = resend.type;
    this.keyHash = resend.keyHash;
    this.hasTransaction = false;
    this.kind = 'duplicate';
  }

  private keepForResend(): void {
    const { eventNumber, type, keyHash, timestampMs, scratch, renderer } = this;
    const due = this.position + this.faults.distance();
    const empty = scratch.subarray(0, 0);
    let key = empty;
    let value = empty;
    if (renderer !== undefined) {
      key = Buffer.from(scratch.subarray(0, renderer.writeKey(scratch, 0)));
      value = Buffer.from(scratch.subarray(0, renderer.writeEvent(scratch, 0, eventNumber, timestampMs)));
    }
    this.faults.keep({ due, eventNumber, type, keyHash, timestampMs, key, value });
  }

  /** Writes the record's key (also its transaction's) and returns the end; recordRoom bytes must be free behind `position`. */
  writeKey(target: Uint8Array, position: number): number {
    if (this.resend === undefined) return this.rendering().writeKey(target, position);
    target.set(this.resend.key, position);
    return position + uuidLength;
  }

  /** Writes the record's value and returns the end; recordRoom bytes must be free behind `position`. */
  writeEvent(target: Uint8Array, position: number): number {
    if (this.kind === 'valid') {
      return this.rendering().writeEvent(target, position, this.eventNumber, this.timestampMs);
    }
    const value = this.resend?.value ?? this.spoiled(this.kind as BadKind); // neither valid nor a duplicate: bad
    target.set(value, position);
    return position + value.length;
  }

  /** Writes the transaction's value and returns the end; only where hasTransaction. */
  writeTransaction(target: Uint8Array, position: number): number {
    return this.rendering().writeTransaction(target, position, this.eventNumber, this.timestampMs);
  }

  private spoiled(kind: BadKind): Buffer {
    const { scratch, eventNumber, timestampMs } = this;
    const end = this.rendering().writeEvent(scratch, 0, eventNumber, timestampMs);
    return this.faults.spoil(kind, scratch.subarray(0, end), eventNumber, timestampMs);
  }

  private rendering(): Renderer {
    if (this.renderer === undefined) throw new Error('A generator in mode "recount" writes no records.');
    return this.renderer;
  }

  /** Copies of the next records; up to `limit` of user_events with their transactions, fewer at the end of the run. */
  batch(limit: number): GeneratedRecord[] {
    const records: GeneratedRecord[] = [];
    const { scratch } = this;
    for (let i = 0; i < limit && this.next(); i++) {
      const key = Buffer.from(scratch.subarray(0, this.writeKey(scratch, 0)));
      const { timestampMs, kind } = this;
      if (this.hasTransaction) {
        const value = Buffer.from(scratch.subarray(0, this.writeTransaction(scratch, 0)));
        records.push({ topic: 'transactions', key, value, timestampMs, kind: 'valid' });
      }
      const value = Buffer.from(scratch.subarray(0, this.writeEvent(scratch, 0)));
      records.push({ topic: 'user_events', key, value, timestampMs, kind });
    }
    return records;
  }
}

/** The engine for a set of options; they are taken as valid (runGenerator checks what people type). */
export function createGenerator(options: GeneratorOptions): Generator {
  return new Generator(options);
}
