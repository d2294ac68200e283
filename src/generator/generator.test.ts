import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { type BadRates, badKinds } from './bad-data.ts';
import { type EventType, eventShares, eventTypes } from './entities.ts';
import { createGenerator, type GeneratedRecord, Generator, type GeneratorOptions } from './generator.ts';
import { ledger } from './ledger.ts';
import { partitionHash } from './murmur2.ts';
import { productAt } from './products.ts';
import { tierIndexOf, userAt } from './users.ts';

const schemaOf = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../schemas/${name}.schema.json`), 'utf8'));
const ajv = addFormats.default(new Ajv2020({ allErrors: true, strictTypes: false, keywords: ['x-decimal'] }));
const isEvent = ajv.compile(schemaOf('user_event'));
const isTransaction = ajv.compile(schemaOf('transaction'));

const startTime = Date.UTC(2026, 0, 5, 9);
const options: GeneratorOptions = { seed: 42, startTime, rate: 500, count: 30_000, users: 2000, products: 300 };
const allBad: Required<BadRates> = {
  malformed_json: 0.02,
  missing_field: 0.02,
  wrong_type: 0.02,
  unknown_type: 0.02,
  future_timestamp: 0.02,
  late_timestamp: 0.02,
  duplicate: 0.03,
};

interface Event {
  event_id: string;
  user_id: string;
  session_id: string;
  event_type: EventType;
  timestamp: string;
  device_type: string;
  browser: string;
  ip_address: string;
  product_id?: string;
  transaction_id?: string;
  search_query?: string;
  properties: Record<string, number | string | boolean>;
}

const all = (changes: Partial<GeneratorOptions> = {}) =>
  createGenerator({ ...options, ...changes }).batch(Number.POSITIVE_INFINITY);
const parse = <T>(records: readonly GeneratedRecord[], topic: string) =>
  records.filter((record) => record.topic === topic).map((record) => JSON.parse(record.value.toString()) as T);
const asText = (records: readonly GeneratedRecord[]) =>
  records.map(({ topic, key, value, timestampMs, kind }) => `${topic} ${kind} ${key} ${timestampMs} ${value}`);

const records = all();
const events = parse<Event>(records, 'user_events');

describe('determinism', () => {
  it('gives the same bytes again, however it is read', () => {
    const generator = createGenerator({ ...options, bad: allBad });
    const inPieces: GeneratedRecord[] = [];
    for (let size = 1; ; size = (size * 7) % 1000) {
      const batch = generator.batch(size);
      if (batch.length === 0) break;
      inPieces.push(...batch);
    }
    expect(asText(inPieces)).toEqual(asText(all({ bad: allBad })));
  });

  it('pins the first event: a ledger of an older version must stay true', () => {
    expect(records[0]?.value.toString()).toMatchInlineSnapshot(
      `"{"event_id":"9cb8c638-25c9-46c7-8fe0-4135a950932c","user_id":"a36361f9-99da-43a2-9420-4684e410590c","session_id":"433f4fc0-9e99-43f2-bbb1-985afd6959d0","device_type":"mobile","browser":"Chrome","ip_address":"23.235.240.158","event_type":"page_view","timestamp":"2026-01-05T09:00:00.000Z","page_url":"https://shop.example.com/c/sports/camping","properties":{"referrer":"affiliate","duration_seconds":44}}"`,
    );
  });

  it('gives other ids for another seed, other times for another start', () => {
    const ids = new Set(events.map((event) => event.event_id));
    expect(parse<Event>(all({ seed: 43 }), 'user_events').filter((event) => ids.has(event.event_id))).toEqual([]);
    const later = parse<Event>(all({ startTime: startTime + 1000 }), 'user_events');
    expect(later.map((event) => event.event_id)).toEqual(events.map((event) => event.event_id));
    expect(Date.parse(later[77]?.timestamp ?? '')).toBe(Date.parse(events[77]?.timestamp ?? '') + 1000);
  });

  it('ends at the duration as at the count', () => {
    const { count: _, ...open } = options;
    expect(
      createGenerator({ ...open, durationMs: 2000 })
        .batch(5000)
        .filter((r) => r.topic === 'user_events').length,
    ).toBe(1000);
  });
});

