import { describe, expect, it } from 'vitest';
import { createGenerator, Generator } from './generator.ts';
import { Catalogue, productAt } from './products.ts';
import { activityOf, isActiveUser, tierIndexOf, userAt } from './users.ts';

interface Event {
  user_id: string;
  session_id: string;
  event_type: string;
  timestamp: string;
  device_type: string;
  browser: string;
  ip_address: string;
  product_id?: string;
  search_query?: string;
  transaction_id?: string;
  properties: Record<string, number & string & boolean>;
}

const startTime = Date.UTC(2026, 0, 5, 9);
const users = 3000;
const products = 300;
const idOf = (index: number) => productAt(index).product_id;

function sessionsOf(options: { rate: number; count: number; seed: number }) {
  const records = createGenerator({ ...options, startTime, users, products }).batch(options.count);
  const sales = new Map<string, { product_id: string; quantity: number }>();
  const sessions = new Map<string, Event[]>();
  for (const { topic, value } of records) {
    const row = JSON.parse(value.toString());
    if (topic === 'transactions') sales.set(row.transaction_id, row);
    else sessions.set(row.session_id, [...(sessions.get(row.session_id) ?? []), row]);
  }
  return { sessions: [...sessions.values()], sales };
}

describe.each([
  { rate: 100, count: 60_000, seed: 5 },
  { rate: 1, count: 20_000, seed: 6 },
])('sessions at $rate/s', (options) => {
  const { sessions, sales } = sessionsOf(options);
  const catalogue = new Catalogue(products);

  it('have one user, device, browser and address each', () => {
    for (const events of sessions) {
      const facts = events.map((e) => [e.user_id, e.device_type, e.browser, e.ip_address].join());
      expect(new Set(facts).size).toBe(1);
    }
  });

  it('read as journeys: a cart follows a view, a removal an addition, a checkout a cart, a purchase a checkout or a view', () => {
    const price = new Map(catalogue.products.map((product) => [product.product_id, Math.round(product.price * 100)]));
    for (const events of sessions) {
      const viewed = new Set<string>();
      const cart = new Map<string, number>();
      let open = false;
      const total = () => [...cart].reduce((sum, [id, quantity]) => sum + (price.get(id) ?? 0) * quantity, 0) / 100;
      for (const { event_type, product_id = '', properties, transaction_id = '' } of events) {
        if (event_type === 'product_view') viewed.add(product_id);
        if (event_type === 'add_to_cart') {
          expect(viewed.has(product_id)).toBe(true);
          cart.set(product_id, (cart.get(product_id) ?? 0) + (properties.quantity ?? 0));
        }
        if (event_type === 'remove_from_cart') {
          expect(properties.quantity).toBe(cart.get(product_id));
          cart.delete(product_id);
        }
        if (event_type === 'checkout_start') {
          expect(cart.size).toBeGreaterThan(0);
          expect(properties.item_count).toBe([...cart.values()].reduce((sum, quantity) => sum + quantity, 0));
          open = true;
        }
        if (event_type === 'purchase') {
          const sale = sales.get(transaction_id);
          const bought = sale?.product_id ?? '';
          expect(viewed.has(bought)).toBe(true);
          if (open) {
            expect(sale?.quantity).toBe(cart.get(bought));
            cart.delete(bought);
            open = cart.size > 0;
          }
        }
        if ('cart_total' in properties) expect(properties.cart_total).toBe(total());
      }
    }
  });

  it('begin with a login, a page, a product or a search, and end with the logout', () => {
    for (const events of sessions) {
      expect(['login', 'page_view', 'product_view', 'search']).toContain(events[0]?.event_type);
      const logout = events.findIndex(({ event_type }) => event_type === 'logout');
      if (logout < 0) continue;
      expect(logout).toBe(events.length - 1);
      expect(events[0]?.event_type).toBe('login');
      const seconds = Math.floor(
        (Date.parse(events.at(-1)?.timestamp ?? '') - Date.parse(events[0]?.timestamp ?? '')) / 1000,
      );
      expect(Math.abs((events.at(-1)?.properties.session_duration_seconds ?? -9) - seconds)).toBeLessThanOrEqual(1);
    }
  });

  it('find with a search what the catalogue has', () => {
    // That these are what a search finds is tested with the catalogue.
    const found = new Map(catalogue.queries.map(({ text, matches }) => [text, new Set([...matches].map(idOf))]));
    for (const events of sessions) {
      let results: Set<string> | undefined;
      for (const { event_type, search_query = '', properties, product_id = '' } of events) {
        if (event_type === 'search') {
          results = found.get(search_query);
          expect(properties.results_count).toBe(results?.size);
        }
        if (event_type === 'product_view' && properties.came_from_search) expect(results?.has(product_id)).toBe(true);
      }
    }
  });

  it('have lengths as of people: some short, some long, about 14 to 20 events on average', () => {
    const finished = sessions.slice(0, Math.floor(sessions.length / 2));
    const lengths = finished.map((events) => events.length);
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    expect(mean).toBeGreaterThan(12);
    expect(mean).toBeLessThan(20);
    expect(lengths.filter((length) => length <= 4).length / lengths.length).toBeGreaterThan(0.05);
    expect(Math.max(...lengths)).toBeGreaterThan(50);
  });
});

