import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { eventShares, paymentMethods, tiers, transactionStatuses } from './entities.ts';
import { transactionHistory } from './history.ts';
import { Catalogue, matchesQuery, productAt } from './products.ts';
import { addressOf, userAt } from './users.ts';

const schemaOf = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../schemas/${name}.schema.json`), 'utf8'));
const ajv = addFormats.default(new Ajv2020({ allErrors: true, strictTypes: false, keywords: ['x-decimal'] }));

/** Errors of a row; every property of the schema must be there, so that a field added to a schema is not forgotten here. */
function errorsIn(schema: { $id: string; properties: object }, row: object) {
  const validate = ajv.getSchema(schema.$id) ?? ajv.compile(schema);
  validate(row);
  expect(Object.keys(row).sort()).toEqual(Object.keys(schema.properties).sort());
  return validate.errors;
}

describe('users', () => {
  const users = Array.from({ length: 20_000 }, (_, index) => userAt(index));

  it('are valid rows with all fields, and derive from the index alone', () => {
    const schema = schemaOf('user');
    for (const user of users.slice(0, 1000)) expect(errorsIn(schema, user)).toBeNull();
    expect(userAt(12_345)).toEqual(users[12_345]);
    expect(new Set(users.map((user) => user.user_id)).size).toBe(users.length);
    expect(new Set(users.map((user) => user.email)).size).toBe(users.length);
  });

  it('pins a row: rows that were seeded must be found again by later versions', () => {
    expect(userAt(0)).toMatchInlineSnapshot(`
      {
        "city": "Köln",
        "country": "Germany",
        "date_of_birth": "1973-05-30T00:00:00.000Z",
        "email": "rohan.oliveira.0@example.com",
        "first_name": "Rohan",
        "is_active": true,
        "last_login": "2025-12-26T06:31:52.713Z",
        "last_name": "Oliveira",
        "registration_date": "2024-03-01T20:03:45.957Z",
        "tier": "bronze",
        "user_id": "2320975f-aab5-45b8-a47c-68ca5f67e741",
      }
    `);
    expect(addressOf(0)).toMatchInlineSnapshot(`"27 Harbour Walk, Köln, Germany"`);
  });

  it('have tiers of 60, 25, 12 and 3 percent', () => {
    const expected = { bronze: 12_000, silver: 5000, gold: 2400, platinum: 600 };
    const squares = tiers.map((tier) => {
      const count = users.filter((user) => user.tier === tier).length;
      return (count - expected[tier]) ** 2 / expected[tier];
    });
    expect(squares.reduce((sum, square) => sum + square, 0)).toBeLessThan(16.27);
  });

  it('have a life in order', () => {
    for (const { date_of_birth, registration_date, last_login } of users) {
      expect(date_of_birth < registration_date).toBe(true);
      expect(last_login === null || registration_date <= last_login).toBe(true);
    }
  });
});

describe('products', () => {
  const catalogue = new Catalogue(1000);

  it('are valid rows with all fields that cost less than their price', () => {
    const schema = schemaOf('product');
    for (const product of catalogue.products) {
      expect(errorsIn(schema, product)).toBeNull();
      expect(product.cost).toBeLessThan(product.price);
      for (const amount of [product.price, product.cost]) expect(Number(amount.toFixed(2))).toBe(amount);
    }
    expect(productAt(999)).toEqual(catalogue.products[999]);
    expect(productAt(0)).toMatchInlineSnapshot(`
      {
        "brand": "Copperfield",
        "category": "Sports",
        "cost": 165.48,
        "created_at": "2022-12-30T07:38:01.547Z",
        "description": "Copperfield Essential Sleeping Bag from the camping range by Copperfield.",
        "is_active": true,
        "name": "Copperfield Essential Sleeping Bag",
        "price": 251.5,
        "product_id": "dfdd8af3-8408-43f5-8e87-2ebd6214c78a",
        "subcategory": "Camping",
      }
    `);
  });

  it('are found by the searches as counted', () => {
    expect(catalogue.queries.length).toBeGreaterThan(100);
    for (const { text, matches } of catalogue.queries) {
      const found = catalogue.products.flatMap((p, i) => (p.is_active && matchesQuery(p, text) ? [i] : []));
      expect([...matches]).toEqual(found);
      expect(found.length).toBeGreaterThan(0);
    }
  });

  it.each([1, 2, 5])('make a shop of %d', (size) => {
    expect(new Catalogue(size).queries.length).toBeGreaterThan(0);
  });
});

describe('history', () => {
  const until = Date.UTC(2026, 10, 23); // a Monday
  const options = { days: 14, users: 4000, products: 200, until, perDay: 1000 };
  const rows = [...transactionHistory(options)];

  it('has valid rows of known users and products, priced to the cent', () => {
    const schema = schemaOf('transaction');
    const users = new Set(Array.from({ length: options.users }, (_, index) => userAt(index).user_id));
    const products = new Map(
      Array.from({ length: options.products }, (_, i) => [productAt(i).product_id, productAt(i)]),
    );
    for (const row of rows.slice(0, 3000)) {
      expect(errorsIn(schema, row)).toBeNull();
      const cents = (value: number) => Math.round(value * 100);
      const due = cents(row.unit_price) * row.quantity - cents(row.discount_amount) + cents(row.tax_amount);
      expect(cents(row.total_amount)).toBe(due);
      expect(users.has(row.user_id)).toBe(true);
      expect(products.get(row.product_id)?.price).toBe(row.unit_price);
      expect(row.updated_at >= row.created_at).toBe(true);
    }
    expect(new Set(rows.map((row) => row.transaction_id)).size).toBe(rows.length);
  });

  it('has 1.3 times as many at weekends, and busy hours', () => {
    const weekend = rows.filter((row) => [0, 6].includes(new Date(row.created_at).getUTCDay())).length;
    expect(weekend / 4 / ((rows.length - weekend) / 10)).toBeCloseTo(1.3, 1);
    const inHour = (hour: number) => rows.filter((row) => new Date(row.created_at).getUTCHours() === hour).length;
    expect(inHour(20)).toBeGreaterThan(4 * inHour(4));
  });

  it('tells the same days again, from wherever it begins', () => {
    expect([...transactionHistory(options)]).toEqual(rows);
    const early = Date.UTC(2026, 10, 19);
    const ids = (list: typeof rows) =>
      list.filter((row) => Date.parse(row.created_at) < early).map((row) => row.transaction_id);
    const shorter = [...transactionHistory({ ...options, days: 7 })];
    expect(ids(shorter)).toEqual(ids(rows).slice(-ids(shorter).length));
    expect(ids([...transactionHistory({ ...options, seed: 1 })])).not.toEqual(ids(rows));
  });
});

it('knows the words of the schemas', () => {
  const event = schemaOf('user_event').properties;
  const transaction = schemaOf('transaction').properties;
  expect(Object.keys(eventShares).sort()).toEqual([...event.event_type.enum].sort());
  expect(Object.values(eventShares).reduce<number>((sum, share) => sum + share, 0)).toBe(100);
  expect([...transactionStatuses]).toEqual(transaction.status.enum);
  expect([...paymentMethods]).toEqual(transaction.payment_method.enum);
  expect([...tiers]).toEqual(schemaOf('user').properties.tier.enum);
});