describe('records', () => {
  it('are valid, keyed by the user, timed by the schedule', () => {
    let position = 0;
    for (const { topic, key, value, timestampMs } of records) {
      const row = JSON.parse(value.toString()) as Event;
      const isValid = topic === 'user_events' ? isEvent : isTransaction;
      expect(isValid(row), JSON.stringify(isValid.errors)).toBe(true);
      expect(key.toString()).toBe(row.user_id);
      if (topic !== 'user_events') continue;
      expect(timestampMs).toBe(startTime + position++ * 2);
      expect(row.timestamp).toBe(new Date(timestampMs).toISOString());
    }
    expect(new Set(events.map((event) => event.event_id)).size).toBe(events.length);
  });

  it('hash to the partition of the key', () => {
    const generator = createGenerator({ ...options, count: 2000, bad: allBad });
    const key = Buffer.alloc(2048);
    while (generator.next()) {
      expect(partitionHash(key, 0, generator.writeKey(key, 0))).toBe(generator.keyHash);
    }
  });

  it('have the fields and properties of their type', () => {
    const own: Record<EventType, string[]> = {
      page_view: ['page_url', 'referrer', 'duration_seconds'],
      product_view: ['product_id', 'page_url', 'view_duration_seconds', 'came_from_search'],
      search: ['search_query', 'results_count', 'filters_applied'],
      add_to_cart: ['product_id', 'quantity', 'cart_total'],
      purchase: ['transaction_id', 'amount', 'order_id'],
      remove_from_cart: ['product_id', 'quantity', 'cart_total'],
      checkout_start: ['cart_total', 'item_count'],
      login: ['method'],
      logout: ['session_duration_seconds'],
    };
    const common = Object.keys(events[0] ?? {}).filter((field) => schemaOf('user_event').required.includes(field));
    expect(common.sort()).toEqual([...schemaOf('user_event').required].sort());
    for (const event of events) {
      const fields = Object.keys(event).filter((field) => !common.includes(field));
      expect([...fields, ...Object.keys(event.properties)]).toEqual(own[event.event_type]);
    }
  });
});

describe('purchases', () => {
  const transactions = parse<Record<string, string & number>>(records, 'transactions');

  it('have their transaction: same id, user, amount, and right before them', () => {
    const purchases = events.filter((event) => event.event_type === 'purchase');
    expect(purchases.length).toBe(transactions.length);
    purchases.forEach((event, i) => {
      const { transaction_id, user_id, total_amount, created_at } = transactions[i] ?? {};
      expect([transaction_id, user_id, total_amount]).toEqual([
        event.transaction_id,
        event.user_id,
        event.properties.amount,
      ]);
      expect(created_at).toBe(event.timestamp);
    });
  });

  it('are priced to the cent, at the price of the product', () => {
    const prices = new Map(Array.from({ length: 300 }, (_, i) => [productAt(i).product_id, productAt(i).price]));
    const cents = (value: number | undefined) => Math.round((value ?? Number.NaN) * 100);
    for (const row of transactions) {
      const { unit_price, quantity = 0, discount_amount, tax_amount, total_amount, product_id = '' } = row;
      expect(cents(total_amount)).toBe(cents(unit_price) * quantity - cents(discount_amount) + cents(tax_amount));
      expect(unit_price).toBe(prices.get(product_id));
    }
  });

  it('are dearer, larger and more discounted in higher tiers', () => {
    const tierOf = new Map(Array.from({ length: 2000 }, (_, i) => [userAt(i).user_id, tierIndexOf(i)]));
    const mean = (field: string, tiersOf: number[]) => {
      const rows = transactions.filter((row) => tiersOf.includes(tierOf.get(row.user_id ?? '') ?? -1));
      return rows.reduce((sum, row) => sum + Number(row[field] ?? 0), 0) / rows.length;
    };
    for (const field of ['unit_price', 'quantity', 'discount_amount']) {
      expect(mean(field, [2, 3]), field).toBeGreaterThan(mean(field, [0]));
    }
  });
});