describe('the crowd', () => {
  const { sessions } = sessionsOf({ rate: 200, count: 60_000, seed: 9 });
  const indexOf = new Map(Array.from({ length: users }, (_, index) => [userAt(index).user_id, index]));
  const visitors = sessions.map((events) => indexOf.get(events[0]?.user_id ?? '') ?? -1);

  it('is of registered users with an open account, regulars for 80 percent', () => {
    for (const user of visitors) expect(user >= 0 && isActiveUser(user)).toBe(true);
    const regulars = visitors.filter((user) => user < users * 0.3).length;
    expect(regulars / visitors.length).toBeCloseTo(0.8, 1);
  });

  it('comes more often from higher tiers', () => {
    const registered = [0, 0, 0, 0];
    const seen = [0, 0, 0, 0];
    const add = (counts: number[], tier: number) => {
      counts[tier] = (counts[tier] ?? 0) + 1;
    };
    // Among the regulars, who are a sample of their own.
    for (let user = 0; user < users * 0.3; user++) if (isActiveUser(user)) add(registered, tierIndexOf(user));
    for (const user of visitors) if (user < users * 0.3) add(seen, tierIndexOf(user));
    const activity = (tier: number) => (seen[tier] ?? 0) / (registered[tier] ?? 1);
    for (const tier of [1, 2]) expect(activity(tier) / activity(0)).toBeCloseTo(activityOf[tier] ?? 0, 0);
    expect(activity(2)).toBeGreaterThan(activity(1));
    expect(activity(1)).toBeGreaterThan(activity(0));
  });

  it('looks at few products a lot: half of the views go to a tenth', () => {
    const views = sessions.flat().filter(({ event_type }) => event_type === 'product_view');
    const top = new Set(Array.from({ length: products / 10 }, (_, index) => idOf(index)));
    const share = views.filter(({ product_id = '' }) => top.has(product_id)).length / views.length;
    expect(share).toBeGreaterThan(0.35);
    expect(share).toBeLessThan(0.65);
  });

  it('grows when asked to, by users behind the registered ones', () => {
    const generator = new Generator({
      seed: 3,
      startTime,
      rate: 100,
      count: 40_000,
      users,
      products,
      newUserShare: 0.1,
    });
    const ids = new Set(generator.batch(40_000).map(({ key }) => key.toString()));
    const newcomers = Array.from({ length: generator.newUsers }, (_, i) => userAt(users + i).user_id);
    expect(generator.newUsers).toBeGreaterThan(100);
    expect(newcomers.filter((id) => ids.has(id)).length).toBeGreaterThan(generator.newUsers - 2);
    expect([...ids].filter((id) => !indexOf.has(id)).length).toBeLessThanOrEqual(generator.newUsers);
  });
});

it.each([1, 2, 10])('copes with a shop of %d users and one product', (few) => {
  const records = createGenerator({ seed: 1, startTime, rate: 10, count: 2000, users: few, products: 1 }).batch(2000);
  expect(records.filter(({ topic }) => topic === 'user_events').length).toBe(2000);
});
