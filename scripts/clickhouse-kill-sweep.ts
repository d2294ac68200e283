/**
 * Kills a real ClickHouse server again and again in the middle of the speed job's inserts, repeats what was cut the way the job
 * does, and compares tables and views with what was sent. Exit code 1 on any difference.
 *
 *   node scripts/clickhouse-kill-sweep.ts --start "COMMAND LINE" --port HTTP_PORT [--user U] [--password P]
 *        [--kills 10] [--rows 4000] [--seed 1]
 *
 * COMMAND LINE starts a server with an empty data directory in the foreground; KILL_SWEEP_START, _PORT, _USER and _PASSWORD do the same.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values: flags } = parseArgs({
  options: {
    start: { type: 'string', default: process.env.KILL_SWEEP_START ?? '' },
    port: { type: 'string', default: process.env.KILL_SWEEP_PORT ?? '' },
    user: { type: 'string', default: process.env.KILL_SWEEP_USER ?? 'lambda' },
    password: { type: 'string', default: process.env.KILL_SWEEP_PASSWORD ?? '' },
    kills: { type: 'string', default: '10' },
    rows: { type: 'string', default: '4000' },
    seed: { type: 'string', default: '1' },
  },
});
if (!flags.start || !flags.port) throw new Error('--start and --port are needed');

const types = ['page_view', 'product_view', 'search', 'add_to_cart', 'remove_from_cart', 'checkout_start', 'purchase'];
const tiers = ['bronze', 'gold', 'unknown'];
const users = 300;
const gapMs = 30 * 60_000;
const latenessMs = 10 * 60_000;
/** Events lie on both sides of a month's end. */
const middle = Date.UTC(2026, 2, 1);

interface Event {
  id: number;
  user: number;
  session: number;
  type: string;
  time: number;
  product: number | undefined;
}
interface Transaction {
  id: number;
  user: number;
  product: number;
  cents: number;
  completed: boolean;
  time: number;
}

let state = Number(flags.seed) >>> 0;
function random(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

const uuid = (kind: string, n: number) => `${kind.repeat(8)}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
const tierOf = (user: number) => tiers[user % tiers.length] ?? '';
const monthOf = (time: number) => new Date(time).toISOString().slice(0, 7);
const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);

/** RowBinary, as the job writes it. */
class Rows {
  private readonly parts: Buffer[] = [];
  private add(size: number, write: (buffer: Buffer) => void): void {
    const buffer = Buffer.alloc(size);
    write(buffer);
    this.parts.push(buffer);
  }
  uuid(text: string): void {
    const hex = text.replaceAll('-', '');
    this.add(16, (b) => {
      b.writeBigUInt64LE(BigInt(`0x${hex.slice(0, 16)}`));
      b.writeBigUInt64LE(BigInt(`0x${hex.slice(16)}`), 8);
    });
  }
  text(value: string): void {
    this.parts.push(Buffer.from([Buffer.byteLength(value)]), Buffer.from(value)); // all shorter than 128 bytes
  }
  nullable(value: string | undefined, write: (value: string) => void): void {
    this.parts.push(Buffer.from([value === undefined ? 1 : 0]));
    if (value !== undefined) write(value);
  }
  int64(value: number): void {
    this.add(8, (b) => b.writeBigInt64LE(BigInt(value)));
  }
  int32(value: number): void {
    this.add(4, (b) => b.writeUInt32LE(value));
  }
  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}

interface Table<T> {
  name: string;
  id: string;
  time: string;
  structure: readonly (readonly [column: string, type: string])[];
  write(row: T, rows: Rows): void;
}

const lowText = 'LowCardinality(String)';
const time64 = 'DateTime64(3)';
const eventsTable: Table<Event> = {
  name: 'lambda.user_events_realtime',
  id: 'event_id',
  time: 'timestamp',
  structure: [
    ['event_id', 'UUID'],
    ['user_id', 'UUID'],
    ['session_id', 'UUID'],
    ['event_type', lowText],
    ['timestamp', time64],
    ['device_type', lowText],
    ['product_id', 'Nullable(String)'],
    ['user_tier', lowText],
    ['properties', 'String'],
    ['processing_time', time64],
  ],
  write(event, rows) {
    rows.uuid(uuid('a', event.id));
    rows.uuid(uuid('b', event.user));
    rows.uuid(uuid('c', event.session));
    rows.text(event.type);
    rows.int64(event.time);
    rows.text('mobile');
    rows.nullable(event.product === undefined ? undefined : uuid('d', event.product), (v) => rows.text(v));
    rows.text(tierOf(event.user));
    rows.text('{}');
    rows.int64(event.time);
  },
};
const transactionsTable: Table<Transaction> = {
  name: 'lambda.transactions_realtime',
  id: 'transaction_id',
  time: 'created_at',
  structure: [
    ['transaction_id', 'UUID'],
    ['user_id', 'UUID'],
    ['product_id', 'UUID'],
    ['quantity', 'UInt32'],
    ['total_amount', 'Decimal(10, 2)'],
    ['status', lowText],
    ['created_at', time64],
  ],
  write(transaction, rows) {
    rows.uuid(uuid('e', transaction.id));
    rows.uuid(uuid('b', transaction.user));
    rows.uuid(uuid('d', transaction.product));
    rows.int32(1);
    rows.int64(transaction.cents);
    rows.text(transaction.completed ? 'completed' : 'pending');
    rows.int64(transaction.time);
  },
};

const settings = { async_insert: '0', insert_deduplicate: '0', max_insert_threads: '1' };
const headers = { 'X-ClickHouse-User': flags.user, 'X-ClickHouse-Key': flags.password };

async function post(parameters: Record<string, string>, body: string | Buffer | FormData): Promise<string> {
  const url = `http://127.0.0.1:${flags.port}/?${new URLSearchParams({ ...settings, ...parameters })}`;
  const payload = Buffer.isBuffer(body) ? new Uint8Array(body) : body;
  const response = await fetch(url, { method: 'POST', headers, body: payload });
  const text = await response.text();
  if (!response.ok) throw new Error(text.slice(0, 300));
  return text;
}

