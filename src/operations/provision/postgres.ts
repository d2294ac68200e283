import { join } from 'node:path';
import { heartbeat } from '../../components/connect/debezium.ts';
import { cdcTables, databases, replication } from '../../platform/pipeline.ts';
import { openPostgres, type PostgresClient } from '../../probes/postgres.ts';
import type { ConnectInfo } from '../../runtimes/contract.ts';
import type { ProvisionContext } from './context.ts';
import { loadSchema } from './schemas.ts';
import { addColumns, createTable } from './shop-ddl.ts';

/** Endpoint protocol of each login; its credential names the role. */
const logins = { shop: 'sql', registry: 'registry', lake: 'lake', airflow: 'airflow' } as const;

/** Roles and databases, the shop's tables as schemas/ says, and what Debezium needs. */
export async function provisionPostgres(context: ProvisionContext): Promise<string> {
  const { runtime } = context;
  const admin = await runtime.endpoint('postgres', 'admin');
  const debezium = await runtime.endpoint('postgres', 'cdc');
  const server = await openPostgres(admin, 'postgres');
  try {
    for (const [database, protocol] of Object.entries(logins)) {
      const login = await runtime.endpoint('postgres', protocol);
      await ensureRole(server, login, 'login');
      await ensureDatabase(server, database, login.user ?? database);
    }
    await ensureRole(server, debezium, 'login replication');
  } finally {
    await server.close();
  }
  const shop = await openPostgres(admin, 'shop');
  try {
    const created = await ensureShop(shop, context);
    await ensureReplication(shop, debezium.user ?? 'debezium');
    return created > 0 ? `${created} tables created` : `${Object.keys(databases).length} databases`;
  } finally {
    await shop.close();
  }
}

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** The password follows the stack's secrets, also after they were replaced. */
async function ensureRole(client: PostgresClient, { user, password }: ConnectInfo, rights: string): Promise<void> {
  if (user === null || password === null) throw new Error('a role needs a user and a password');
  const present = await client.query('select 1 as found from pg_roles where rolname = $1', [user]);
  const verb = present.length > 0 ? 'alter' : 'create';
  await client.execute(`${verb} role ${user} ${rights} password ${literal(password)}`);
}

async function ensureDatabase(client: PostgresClient, database: string, owner: string): Promise<void> {
  const present = await client.query('select 1 as found from pg_database where datname = $1', [database]);
  if (present.length > 0) return;
  await client.execute(`create database ${database} owner ${owner}`);
  await client.execute(`revoke all on database ${database} from public`);
}

/** @returns number of tables created */
async function ensureShop(client: PostgresClient, { projectRoot }: ProvisionContext): Promise<number> {
  let created = 0;
  // The owner makes its own tables, so that it may alter them.
  await client.execute('grant all on schema public to shop');
  for (const { table, schema: file, key } of cdcTables) {
    const schema = await loadSchema(join(projectRoot, 'schemas', file));
    const columns = await client.query<{ name: string }>(
      "select column_name as name from information_schema.columns where table_schema = 'public' and table_name = $1",
      [table],
    );
    if (columns.length === 0) {
      await client.execute(createTable(table, key, schema));
      for (const statement of constraints[table]) await client.execute(statement);
      await client.execute(`alter table ${table} owner to shop`);
      created += 1;
    }
    const present = new Set(columns.map(({ name }) => name));
    if (present.size > 0) for (const statement of addColumns(table, schema, present)) await client.execute(statement);
  }
  return created;
}

/** What a JSON Schema cannot say. */
const constraints: Record<(typeof cdcTables)[number]['table'], readonly string[]> = {
  users: [],
  products: ['alter table products add check (cost < price)'],
  transactions: [
    'alter table transactions add check (total_amount = unit_price * quantity - discount_amount + tax_amount)',
    'alter table transactions add foreign key (user_id) references users',
    'alter table transactions add foreign key (product_id) references products',
    'create index on transactions (user_id)',
  ],
};

/** Publication, heartbeat (so that an idle shop holds no WAL) and least rights for the capturing role. */
async function ensureReplication(client: PostgresClient, role: string): Promise<void> {
  const tables = cdcTables.map(({ table }) => table).join(', ');
  const beat = `${heartbeat.schema}.${heartbeat.table}`;
  await client.execute(`create schema if not exists ${heartbeat.schema}`);
  await client.execute(`create table if not exists ${beat} (id int primary key, at timestamptz not null)`);
  await client.execute(`grant connect on database shop to ${role}`);
  await client.execute(`grant usage on schema public, ${heartbeat.schema} to ${role}`);
  await client.execute(`grant select on ${tables} to ${role}`);
  await client.execute(`grant select, insert, update on ${beat} to ${role}`);
  await logWholeRows(client);
  const present = await client.query('select 1 as found from pg_publication where pubname = $1', [
    replication.publication,
  ]);
  if (present.length === 0) {
    await client.execute(`create publication ${replication.publication} for table ${tables}, ${beat}`);
  }
}

/**
 * Changes carry the whole row before them. Without it a long text that an update leaves alone would arrive as
 * "__debezium_unavailable_value": it is stored apart from its row, and not logged.
 */
async function logWholeRows(client: PostgresClient): Promise<void> {
  for (const { table } of cdcTables) {
    const whole = await client.query(
      "select 1 as found from pg_class where oid = $1::regclass and relreplident = 'f'",
      [`public.${table}`],
    );
    if (whole.length === 0) await client.execute(`alter table ${table} replica identity full`);
  }
}
