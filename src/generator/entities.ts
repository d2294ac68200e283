/** Rows of the shop's entities, as in schemas/*.schema.json. Times are ISO 8601 UTC with milliseconds. */

export const tiers = ['bronze', 'silver', 'gold', 'platinum'] as const;
export type Tier = (typeof tiers)[number];

/** Share of users and relative activity of each tier. */
export const tierTraits: Record<Tier, { share: number; activity: number }> = {
  bronze: { share: 0.6, activity: 1 },
  silver: { share: 0.25, activity: 1.3 },
  gold: { share: 0.12, activity: 1.6 },
  platinum: { share: 0.03, activity: 1.9 },
};

export interface User {
  user_id: string;
  email: string;
  first_name: string;
  last_name: string;
  date_of_birth: string;
  registration_date: string;
  country: string;
  city: string;
  tier: Tier;
  is_active: boolean;
  last_login: string | null;
}

export interface Product {
  product_id: string;
  name: string;
  category: string;
  subcategory: string;
  /** Decimal with two places. */
  price: number;
  cost: number;
  brand: string;
  description: string;
  is_active: boolean;
  created_at: string;
}

export const transactionStatuses = ['pending', 'completed', 'failed', 'refunded', 'cancelled'] as const;
export type TransactionStatus = (typeof transactionStatuses)[number];

export const paymentMethods = [
  'credit_card',
  'debit_card',
  'paypal',
  'apple_pay',
  'google_pay',
  'bank_transfer',
] as const;
export type PaymentMethod = (typeof paymentMethods)[number];

export interface Transaction {
  transaction_id: string;
  user_id: string;
  product_id: string;
  quantity: number;
  unit_price: number;
  total_amount: number;
  discount_amount: number;
  tax_amount: number;
  status: TransactionStatus;
  payment_method: PaymentMethod;
  shipping_address: string;
  created_at: string;
  updated_at: string;
}

/** The nine event types with their share of all events, percent. */
export const eventShares = {
  page_view: 35,
  product_view: 25,
  search: 15,
  add_to_cart: 10,
  purchase: 5,
  remove_from_cart: 4,
  checkout_start: 3,
  login: 2,
  logout: 1,
} as const;
export type EventType = keyof typeof eventShares;
/** In the order of eventShares; positions are the codes the engine works with. */
export const eventTypes = Object.keys(eventShares) as EventType[]; // Object.keys loses the key type

/** The row of an index in one of the constant lists; lists are never empty. */
export function wordAt<T>(words: readonly T[], index: number): T {
  return words[index % words.length] as T; // index % length is in bounds
}
