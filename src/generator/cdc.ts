import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { usageError } from '../core/errors.ts';
import { parseDuration } from '../core/units.ts';
import { type Transaction, tiers, wordAt } from './entities.ts';
import { transactionHistory } from './history.ts';
import { productAt } from './products.ts';
import { AliasTable, Random, seedOf } from './random.ts';
import { isoOf, userAt } from './users.ts';

/** A connection to the shop's database; PostgresClient of the probes is one. */
export interface ShopDatabase {
  /** Runs one statement. @returns rows it changed */
  execute(sql: string, values?: readonly unknown[]): Promise<number>;
}

export const cdcPatterns = ['trickle', 'bulk', 'burst'] as const;
/** trickle: row by row, evenly · bulk: thousands of rows a statement · burst: quiet, then ten times the rate for a tenth of the time. */
export type CdcPattern = (typeof cdcPatterns)[number];

const optionsSchema = z.strictObject({
  pattern: z.enum(cdcPatterns).default('trickle'),
  /** Row changes a second, on average. */
  rate: z.number().positive().max(100_000).default(100),
  /** "60s" or ms. */
  duration: z.union([z.string(), z.number().positive()]).optional(),
  /** Row changes after which the load ends. */
  count: z.int().positive().optional(),
  /** Rows that are there: userAt(0 … users - 1), productAt(0 … products - 1). New ones get the indexes behind. */
  users: z.int().min(1).default(10_000),
  products: z.int().min(1).default(1000),
  /** Default: drawn anew, so that two loads insert different transactions. */
  seed: z.int().min(0).optional(),
});
export type CdcOptions = z.input<typeof optionsSchema>;

export interface CdcResult {
  inserted: number;
  updated: number;
  deleted: number;
  /** Rows changed, by table. */
  tables: Record<'users' | 'products' | 'transactions', number>;
  statements: number;
  achievedRate: number;
  elapsedMs: number;
  seed: number;
  aborted: boolean;
}

export type CdcTable = 'users' | 'products' | 'transactions';

/** What one statement did. */
export interface CdcStatement {
  table: CdcTable;
  kind: 'insert' | 'update' | 'delete';
  /** Of the rows it named; all of them changed where `changed` says so many. */
  keys: readonly string[];
  changed: number;
}

/** Rows a statement changes, by pattern. */
const statementRows: Record<CdcPattern, number> = { trickle: 1, bulk: 2000, burst: 100 };
const burstPeriodMs = 10_000;
const burstShare = 0.1;
/** Far above the seeded indexes, so that a later, larger seeding does not meet rows of a load. */
const firstOwnIndex = 5_000_000;

type Table = CdcTable;
const keyOf: Record<Table, string> = { users: 'user_id', products: 'product_id', transactions: 'transaction_id' };

/** What a shop does to its tables, by weight. Deletes take only rows that this load has inserted. */
const actions = [
  { table: 'transactions', kind: 'insert', weight: 45 },
  { table: 'transactions', kind: 'update', weight: 25 },
  { table: 'transactions', kind: 'delete', weight: 5 },
  { table: 'users', kind: 'update', weight: 12 },
  { table: 'users', kind: 'insert', weight: 4 },
  { table: 'users', kind: 'delete', weight: 1 },
  { table: 'products', kind: 'update', weight: 6 },
  { table: 'products', kind: 'insert', weight: 1.5 },
  { table: 'products', kind: 'delete', weight: 0.5 },
] as const;
type Action = (typeof actions)[number];
const actionTable = new AliasTable(actions.map((action) => action.weight));

/**
 * Changes rows of users, products and transactions in the way asked for, until count, duration or signal end it.
 * @throws LambdaError CDC_OPTIONS_INVALID, DURATION_INVALID (usage); what the database throws
 */
export async function runCdcLoad(
  database: ShopDatabase,
  options: CdcOptions,
  hooks: { signal?: AbortSignal; onProgress?: (changed: number) => void } = {},
): Promise<CdcResult> {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    const reasons = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw usageError(`Cannot load the database: ${reasons.join('; ')}.`, { code: 'CDC_OPTIONS_INVALID' });
  }
  const { pattern, rate, duration, count = Number.POSITIVE_INFINITY } = parsed.data;
  const limitMs = typeof duration === 'string' ? parseDuration(duration) : (duration ?? Number.POSITIVE_INFINITY);
  const seed = parsed.data.seed ?? Math.floor(Math.random() * 2 ** 48);
  const load = new CdcLoad(database, { ...parsed.data, seed });
  const started = performance.now();
  const { signal } = hooks;
  for (;;) {
    const elapsed = performance.now() - started;
    if (signal?.aborted || load.changed >= count || elapsed >= limitMs) break;
    const behind = Math.min(count, Math.floor(dueAt(pattern, rate, elapsed))) - load.changed;
    const rows = Math.min(statementRows[pattern], count - load.changed);
    // A statement waits until all of its rows are due: bulk stays bulk.
    if (behind >= rows) await load.change(rows);
    else
      await sleep(Math.min(50, ((rows - behind) * 1000) / rate), undefined, signal && { signal }).catch(
        () => undefined,
      );
    hooks.onProgress?.(load.changed);
  }
  const elapsedMs = performance.now() - started;
  const achievedRate = (load.changed * 1000) / elapsedMs;
  return { ...load.result(), achievedRate, elapsedMs, seed, aborted: signal?.aborted === true };
}

/** Row changes that are due `elapsed` ms after the start. */
export function dueAt(pattern: CdcPattern, rate: number, elapsed: number): number {
  if (pattern !== 'burst') return (rate * elapsed) / 1000;
  const periods = Math.floor(elapsed / burstPeriodMs);
  const progress = elapsed / burstPeriodMs - periods;
  // The burst comes at the end of each period.
  return ((rate * burstPeriodMs) / 1000) * (periods + Math.max(0, (progress - (1 - burstShare)) / burstShare));
}

