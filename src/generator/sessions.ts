import { at, type Random } from './random.ts';

/** How far a session has come; what it may do next follows from it. */
export const Stage = {
  /** Has looked at no product yet. */
  browsing: 0,
  /** Has looked at a product; the cart is empty. */
  viewed: 1,
  /** Has something in the cart. */
  cart: 2,
  /** Has started the checkout; what is in the cart can be paid. */
  checkout: 3,
} as const;
export type Stage = (typeof Stage)[keyof typeof Stage];
const stageCount = 4;

/** Different products a cart holds at most. */
export const cartCapacity = 4;

/**
 * The running sessions, as columns: `slot` is a row. Slots are grouped by stage, so that a session which may take a
 * given step is picked in O(1); entering, moving and leaving are O(1) too.
 */
export class SessionPool {
  readonly capacity: number;
  readonly user: Int32Array;
  /** Position in `tiers`. */
  readonly tier: Int32Array;
  /** Session number of the run; its id derives from it. */
  readonly serial: Float64Array;
  readonly startedAt: Float64Array;
  /** Events the session still has before it fades away. */
  readonly remaining: Int32Array;
  readonly device: Int32Array;
  readonly browser: Int32Array;
  readonly ip: Int32Array;
  /** Product looked at last; from the stage `viewed` on. */
  readonly lastViewed: Int32Array;
  /** Search whose results are open, -1 for none. */
  readonly query: Int32Array;
  /** Number of the order that the checkout started. */
  readonly order: Float64Array;
  readonly cartProduct: Int32Array;
  readonly cartQuantity: Int32Array;
  /** Different products in the cart. */
  readonly cartSize: Int32Array;
  readonly cartItems: Int32Array;
  readonly cartCents: Int32Array;

  private readonly stage: Int32Array;
  private readonly place: Int32Array;
  private readonly members: Int32Array[];
  private readonly counts = new Int32Array(stageCount);
  private readonly free: Int32Array;
  private freeCount: number;
  private readonly loggedInMembers: Int32Array;
  private readonly placeLoggedIn: Int32Array;
  private loggedInCount = 0;

  constructor(capacity: number) {
    const column = () => new Int32Array(capacity);
    this.capacity = capacity;
    this.user = column();
    this.tier = column();
    this.serial = new Float64Array(capacity);
    this.startedAt = new Float64Array(capacity);
    this.remaining = column();
    this.device = column();
    this.browser = column();
    this.ip = column();
    this.lastViewed = column();
    this.query = column();
    this.order = new Float64Array(capacity);
    this.cartProduct = new Int32Array(capacity * cartCapacity);
    this.cartQuantity = new Int32Array(capacity * cartCapacity);
    this.cartSize = column();
    this.cartItems = column();
    this.cartCents = column();
    this.stage = column();
    this.place = column();
    this.members = Array.from({ length: stageCount }, column);
    this.loggedInMembers = column();
    this.placeLoggedIn = column().fill(-1);
    this.free = column().map((_, i) => capacity - 1 - i);
    this.freeCount = capacity;
  }

  get active(): number {
    return this.capacity - this.freeCount;
  }

  /** Sessions in the stages `from` … `to`. */
  countOf(from: Stage, to: Stage): number {
    let count = 0;
    for (let stage: number = from; stage <= to; stage++) count += at(this.counts, stage);
    return count;
  }

  get loggedIn(): number {
    return this.loggedInCount;
  }

  stageOf(slot: number): number {
    return at(this.stage, slot);
  }

  /** A session in the stages `from` … `to`, each as likely; there must be one. */
  pick(random: Random, from: Stage, to: Stage): number {
    let rest = random.below(this.countOf(from, to));
    let stage: number = from;
    while (rest >= at(this.counts, stage)) rest -= at(this.counts, stage++);
    return at(this.membersOf(stage), rest);
  }

  /** Of two logged-in sessions the one that started earlier: people do not log in to log out. */
  pickLoggedIn(random: Random): number {
    const one = at(this.loggedInMembers, random.below(this.loggedInCount));
    const other = at(this.loggedInMembers, random.below(this.loggedInCount));
    return at(this.serial, one) < at(this.serial, other) ? one : other;
  }

  /** Takes a free slot (there must be one) into the stage `browsing`; columns keep what they held, the caller fills them. */
  open(): number {
    const slot = at(this.free, --this.freeCount);
    this.cartSize[slot] = 0;
    this.cartItems[slot] = 0;
    this.cartCents[slot] = 0;
    this.query[slot] = -1;
    this.enter(slot, Stage.browsing);
    return slot;
  }

  /** Ends a session. */
  close(slot: number): void {
    this.leave(slot);
    const place = at(this.placeLoggedIn, slot);
    if (place >= 0) {
      const last = at(this.loggedInMembers, --this.loggedInCount);
      this.loggedInMembers[place] = last;
      this.placeLoggedIn[last] = place;
      this.placeLoggedIn[slot] = -1;
    }
    this.free[this.freeCount++] = slot;
  }

  markLoggedIn(slot: number): void {
    if (at(this.placeLoggedIn, slot) >= 0) return;
    this.placeLoggedIn[slot] = this.loggedInCount;
    this.loggedInMembers[this.loggedInCount++] = slot;
  }

  move(slot: number, stage: Stage): void {
    if (at(this.stage, slot) === stage) return;
    this.leave(slot);
    this.enter(slot, stage);
  }

  private enter(slot: number, stage: Stage): void {
    const count = at(this.counts, stage);
    this.membersOf(stage)[count] = slot;
    this.place[slot] = count;
    this.stage[slot] = stage;
    this.counts[stage] = count + 1;
  }

  private leave(slot: number): void {
    const stage = at(this.stage, slot);
    const members = this.membersOf(stage);
    const count = at(this.counts, stage) - 1;
    const last = at(members, count);
    const place = at(this.place, slot);
    members[place] = last;
    this.place[last] = place;
    this.counts[stage] = count;
  }

  private membersOf(stage: number): Int32Array {
    return this.members[stage] as Int32Array; // one list a stage, made in the constructor
  }
}