function statement<T>(file: string, table: Table<T>): string {
  return readFileSync(join(root, 'dags-repo/spark/speed', file), 'utf8')
    .replaceAll('{table}', table.name)
    .replaceAll('{columns}', table.structure.map(([column]) => column).join(', '))
    .replaceAll('{id}', table.id)
    .replaceAll('{time}', table.time)
    .trim();
}

function encode<T>(table: Table<T>, items: readonly T[]): Buffer {
  const rows = new Rows();
  for (const item of items) table.write(item, rows);
  return rows.bytes();
}

const insert = <T>(table: Table<T>, items: readonly T[], queryId: string) =>
  post({ query: statement('insert.sql', table), query_id: queryId }, encode(table, items));

function insertMissing<T>(table: Table<T>, items: readonly T[], queryId: string): Promise<string> {
  const form = new FormData();
  form.set('candidates', new Blob([new Uint8Array(encode(table, items))]), 'rows');
  const structure = table.structure.map((column) => column.join(' ')).join(', ');
  const query = statement('insert_missing.sql', table);
  return post({ query, query_id: queryId, candidates_format: 'RowBinary', candidates_structure: structure }, form);
}

let server: ChildProcess | undefined;
async function startServer(): Promise<void> {
  const child = spawn('sh', ['-c', `exec ${flags.start}`], { detached: true, stdio: 'ignore' });
  server = child;
  for (let tries = 0; tries < 1200; tries++) {
    if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}`);
    if ((await post({}, 'SELECT 1').catch(() => '')) !== '') return;
    await sleep(25);
  }
  throw new Error('the server does not answer');
}
async function killServer(): Promise<void> {
  const child = server;
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGKILL');
  await gone;
}

const counts = { batches: 0, inserts: 0, cut: 0, kills: 0, duplicates: 0, replays: 0 };

/** Like the job: the insert as it is; after any failure, when the server answers again, what of it is missing. */
async function deliver<T>(table: Table<T>, items: readonly T[], plain: boolean, queryId: string): Promise<void> {
  counts.inserts++;
  for (let attempt = 1; items.length > 0; attempt++) {
    try {
      await (plain && attempt === 1 ? insert(table, items, queryId) : insertMissing(table, items, queryId));
      return;
    } catch (error) {
      // A server that is alive refused the statement itself: that would be refused for ever.
      if (error instanceof Error && error.message.startsWith('Code:') && !error.message.startsWith('Code: 216'))
        throw error;
      if (attempt === 1) counts.cut++;
      await sleep(50);
    }
  }
}

function byMonth<T extends { time: number }>(items: readonly T[]): T[][] {
  return [...Map.groupBy(items, (item) => monthOf(item.time)).values()];
}

/** One micro-batch: plain inserts side by side, then the rows that may be there already. */
async function deliverBatch(batch: Batch, replay: boolean): Promise<void> {
  const name = (what: string) => `speed-${what}-${counts.batches}-${replay ? 'again' : 'first'}`;
  if (!replay) {
    await Promise.all([
      ...byMonth(batch.events).map((rows, n) => deliver(eventsTable, rows, true, name(`events${n}`))),
      ...byMonth(batch.transactions).map((rows, n) => deliver(transactionsTable, rows, true, name(`transactions${n}`))),
    ]);
  }
  await deliver(eventsTable, replay ? [...batch.events, ...batch.resent] : batch.resent, false, name('candidates'));
  if (replay) await deliver(transactionsTable, batch.transactions, false, name('candidates-transactions'));
}

interface Batch {
  events: Event[];
  transactions: Transaction[];
  resent: Event[];
}
const sent: { events: Event[]; transactions: Transaction[] } = { events: [], transactions: [] };

function nextBatch(size: number): Batch {
  const batch: Batch = { events: [], transactions: [], resent: [] };
  for (let i = 0; i < size; i++) {
    const user = random(users);
    const type = types[random(types.length)] ?? '';
    const product = type === 'product_view' || type.endsWith('cart') ? random(50) : undefined;
    const time = middle - 90 * 60_000 + random(180 * 60_000);
    const event = { id: sent.events.length + i, user, session: user * 100 + random(40), type, time, product };
    batch.events.push(event);
    if (type === 'purchase') {
      const id = event.id;
      batch.transactions.push({
        id,
        user,
        product: random(50),
        cents: 100 + random(9900),
        completed: random(4) > 0,
        time,
      });
    }
  }
  const known = [...sent.events, ...batch.events];
  for (let i = 0; i < size / 50; i++) batch.resent.push(known[random(known.length)] ?? (batch.events[0] as Event)); // never empty
  counts.duplicates += batch.resent.length;
  sent.events.push(...batch.events);
  sent.transactions.push(...batch.transactions);
  return batch;
}

type Tallies = Map<string, readonly number[]>;

function tally<T>(items: readonly T[], key: (item: T) => string, values: (group: T[]) => number[]): Tallies {
  return new Map([...Map.groupBy(items, key)].map(([name, group]) => [name, values(group)]));
}

const countOf = (group: readonly Event[], type: string) => group.filter((event) => event.type === type).length;
const distinct = (values: readonly unknown[]) => new Set(values).size;

function expectedSessions(): Tallies {
  const sessions: Tallies = new Map();
  const watermark = sent.events.reduce((newest, event) => Math.max(newest, event.time), 0) - latenessMs;
  for (const [session, group] of Map.groupBy(sent.events, (event) => event.session)) {
    const ordered = group.toSorted((a, b) => a.time - b.time);
    let from = 0;
    for (let i = 1; i <= ordered.length; i++) {
      const [event, previous] = [ordered[i], ordered[i - 1]];
      if (previous === undefined || (event && event.time - previous.time <= gapMs)) continue;
      const part = ordered.slice(from, i);
      const final = previous.time + gapMs <= watermark ? 1 : 0;
      sessions.set(`${uuid('c', session)} ${part[0]?.time}`, [
        previous.time,
        part.length,
        countOf(part, 'purchase'),
        final,
      ]);
      from = i;
    }
  }
  return sessions;
}

function expectedProducts(): Tallies {
  const products = new Map<string, number[]>();
  const entry = (time: number, product: number) => {
    const key = `${dayOf(time)} ${uuid('d', product)}`;
    const values = products.get(key) ?? [0, 0, 0, 0];
    products.set(key, values);
    return values;
  };
  const raise = (values: number[], at: number, by: number) => {
    values[at] = (values[at] ?? 0) + by;
  };
  for (const { time, product, type } of sent.events) {
    if (product === undefined) continue;
    const values = entry(time, product);
    if (type === 'product_view') raise(values, 0, 1);
    if (type === 'add_to_cart') raise(values, 1, 1);
  }
  for (const { time, product, completed, cents } of sent.transactions) {
    const values = entry(time, product);
    raise(values, 2, completed ? 1 : 0);
    raise(values, 3, completed ? cents : 0);
  }
  return products;
}

const millis = (column: string) => `toUnixTimestamp64Milli(${column})`;
const checks: readonly (readonly [name: string, query: string, expected: () => Tallies])[] = [
  [
    'user_events_realtime',
    "SELECT 'all', count(), uniqExact(event_id) FROM lambda.user_events_realtime",
    () => new Map([['all', [sent.events.length, sent.events.length]]]),
  ],
  [
    'transactions_realtime',
    "SELECT 'all', count(), uniqExact(transaction_id), toUInt64(sum(total_amount) * 100) FROM lambda.transactions_realtime",
    () =>
      tally(
        sent.transactions,
        () => 'all',
        (g) => [g.length, g.length, g.reduce((sum, t) => sum + t.cents, 0)],
      ),
  ],
  [
    'user_activity_summary_mv',
    "SELECT concat(toString(day), ' ', user_id, ' ', event_type), events, unique_sessions FROM lambda.user_activity_summary_mv",
    () =>
      tally(
        sent.events,
        (e) => `${dayOf(e.time)} ${uuid('b', e.user)} ${e.type}`,
        (g) => [g.length, distinct(g.map((e) => e.session))],
      ),
  ],
  [
    'conversion_funnel_mv',
    "SELECT concat(toString(day), ' ', user_id), page_views, product_views, carts, checkouts, purchases FROM lambda.conversion_funnel_mv",
    () =>
      tally(
        sent.events,
        (e) => `${dayOf(e.time)} ${uuid('b', e.user)}`,
        (g) =>
          ['page_view', 'product_view', 'add_to_cart', 'checkout_start', 'purchase'].map((type) => countOf(g, type)),
      ),
  ],
  [
    'product_performance_mv',
    "SELECT concat(toString(day), ' ', product_id), views, carts, purchases, toUInt64(revenue * 100) FROM lambda.product_performance_mv",
    expectedProducts,
  ],
  [
    'tier_activity_mv',
    "SELECT concat(toString(day), ' ', user_tier, ' ', event_type), events, unique_users FROM lambda.tier_activity_mv",
    () =>
      tally(
        sent.events,
        (e) => `${dayOf(e.time)} ${tierOf(e.user)} ${e.type}`,
        (g) => [g.length, distinct(g.map((e) => e.user))],
      ),
  ],
  [
    'sessions_realtime',
    `SELECT concat(toString(session_id), ' ', toString(${millis('session_start')})), ${millis('session_end')}, events, purchases,
       toUInt8(is_final) FROM lambda.sessions_realtime`,
    expectedSessions,
  ],
];

/** Prints a line a table or view; the number of keys that differ. */
async function compare(): Promise<number> {
  let differing = 0;
  for (const [name, query, expectation] of checks) {
    const lines = (await post({ output_format_json_quote_64bit_integers: '0' }, `${query} FORMAT JSONCompactEachRow`))
      .trim()
      .split('\n');
    const expected = expectation();
    const rows = lines.filter(Boolean).map((line) => JSON.parse(line) as [string, ...number[]]); // the query's own shape
    const wrong = rows.filter(([key, ...values]) => values.join() !== expected.get(key)?.join()).length;
    const missing = Math.max(0, expected.size - new Set(rows.map(([key]) => key)).size);
    const doubled = rows.length - new Set(rows.map(([key]) => key)).size;
    differing += wrong + missing + doubled;
    console.log(
      `${name}: ${rows.length} rows, expected ${expected.size}, ${wrong} wrong, ${missing} missing, ${doubled} doubled`,
    );
  }
  return differing;
}

async function migrate(): Promise<void> {
  const directory = join(root, 'templates/clickhouse/migrations');
  for (const file of readdirSync(directory).sort()) {
    const statements = readFileSync(join(directory, file), 'utf8').split(/;\s*$/m);
    for (const sql of statements) if (sql.trim()) await post({}, sql);
  }
}

const began = Date.now();
await startServer();
await migrate();
let usual = 200;
while (counts.kills < Number(flags.kills)) {
  const batch = nextBatch(Number(flags.rows));
  const kill = counts.batches % 2 === 1;
  const started = Date.now();
  let down: Promise<void> | undefined;
  const timer = setTimeout(
    () => {
      counts.kills++;
      down = killServer().then(startServer);
    },
    kill ? Math.random() * usual : 2 ** 30,
  );
  await deliverBatch(batch, false);
  clearTimeout(timer);
  await down;
  if (down === undefined) usual = usual * 0.7 + (Date.now() - started) * 0.3;
  // Now and then the job itself was killed before it could commit: the whole batch comes again.
  if (random(3) === 0) {
    counts.replays++;
    await deliverBatch(batch, true);
  }
  counts.batches++;
}
const differing = await compare();
await killServer();
console.log(
  JSON.stringify({
    ...counts,
    events: sent.events.length,
    transactions: sent.transactions.length,
    seconds: (Date.now() - began) / 1000,
  }),
);
console.log(differing === 0 ? 'exact' : `${differing} differences`);
process.exit(differing === 0 ? 0 : 1);
