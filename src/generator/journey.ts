import { eventShares, eventTypes } from './entities.ts';
import type { Catalogue } from './products.ts';
import { AliasTable, at, Random } from './random.ts';
import { pickQuantity, Sale } from './sale.ts';
import { cartCapacity, SessionPool, Stage } from './sessions.ts';
import { activityOf, highestActivity, isActiveUser, tierIndexOf } from './users.ts';
import { browsers, devices } from './vocabulary.ts';

/** Codes of the event types: positions in `eventTypes`. */
export const Code = {
  pageView: 0,
  productView: 1,
  search: 2,
  addToCart: 3,
  purchase: 4,
  removeFromCart: 5,
  checkoutStart: 6,
  login: 7,
  logout: 8,
} as const;

const typeTable = new AliasTable(Object.values(eventShares));
const deviceTable = new AliasTable(devices.map((device) => device.weight));
const browserTable = new AliasTable(browsers.map((browser) => browser.weight));
/** Planned events of a session less one: log-normal, median 14, mean about 19, at most 150. */
const lengthTable = new AliasTable(
  Array.from({ length: 150 }, (_, i) => Math.exp(-(((Math.log(i + 1) - Math.log(14)) / 0.8) ** 2) / 2) / (i + 1)),
);

/** While sessions are fewer than wanted, this share of the steps that can open one does. */
const openingChance = 0.3;
/** Share of purchases that come out of a checkout while there is one; the others are one-click. */
const checkoutPurchaseChance = 0.7;
/** The regulars: this share of the users causes this share of the sessions. */
const regularUsers = 0.3;
const regularSessions = 0.8;

export interface JourneyOptions {
  users: number;
  catalogue: Catalogue;
  /** Sessions that run at a time, once the run is warm. */
  sessions: number;
  ips: number;
  /** Share of sessions by users nobody has seen before: 0 … 0.2. */
  newUserShare: number;
  /** Already mixed (seedOf). */
  seed: number;
}

/**
 * Who does what next. The type of a step is drawn first, from the exact shares; then a session that may take the step
 * is picked. So the shares hold over any long run while every session still reads as a journey. A type that nobody may
 * take yet is owed and paid as soon as somebody may.
 *
 * After `step`, the fields tell the step; they hold until the next one.
 */
export class Journey {
  readonly sessions: SessionPool;
  readonly sale = new Sale();
  type = 0;
  slot = 0;
  product = 0;
  quantity = 0;
  cameFromSearch = false;
  /** Number of the order of a purchase. */
  order = 0;
  /** Users taken beyond the initial ones: indexes users … users + newUsers - 1. */
  newUsers = 0;

  private readonly options: JourneyOptions;
  private readonly random: Random;
  private readonly owed = new Int32Array(eventTypes.length);
  private owedTotal = 0;
  private leaving = -1;
  private nextSerial = 0;
  private nextOrder = 0;

  constructor(options: JourneyOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    // Logins open sessions beyond the wanted number; the slack is never used up, for more sessions end than log in.
    this.sessions = new SessionPool(Math.ceil(options.sessions * 1.1) + 16);
  }

  /** Takes the next step at an instant (ms since 1970). */
  step(now: number): void {
    if (this.leaving >= 0) this.sessions.close(this.leaving);
    this.leaving = -1;
    this.type = this.nextType();
    this.slot = this.take(this.type, now);
    const left = at(this.sessions.remaining, this.slot) - 1;
    this.sessions.remaining[this.slot] = left;
    if (left <= 0 || this.type === Code.logout) this.leaving = this.slot;
  }

  private nextType(): number {
    if (this.owedTotal > 0) {
      for (let type = 0; type < this.owed.length; type++) {
        if (at(this.owed, type) > 0 && this.isPossible(type)) {
          this.owed[type] = at(this.owed, type) - 1;
          this.owedTotal--;
          return type;
        }
      }
    }
    for (;;) {
      const type = typeTable.pick(this.random);
      if (this.isPossible(type)) return type;
      this.owed[type] = at(this.owed, type) + 1;
      this.owedTotal++;
    }
  }

