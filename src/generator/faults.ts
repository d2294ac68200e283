import { type BadKind, type BadRates, badKinds } from './bad-data.ts';
import { corrupted } from './corrupt.ts';
import { at, hash32, Random, seedOf } from './random.ts';

/** A record that will be sent once more, at record position `due` or soon after. */
export interface Resend {
  due: number;
  eventNumber: number;
  type: number;
  keyHash: number;
  timestampMs: number;
  key: Buffer;
  value: Buffer;
}

/** Decides which fresh records are spoiled and which are sent twice, and keeps the copies until they are due. */
export class Faults {
  private readonly random: Random;
  private readonly detailSeed: number;
  private readonly detail = new Random(0);
  /** Upper bounds of the draws: one for each bad kind, then one for re-sends. */
  private readonly bounds: Float64Array;
  private readonly reach: number;
  /** The one due first is last. */
  private readonly waiting: Resend[] = [];

  /**
   * @param rates shares of all records; a duplicate takes a record's place, so fresh ones are drawn against the rest
   * @param reach records between a record and its re-send, at most
   */
  constructor(rates: BadRates, seed: number, reach: number) {
    this.random = new Random(seedOf(seed, 401));
    this.detailSeed = seedOf(seed, 402);
    this.reach = reach;
    const duplicate = rates.duplicate ?? 0;
    let bound = 0;
    const shares = [...badKinds.map((kind) => rates[kind] ?? 0), duplicate];
    this.bounds = Float64Array.from(shares, (share) => {
      bound += share / (1 - duplicate);
      return bound;
    });
  }

  /** Position in `badKinds` of the next fresh record's fault; badKinds.length for "send it twice", -1 for neither. */
  draw(): number {
    const { bounds } = this;
    const last = bounds.length - 1;
    if (at(bounds, last) === 0) return -1;
    const draw = this.random.unit();
    if (draw >= at(bounds, last)) return -1;
    let fault = 0;
    while (draw >= at(bounds, fault)) fault++;
    return fault;
  }

  /** How far behind the record its re-send is due: half of them soon, half anywhere within reach. */
  distance(): number {
    return 1 + this.random.below(this.random.unit() < 0.5 ? Math.min(50, this.reach) : this.reach);
  }

  keep(resend: Resend): void {
    let position = this.waiting.length;
    while (position > 0 && (this.waiting[position - 1]?.due ?? 0) <= resend.due) position--;
    this.waiting.splice(position, 0, resend);
  }

  /** The re-send that is due at a record position, if any. */
  take(position: number): Resend | undefined {
    const next = this.waiting.at(-1);
    return next !== undefined && next.due <= position ? this.waiting.pop() : undefined;
  }

  /** The record, spoiled; the same event is always spoiled in the same way. */
  spoil(kind: BadKind, record: Buffer, eventNumber: number, timestampMs: number): Buffer {
    this.detail.reseed(hash32(this.detailSeed, eventNumber));
    return corrupted(kind, record, this.detail, timestampMs);
  }
}