export interface CdcLoadOptions {
  users: number;
  products: number;
  seed: number;
  /** Of several loads side by side: each changes only its own share of the rows that are there, so that no two meet in one. */
  share?: { index: number; of: number };
}

interface Statement {
  keys: readonly string[];
  sql: string;
  values: readonly unknown[];
}

/** The statements of a load, in an order that the seed determines. */
export class CdcLoad {
  changed = 0;
  private statements = 0;
  private readonly database: ShopDatabase;
  private readonly random: Random;
  private readonly options: CdcLoadOptions;
  private readonly counts = { insert: 0, update: 0, delete: 0 };
  private readonly tables = { users: 0, products: 0, transactions: 0 };
  /** Keys of rows inserted here and not deleted yet, oldest first. */
  private readonly own: Record<Table, string[]> = { users: [], products: [], transactions: [] };
  private nextUser: number;
  private nextProduct: number;
  private readonly sales: Iterator<Transaction>;

  constructor(database: ShopDatabase, options: CdcLoadOptions) {
    this.database = database;
    this.options = options;
    this.random = new Random(seedOf(options.seed, 701));
    // Each load inserts users and products of its own.
    const first = firstOwnIndex + this.random.below(1_000_000) * 1000;
    this.nextUser = first;
    this.nextProduct = first;
    this.sales = endlessSales(options);
  }

  /** One statement that changes up to `rows` rows. */
  async change(rows: number): Promise<CdcStatement> {
    const drawn = wordAt(actions, actionTable.pick(this.random));
    const own = this.own[drawn.table];
    // Only transactions of this load are known by id: where there are none yet, some are made.
    const needsOwn = drawn.kind === 'delete' || (drawn.table === 'transactions' && drawn.kind === 'update');
    const action: Action = needsOwn && own.length === 0 ? actions[0] : drawn;
    const { table, kind } = action;
    const { keys, sql, values } = this.statement(action, rows);
    const changed = await this.database.execute(sql, values);
    this.statements++;
    this.changed += changed;
    this.counts[kind] += changed;
    this.tables[table] += changed;
    return { table, kind, keys, changed };
  }

  private statement({ table, kind }: Action, rows: number): Statement {
    if (kind === 'insert') return this.insert(table, rows);
    if (kind === 'update') return this.update(table, rows);
    const keys = this.own[table].splice(0, rows);
    return { keys, sql: `delete from ${table} where ${keyOf[table]} = any($1::uuid[])`, values: [keys] };
  }

  private insert(table: Table, rows: number): Statement {
    const now = isoOf(Date.now());
    const made: object[] = [];
    for (let i = 0; i < rows; i++) made.push(this.newRow(table, now));
    const keys = made.map((row) => String((row as Record<string, unknown>)[keyOf[table]])); // rows have their key
    this.own[table].push(...keys);
    const sql = `insert into ${table} select * from json_populate_recordset(null::${table}, $1::json) on conflict do nothing`;
    return { keys, sql, values: [JSON.stringify(made)] };
  }

  private newRow(table: Table, now: string): object {
    if (table === 'users') return { ...userAt(this.nextUser++), registration_date: now, last_login: null };
    if (table === 'products') return { ...productAt(this.nextProduct++), created_at: now };
    return { ...this.sales.next().value, status: 'pending', created_at: now, updated_at: now };
  }

  private update(table: Table, rows: number): Statement {
    const { random, options } = this;
    if (table === 'transactions') {
      const own = this.own.transactions;
      const keys = Array.from({ length: Math.min(rows, own.length) }, () => wordAt(own, random.below(own.length)));
      const status = wordAt(['completed', 'completed', 'failed', 'refunded', 'cancelled'], random.below(5));
      const sql = 'update transactions set status = $2, updated_at = $3 where transaction_id = any($1::uuid[])';
      return { keys, sql, values: [keys, status, isoOf(Date.now())] };
    }
    if (table === 'users') {
      const keys = Array.from({ length: rows }, () => userAt(this.present(options.users)).user_id);
      // Mostly a login; now and then somebody rises to another tier.
      if (random.below(20) > 0) {
        const sql = 'update users set last_login = $2 where user_id = any($1::uuid[])';
        return { keys, sql, values: [keys, isoOf(Date.now())] };
      }
      const tier = wordAt(tiers, random.below(tiers.length));
      return { keys, sql: 'update users set tier = $2 where user_id = any($1::uuid[])', values: [keys, tier] };
    }
    const keys = Array.from({ length: rows }, () => productAt(this.present(options.products)).product_id);
    const factor = 0.95 + random.below(11) / 100;
    const sql =
      'update products set price = greatest(cost + 0.01, round(price * $2, 2)) where product_id = any($1::uuid[])';
    return { keys, sql, values: [keys, factor] };
  }

  /** Index of a row that is there, of this load's share. */
  private present(rows: number): number {
    const { index, of } = this.options.share ?? { index: 0, of: 1 };
    return Math.min(rows - 1, this.random.below(Math.max(1, Math.floor(rows / of))) * of + index);
  }

  result() {
    const { insert, update, delete: deleted } = this.counts;
    return { inserted: insert, updated: update, deleted, tables: this.tables, statements: this.statements };
  }
}

/** Sales of ever later days; their times are set when they are inserted. */
function* endlessSales(options: { users: number; products: number; seed: number }): Generator<Transaction, never> {
  const dayMs = 86_400_000;
  // After the last registration, so that everybody may buy.
  for (let until = Date.UTC(2026, 1, 1); ; until += dayMs) {
    yield* transactionHistory({ ...options, days: 1, until, perDay: 5000 });
  }
}
