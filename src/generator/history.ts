import type { Transaction } from './entities.ts';
import { IdStream, Ids } from './ids.ts';
import { Catalogue, decimalOf, productIds } from './products.ts';
import { Random, seedOf } from './random.ts';
import { pickQuantity, Sale } from './sale.ts';
import { dayCurve, peakTraffic } from './schedule.ts';
import {
  activityOf,
  addressOf,
  domainSeed,
  highestActivity,
  isActiveUser,
  isoOf,
  registeredAt,
  tierIndexOf,
  userIds,
} from './users.ts';

export interface HistoryOptions {
  /** Length, days before `until`. */
  days: number;
  /** Users and products of the shop: userAt(0 … users - 1), productAt(0 … products - 1). */
  users: number;
  products: number;
  /** End, ms since 1970 (exclusive). */
  until: number;
  /** Default: the shop's own, so that a second seeding finds its rows. */
  seed?: number;
  /** Transactions on an average weekday; default one for every twenty users. */
  perDay?: number;
}

const dayMs = 86_400_000;
/** Room for this many transactions a day before ids would repeat. */
const idsPerDay = 2 ** 24;
/** Within this time before now, orders are still on their way. */
const openDays = 2;

/**
 * The purchases of past days, oldest day first: tiers, weekends, hours and popularity as in live data, settled long ago.
 * Deterministic: a day's rows depend on the day, not on where the history begins or ends; only the state of the last two
 * days' orders still changes when a later history tells them again.
 */
export function* transactionHistory(options: HistoryOptions): IterableIterator<Transaction> {
  const { days, users, products, until, seed = domainSeed, perDay = Math.max(1, users / 20) } = options;
  const catalogue = new Catalogue(products);
  const ids = new Ids(seed, IdStream.history);
  const lastDay = Math.floor((until - 1) / dayMs);
  for (let day = Math.floor((until - days * dayMs) / dayMs); day <= lastDay; day++) {
    const random = new Random(seedOf(seed, 600_000 + day));
    const noon = day * dayMs + dayMs / 2;
    const weekday = dayCurve(noon) / dayCurve(dayMs / 2); // 1, at weekends 1.3
    const count = Math.round(perDay * weekday * (0.95 + 0.1 * random.unit()));
    for (let n = 0; n < count; n++) {
      const at = instantOf(random, day);
      const user = buyerOf(random, users, at);
      const row = purchase({ random, catalogue, user, at, until, id: ids.text(day * idsPerDay + n) });
      if (at >= until - days * dayMs && at < until) yield row;
    }
  }
}

/** An instant of a day (ms since 1970), likelier at busy hours. */
function instantOf(random: Random, day: number): number {
  for (;;) {
    const at = day * dayMs + Math.floor(random.unit() * dayMs);
    if (random.unit() * peakTraffic < dayCurve(at)) return at;
  }
}

/** Somebody who was registered then; higher tiers are likelier. */
function buyerOf(random: Random, users: number, at: number): number {
  let user = 0;
  for (let tries = 0; tries < 1000; tries++) {
    user = random.below(users);
    const activity = activityOf[tierIndexOf(user)] ?? 1;
    if (isActiveUser(user) && registeredAt(user) < at && random.unit() * highestActivity < activity) break;
  }
  return user;
}

interface Purchase {
  random: Random;
  catalogue: Catalogue;
  user: number;
  at: number;
  until: number;
  id: string;
}

const sale = new Sale();

function purchase({ random, catalogue, user, at, until, id }: Purchase): Transaction {
  const tier = tierIndexOf(user);
  const product = catalogue.pick(random, tier);
  const unitCents = catalogue.priceCents[product] ?? 0;
  sale.make(random, user, tier, product, unitCents, pickQuantity(random, tier));
  sale.settle(random, at > until - openDays * dayMs);
  const untouched = sale.statusName === 'pending';
  const touched = at + Math.floor(random.unit() * openDays * dayMs);
  return {
    transaction_id: id,
    user_id: userIds.text(user),
    product_id: productIds.text(product),
    quantity: sale.quantity,
    unit_price: decimalOf(sale.unitCents),
    total_amount: decimalOf(sale.totalCents),
    discount_amount: decimalOf(sale.discountCents),
    tax_amount: decimalOf(sale.taxCents),
    status: sale.statusName,
    payment_method: sale.paymentName,
    shipping_address: addressOf(user),
    created_at: isoOf(at),
    updated_at: isoOf(untouched ? at : Math.min(touched, until - 1)),
  };
}