  private isPossible(type: number): boolean {
    const { sessions } = this;
    if (type <= Code.search) return true;
    if (type === Code.addToCart) return sessions.countOf(Stage.viewed, Stage.cart) > 0;
    if (type === Code.purchase) return sessions.countOf(Stage.viewed, Stage.checkout) > 0;
    if (type === Code.removeFromCart || type === Code.checkoutStart)
      return sessions.countOf(Stage.cart, Stage.cart) > 0;
    if (type === Code.login) return sessions.active < sessions.capacity;
    return sessions.loggedIn > 0;
  }

  private take(type: number, now: number): number {
    switch (type) {
      case Code.productView:
        return this.viewProduct(now);
      case Code.search:
        return this.search(now);
      case Code.addToCart:
        return this.addToCart();
      case Code.purchase:
        return this.purchase();
      case Code.removeFromCart:
        return this.removeFromCart();
      case Code.checkoutStart:
        return this.startCheckout();
      case Code.login: {
        const slot = this.open(now);
        this.sessions.markLoggedIn(slot);
        return slot;
      }
      case Code.logout:
        return this.sessions.pickLoggedIn(this.random);
      default:
        return this.browse(now);
    }
  }

  /** Any session, or a new one while there are fewer than wanted. */
  private browse(now: number): number {
    const { sessions, random } = this;
    const active = sessions.active;
    if (active === 0 || (active < this.options.sessions && random.unit() < openingChance)) return this.open(now);
    return sessions.pick(random, Stage.browsing, Stage.checkout);
  }

  private open(now: number): number {
    const { sessions, random } = this;
    const slot = sessions.open();
    const user = this.pickUser();
    sessions.user[slot] = user;
    sessions.tier[slot] = tierIndexOf(user);
    sessions.serial[slot] = this.nextSerial++;
    sessions.startedAt[slot] = now;
    sessions.remaining[slot] = 1 + lengthTable.pick(random);
    sessions.device[slot] = deviceTable.pick(random);
    sessions.browser[slot] = browserTable.pick(random);
    sessions.ip[slot] = random.below(this.options.ips);
    return slot;
  }

  /** Regulars mostly; otherwise somebody new or somebody who comes back. Higher tiers are likelier, closed accounts out. */
  private pickUser(): number {
    const { random } = this;
    const { users, newUserShare } = this.options;
    const regulars = Math.ceil(users * regularUsers);
    const draw = random.unit();
    if (draw >= 1 - newUserShare) return users + this.newUsers++;
    const others = users + this.newUsers - regulars;
    const [first, size] = draw < regularSessions || others === 0 ? [0, regulars] : [regulars, others];
    let user = first;
    // Rejection: accepted after 1.7 draws on average. The bound matters only to shops of a handful of users.
    for (let tries = 0; tries < 100; tries++) {
      user = first + random.below(size);
      const activity = activityOf[tierIndexOf(user)] ?? 1;
      if (isActiveUser(user) && random.unit() * highestActivity < activity) break;
    }
    return user;
  }

  private viewProduct(now: number): number {
    const { sessions, random } = this;
    const { catalogue } = this.options;
    const slot = this.browse(now);
    const query = catalogue.queries[at(sessions.query, slot)];
    this.cameFromSearch = query !== undefined;
    if (query === undefined) {
      this.product = catalogue.pick(random, at(sessions.tier, slot));
    } else {
      // The first results get most of the looks, and some look at more than one.
      this.product = at(query.matches, Math.floor(random.unit() ** 2 * query.matches.length));
      if (random.unit() < 0.6) sessions.query[slot] = -1;
    }
    sessions.lastViewed[slot] = this.product;
    if (sessions.stageOf(slot) === Stage.browsing) sessions.move(slot, Stage.viewed);
    return slot;
  }