describe('ledger', () => {
  it('tells the ids, kinds and transactions of the run', () => {
    const changed = { ...options, count: 5000, bad: allBad };
    const run = createGenerator(changed).batch(5000);
    const sent = run.filter((record) => record.topic === 'user_events');
    const told = [...ledger(changed)];
    expect(told.map(({ kind, timestampMs }) => [kind, timestampMs])).toEqual(
      sent.map(({ kind, timestampMs }) => [kind, timestampMs]),
    );
    sent.forEach(({ kind, value }, i) => {
      if (kind === 'malformed_json' || kind === 'missing_field') return;
      expect((JSON.parse(value.toString()) as Event).event_id).toBe(told[i]?.eventId);
    });
    const transactions = parse<Event>(run, 'transactions').map((row) => row.transaction_id);
    expect(told.flatMap(({ transactionId }) => transactionId ?? [])).toEqual(transactions);
  });

  it('writes nothing', () => {
    const generator = new Generator(options, 'recount');
    generator.next();
    expect(() => generator.writeEvent(Buffer.alloc(2048), 0)).toThrow('recount');
  });
});

describe('bad data', () => {
  const run = all({ bad: allBad });
  const sent = run.filter((record) => record.topic === 'user_events');
  const ofKind = (kind: string) => sent.filter((record) => record.kind === kind);
  const minute = 60_000;

  it.each([...badKinds, 'duplicate' as const])('comes at the rate asked for: %s', (kind) => {
    const rate = allBad[kind];
    // Four standard deviations of a binomial count.
    expect(Math.abs(ofKind(kind).length - 30_000 * rate)).toBeLessThan(4 * Math.sqrt(30_000 * rate));
  });

  it('leaves the valid ones valid', () => {
    for (const { value } of ofKind('valid')) expect(isEvent(JSON.parse(value.toString()))).toBe(true);
  });

  it('really is bad', () => {
    for (const { value } of ofKind('malformed_json')) {
      expect(() => JSON.parse(value.toString())).toThrow();
      expect(value.includes('\n')).toBe(false);
    }
    for (const kind of ['missing_field', 'wrong_type', 'unknown_type']) {
      for (const { value } of ofKind(kind)) expect(isEvent(JSON.parse(value.toString()))).toBe(false);
    }
    const skew = (record: GeneratedRecord) =>
      Date.parse(JSON.parse(record.value.toString()).timestamp) - record.timestampMs;
    for (const record of ofKind('future_timestamp')) expect(skew(record)).toBeGreaterThan(9 * minute);
    for (const record of ofKind('late_timestamp')) expect(skew(record)).toBeLessThan(-7 * 1440 * minute);
  });

  it('keeps the key of the user', () => {
    for (const { key } of sent) expect(key.toString()).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('re-sends exactly: key, value and time of an earlier valid record, once', () => {
    const seen = new Map<string, number>();
    for (const record of sent) {
      const line = `${record.key} ${record.timestampMs} ${record.value}`;
      if (record.kind === 'duplicate') expect(seen.get(line)).toBe(1);
      if (record.kind === 'valid' || record.kind === 'duplicate') seen.set(line, (seen.get(line) ?? 0) + 1);
    }
  });

  it('does not change what happens, only what is told of it', () => {
    const told = [...ledger({ ...options, bad: allBad })].filter(({ kind }) => kind !== 'duplicate');
    const plain = [...ledger(options)].slice(0, told.length);
    const story = (entries: typeof told) => entries.map(({ eventId, eventType }) => `${eventId} ${eventType}`);
    expect(story(told)).toEqual(story(plain));
  });
});

it('keeps the shares of the event types over a long run', () => {
  for (const run of [
    { seed: 1, rate: 50_000, users: 10_000, count: 1_000_000 },
    { seed: 2, rate: 1, users: 50, count: 200_000 },
  ]) {
    const counts = new Map<EventType, number>();
    const generator = new Generator({ ...run, startTime }, 'recount');
    while (generator.next()) counts.set(generator.eventType, (counts.get(generator.eventType) ?? 0) + 1);
    const squares = eventTypes.map((type) => {
      const expected = (run.count * eventShares[type]) / 100;
      return ((counts.get(type) ?? 0) - expected) ** 2 / expected;
    });
    // Chi-squared with 8 degrees of freedom: 26.12 is exceeded once in a thousand fair runs.
    expect(squares.reduce((sum, square) => sum + square, 0)).toBeLessThan(26.12);
  }
});
