import { describe, expect, it } from 'vitest';
import { type CdcOptions, dueAt, runCdcLoad, type ShopDatabase } from './cdc.ts';

/** Tables of keys in memory: enough SQL to tell inserts, updates and deletes apart. */
class MemoryShop implements ShopDatabase {
  readonly tables: Record<string, Map<string, object>> = {
    users: new Map(),
    products: new Map(),
    transactions: new Map(),
  };
  readonly statements: { verb: string; table: string; rows: number }[] = [];

  async execute(sql: string, values: readonly unknown[] = []): Promise<number> {
    const [, verb = '', table = ''] = /^(insert|update|delete)(?: into| from)? (\w+)/.exec(sql) ?? [];
    const rows = this.tables[table] ?? new Map();
    const key = `${table.slice(0, -1)}_id`;
    let changed = 0;
    if (verb === 'insert') {
      for (const row of JSON.parse(String(values[0]))) {
        if (!rows.has(row[key])) changed++;
        rows.set(row[key], row);
      }
    } else {
      const keys = values[0] as string[]; // the statements' first parameter
      // Seeded rows are there; only rows of the load are kept here.
      changed = verb === 'update' ? new Set(keys).size : keys.filter((one) => rows.delete(one)).length;
    }
    this.statements.push({ verb, table, rows: changed });
    return changed;
  }
}

const load = async (options: CdcOptions) => {
  const shop = new MemoryShop();
  const result = await runCdcLoad(shop, { users: 500, products: 50, seed: 3, rate: 100_000, ...options });
  return { shop, result };
};

describe('the load on PostgreSQL', () => {
  it('inserts, updates and deletes in all tables, and counts it', async () => {
    const { shop, result } = await load({ pattern: 'trickle', count: 3000 });
    const sum = (verb: string) => shop.statements.filter((s) => s.verb === verb).reduce((all, s) => all + s.rows, 0);
    expect(result).toMatchObject({
      inserted: sum('insert'),
      updated: sum('update'),
      deleted: sum('delete'),
      aborted: false,
    });
    expect(result.inserted + result.updated + result.deleted).toBe(3000);
    const seen = new Set(shop.statements.map(({ verb, table }) => `${verb} ${table}`));
    expect(seen.size).toBe(9);
    // Deletes found the rows: they take what the load has inserted.
    expect(shop.statements.filter(({ verb, rows }) => verb === 'delete' && rows !== 1)).toEqual([]);
  });

  it('changes a row a statement, or thousands, as the pattern says', async () => {
    const rowsOf = async (pattern: 'trickle' | 'bulk' | 'burst', count: number) =>
      Math.max(...(await load({ pattern, count })).shop.statements.map(({ rows }) => rows));
    expect(await rowsOf('trickle', 200)).toBe(1);
    expect(await rowsOf('bulk', 20_000)).toBe(2000);
  });

  it('repeats itself by seed', async () => {
    const [one, two, other] = [
      await load({ count: 500 }),
      await load({ count: 500 }),
      await load({ count: 500, seed: 4 }),
    ];
    const keys = (shop: MemoryShop) => [...(shop.tables.transactions?.keys() ?? [])];
    expect(keys(one.shop)).toEqual(keys(two.shop));
    expect(keys(one.shop)).not.toEqual(keys(other.shop));
  });

  it('stops at the signal', async () => {
    const result = await runCdcLoad(new MemoryShop(), { rate: 10 }, { signal: AbortSignal.timeout(60) });
    expect(result.aborted).toBe(true);
  });

  it.each([{ rate: 0 }, { pattern: 'flood' }, { count: -1 }])('refuses %j', async (wrong) => {
    const options = wrong as CdcOptions; // wrong on purpose
    await expect(runCdcLoad(new MemoryShop(), options)).rejects.toMatchObject({
      code: 'CDC_OPTIONS_INVALID',
      exitCode: 2,
    });
  });
});

it('makes a burst of the last tenth of ten seconds, at the same rate over all', () => {
  expect(dueAt('trickle', 100, 2500)).toBe(250);
  expect(dueAt('burst', 100, 8900)).toBe(0);
  expect(dueAt('burst', 100, 9500)).toBeCloseTo(500, 6);
  expect(dueAt('burst', 100, 10_000)).toBe(1000);
  expect(dueAt('burst', 100, 29_999)).toBeCloseTo(3000, -1);
});