  private search(now: number): number {
    const slot = this.browse(now);
    this.sessions.query[slot] = this.options.catalogue.pickQuery(this.random);
    return slot;
  }

  private addToCart(): number {
    const { sessions, random } = this;
    const slot = sessions.pick(random, Stage.viewed, Stage.cart);
    const first = slot * cartCapacity;
    const size = at(sessions.cartSize, slot);
    let product = at(sessions.lastViewed, slot);
    let entry = 0;
    while (entry < size && at(sessions.cartProduct, first + entry) !== product) entry++;
    if (entry === cartCapacity) {
      // A full cart: one more of what is in it.
      entry = 0;
      product = at(sessions.cartProduct, first);
    }
    const quantity = pickQuantity(random, at(sessions.tier, slot));
    sessions.cartProduct[first + entry] = product;
    sessions.cartQuantity[first + entry] = quantity + (entry < size ? at(sessions.cartQuantity, first + entry) : 0);
    if (entry === size) sessions.cartSize[slot] = size + 1;
    this.changeCart(slot, product, quantity);
    sessions.move(slot, Stage.cart);
    this.product = product;
    this.quantity = quantity;
    return slot;
  }

  private removeFromCart(): number {
    const { sessions, random } = this;
    const slot = sessions.pick(random, Stage.cart, Stage.cart);
    this.takeOut(slot, random.below(at(sessions.cartSize, slot)));
    return slot;
  }

  private startCheckout(): number {
    const slot = this.sessions.pick(this.random, Stage.cart, Stage.cart);
    this.sessions.order[slot] = this.nextOrder++;
    this.sessions.move(slot, Stage.checkout);
    return slot;
  }

  private purchase(): number {
    const { sessions, random } = this;
    const waiting = sessions.countOf(Stage.checkout, Stage.checkout);
    const others = sessions.countOf(Stage.viewed, Stage.cart);
    const fromCheckout = waiting > 0 && (others === 0 || random.unit() < checkoutPurchaseChance);
    const slot = fromCheckout
      ? sessions.pick(random, Stage.checkout, Stage.checkout)
      : sessions.pick(random, Stage.viewed, Stage.cart);
    const tier = at(sessions.tier, slot);
    if (fromCheckout) {
      this.order = at(sessions.order, slot);
      this.takeOut(slot, 0);
    } else {
      this.order = this.nextOrder++;
      this.product = at(sessions.lastViewed, slot);
      this.quantity = pickQuantity(random, tier);
    }
    const unitCents = at(this.options.catalogue.priceCents, this.product);
    this.sale.make(random, at(sessions.user, slot), tier, this.product, unitCents, this.quantity);
    this.sale.settle(random, true);
    return slot;
  }

  /** Takes one entry out of the cart, all of its quantity, and tells which in `product` and `quantity`. */
  private takeOut(slot: number, entry: number): void {
    const { sessions } = this;
    const first = slot * cartCapacity;
    const last = at(sessions.cartSize, slot) - 1;
    this.product = at(sessions.cartProduct, first + entry);
    this.quantity = at(sessions.cartQuantity, first + entry);
    sessions.cartProduct[first + entry] = at(sessions.cartProduct, first + last);
    sessions.cartQuantity[first + entry] = at(sessions.cartQuantity, first + last);
    sessions.cartSize[slot] = last;
    this.changeCart(slot, this.product, -this.quantity);
    if (last === 0) sessions.move(slot, Stage.viewed);
  }

  private changeCart(slot: number, product: number, quantity: number): void {
    const { sessions } = this;
    const cents = at(this.options.catalogue.priceCents, product) * quantity;
    sessions.cartCents[slot] = at(sessions.cartCents, slot) + cents;
    sessions.cartItems[slot] = at(sessions.cartItems, slot) + quantity;
  }
}
