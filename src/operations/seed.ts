import { type OperationContext, step } from '../core/events.ts';
import { transactionHistory } from '../generator/history.ts';
import { productAt } from '../generator/products.ts';
import { userAt } from '../generator/users.ts';
import { openPostgres, type PostgresClient } from '../probes/postgres.ts';
import { openStack, type StackRef } from './stack.ts';

export interface SeedRequest extends StackRef {
  users: number;
  products: number;
  days: number;
}

export interface SeedReport {
  stack: string;
  tables: readonly SeededTable[];
  elapsedMs: number;
}

interface SeededTable {
  table: string;
  /** Rows of this seed. */
  rows: number;
  /** Of these, the ones that were new or differed. */
  written: number;
}

const rowsPerStatement = 2000;

/**
 * Users, products and their transaction history in the shop's database, by upsert: a second run writes nothing.
 * The history ends at the last midnight (UTC), so that a day's reruns agree.
 * @throws LambdaError NOT_UP
 */
export async function seed(request: SeedRequest, context: OperationContext): Promise<SeedReport> {
  const started = performance.now();
  const stack = await openStack(request);
  await stack.requireUp();
  const { users, products, days } = request;
  const until = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const sources: [string, string, number | null, () => Iterable<object>][] = [
    ['users', 'user_id', users, () => entities(users, userAt)],
    ['products', 'product_id', products, () => entities(products, productAt)],
    ['transactions', 'transaction_id', null, () => transactionHistory({ days, users, products, until })],
  ];
  for (const [table] of sources) context.emit({ type: 'step', id: table, title: `Seed ${table}`, status: 'pending' });
  const client = await openPostgres(await stack.runtime.endpoint('postgres', 'sql'), 'shop');
  try {
    const tables: SeededTable[] = [];
    for (const [table, key, total, rows] of sources) {
      tables.push(
        await step(context, { id: table, title: `Seed ${table}` }, async () => {
          const value = await upsert(client, { table, key, total, rows: rows() }, context);
          return { value, detail: `${value.rows} rows, ${value.written} written` };
        }),
      );
    }
    return { stack: stack.name, tables, elapsedMs: performance.now() - started };
  } finally {
    await client.close();
  }
}

interface UpsertSource {
  table: string;
  key: string;
  total: number | null;
  rows: Iterable<object>;
}

async function upsert(client: PostgresClient, { table, key, total, rows }: UpsertSource, context: OperationContext) {
  const columns = await client.query<{ name: string }>(
    'select column_name as name from information_schema.columns where table_schema = current_schema() and table_name = $1 order by ordinal_position',
    [table],
  );
  const names = columns.map(({ name }) => `"${name}"`);
  const changed = names.filter((name) => name !== `"${key}"`);
  const statement = `insert into ${table} (${names.join(', ')})
    select ${names.join(', ')} from json_populate_recordset(null::${table}, $1::json)
    on conflict (${key}) do update set ${changed.map((name) => `${name} = excluded.${name}`).join(', ')}
    where (${changed.map((name) => `${table}.${name}`).join(', ')}) is distinct from (${changed.map((name) => `excluded.${name}`).join(', ')})`;
  const done: SeededTable = { table, rows: 0, written: 0 };
  for (const batch of batches(rows, rowsPerStatement)) {
    context.signal.throwIfAborted();
    done.written += await client.execute(statement, [JSON.stringify(batch)]);
    done.rows += batch.length;
    const progress = { type: 'progress', id: table, done: done.rows, unit: 'items' } as const;
    context.emit(total === null ? progress : { ...progress, total });
  }
  return done;
}

function* entities<T>(count: number, at: (index: number) => T): Iterable<T> {
  for (let index = 0; index < count; index++) yield at(index);
}

function* batches<T>(rows: Iterable<T>, size: number): Iterable<T[]> {
  let batch: T[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
