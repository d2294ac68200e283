import { paymentMethods, type TransactionStatus, transactionStatuses, wordAt } from './entities.ts';
import { AliasTable, type Random } from './random.ts';
import { homeOf } from './users.ts';
import { places } from './vocabulary.ts';

/** Quantities 1 … 5 by tier: higher tiers buy more of a thing. */
const quantityTables = [
  [80, 14, 4, 1, 1],
  [72, 18, 6, 2, 2],
  [62, 22, 9, 4, 3],
  [52, 25, 12, 6, 5],
].map((weights) => new AliasTable(weights));

/** Chance of a discount and its percentages, by tier. */
const discounts = [
  { chance: 0.08, percents: [5, 10] },
  { chance: 0.15, percents: [5, 10, 15] },
  { chance: 0.3, percents: [10, 15, 20] },
  { chance: 0.45, percents: [15, 20, 25, 30] },
] as const;

const paymentTable = new AliasTable([38, 20, 18, 10, 9, 5]);
const weightsOf = (shares: Partial<Record<TransactionStatus, number>>) =>
  new AliasTable(transactionStatuses.map((status) => shares[status] ?? 0));
/** A sale just made has not been refunded yet; one of last month may have been. */
const liveStatuses = weightsOf({ completed: 90, pending: 8, failed: 2 });
const settledStatuses = weightsOf({ completed: 88, refunded: 5, cancelled: 4, failed: 3 });

/** 1 … 5, for a tier's position in `tiers`. */
export function pickQuantity(random: Random, tier: number): number {
  return 1 + wordAt(quantityTables, tier).pick(random);
}

/** The money of one purchase, in whole cents: total = unit price x quantity - discount + tax. Reused from sale to sale. */
export class Sale {
  product = 0;
  quantity = 0;
  unitCents = 0;
  discountCents = 0;
  taxCents = 0;
  totalCents = 0;
  /** Position in `transactionStatuses` and `paymentMethods`. */
  status = 0;
  payment = 0;

  /** Prices `quantity` of a product for a user; tax is that of the user's place, on the discounted amount. */
  make(random: Random, user: number, tier: number, product: number, unitCents: number, quantity: number): void {
    const subtotal = unitCents * quantity;
    const { chance, percents } = wordAt(discounts, tier);
    const percent = random.unit() < chance ? wordAt(percents, random.below(percents.length)) : 0;
    const { taxBasisPoints } = wordAt(places, homeOf(user).place);
    this.product = product;
    this.quantity = quantity;
    this.unitCents = unitCents;
    this.discountCents = Math.round((subtotal * percent) / 100);
    this.taxCents = Math.round(((subtotal - this.discountCents) * taxBasisPoints) / 10_000);
    this.totalCents = subtotal - this.discountCents + this.taxCents;
    this.payment = paymentTable.pick(random);
  }

  /** Draws how the payment went: `live` as seen at once, otherwise as seen much later. */
  settle(random: Random, live: boolean): void {
    this.status = (live ? liveStatuses : settledStatuses).pick(random);
  }

  get statusName(): TransactionStatus {
    return wordAt(transactionStatuses, this.status);
  }

  get paymentName() {
    return wordAt(paymentMethods, this.payment);
  }
}
