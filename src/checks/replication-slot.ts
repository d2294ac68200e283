import { heartbeat } from '../components/connect/debezium.ts';
import { formatBytes } from '../core/units.ts';
import { cdcTables, replication } from '../platform/pipeline.ts';
import type { PostgresClient } from '../probes/postgres.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { outcome, plural, some, withPostgres } from './support.ts';

/** WAL behind the slot from which it is worth a word; the server gives the slot up at max_slot_wal_keep_size. */
const muchWal = 256 * 1024 * 1024;

interface Slot extends Record<string, unknown> {
  active: boolean;
  wal_status: string | null;
  /** Bytes of WAL that the slot holds back. */
  held: string | null;
  /** Bytes until the slot is given up; null without a limit. */
  safe: string | null;
}

export const replicationSlot: Check = {
  name: 'replication-slot',
  area: 'data',
  title: 'The replication slot of change data capture, and what is published',
  needs: ['postgres'],
  run: (context) =>
    withPostgres(context, 'admin', 'shop', async (client) => {
      const [slot] = await client.query<Slot>(
        `SELECT active, wal_status, pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint::text AS held,
          safe_wal_size::text AS safe FROM pg_replication_slots WHERE slot_name = $1`,
        [replication.slot],
      );
      const held = Number(slot?.held ?? 0);
      const published = await publicationFindings(context, client);
      return outcome(
        slot === undefined
          ? 'no connector has made the slot yet'
          : `slot ${replication.slot} is active, ${formatBytes(held)} behind; ${plural(cdcTables.length, 'table')} published`,
        [...(slot === undefined ? missing(context) : slotFindings(context, slot, held)), ...published],
      );
    }),
};

const hasConnector = ({ wanted }: CheckContext) => wanted.includes('connect');

function missing(context: CheckContext): Finding[] {
  if (!hasConnector(context)) return [];
  return [
    {
      severity: 'error',
      what: `Replication slot ${replication.slot} is missing`,
      why: 'Changes of the shop are not captured. The connector makes the slot anew and takes a new snapshot when it restarts.',
      fix: { command: commandFor(context, 'restart connect'), safe: true },
    },
  ];
}

function slotFindings(context: CheckContext, { active, wal_status, safe }: Slot, held: number): Finding[] {
  if (wal_status === 'lost') {
    return [
      {
        severity: 'error',
        what: `Replication slot ${replication.slot} is lost: its WAL was removed`,
        why: 'Changes since then were not captured; the connector takes a new snapshot of the tables when it restarts.',
        fix: { command: commandFor(context, 'restart connect'), safe: true },
      },
    ];
  }
  const findings: Finding[] = [];
  const limit = safe === null ? '' : `, given up after ${formatBytes(Number(safe))} more`;
  if (!active && hasConnector(context)) {
    findings.push({
      severity: 'error',
      what: `Replication slot ${replication.slot} is inactive: nobody reads it (${formatBytes(held)} of WAL held${limit})`,
      why: 'Changes of the shop do not reach Kafka, and PostgreSQL keeps their WAL on disk.',
      fix: { command: commandFor(context, 'doctor connectors'), safe: false },
    });
  } else if (held > muchWal || wal_status === 'unreserved') {
    findings.push({
      severity: 'warning',
      what: `Replication slot ${replication.slot} holds ${formatBytes(held)} of WAL (${wal_status ?? 'state unknown'}${limit})`,
      why: 'Change data capture is behind; beyond the limit the slot is given up and everything is read anew.',
      fix: { command: commandFor(context, 'doctor connectors consumer-lag'), safe: false },
    });
  }
  return findings;
}

async function publicationFindings(context: CheckContext, client: PostgresClient): Promise<Finding[]> {
  const wanted = [
    ...cdcTables.map(({ table }) => ({ schema: 'public', table: table as string })),
    { schema: heartbeat.schema as string, table: heartbeat.table as string },
  ];
  const rows = await client.query<{ name: string }>(
    "SELECT schemaname || '.' || tablename AS name FROM pg_publication_tables WHERE pubname = $1",
    [replication.publication],
  );
  const present = new Set(rows.map(({ name }) => name));
  const lacking = wanted.filter(({ schema, table }) => !present.has(`${schema}.${table}`));
  const partial = await client.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY($1) AND relreplident <> 'f'",
    [cdcTables.map(({ table }) => table)],
  );
  const findings: Finding[] = [];
  if (lacking.length > 0) {
    const names = lacking.map(({ schema, table }) => `${schema}.${table}`);
    findings.push({
      severity: 'error',
      what: `Publication ${replication.publication} lacks ${some(names)}`,
      why: 'Changes of these tables never reach Kafka; the heartbeat missing, an idle shop holds WAL back.',
      fix: { command: commandFor(context, 'doctor replication-slot --fix'), safe: true },
      mend: () => publish(context, names, rows.length > 0),
    });
  }
  if (partial.length > 0) {
    const names = partial.map(({ name }) => name);
    findings.push({
      severity: 'warning',
      what: `${some(names)}: changes do not carry the whole row (replica identity is not FULL)`,
      why: 'Long texts that an update leaves alone arrive as a placeholder.',
      fix: { command: commandFor(context, 'doctor replication-slot --fix'), safe: true },
      mend: () =>
        withPostgres(context, 'admin', 'shop', async (open) => {
          for (const name of names) await open.execute(`ALTER TABLE public.${name} REPLICA IDENTITY FULL`);
          return `replica identity of ${names.join(', ')} is full`;
        }),
    });
  }
  return findings;
}

function publish(context: CheckContext, names: readonly string[], exists: boolean): Promise<string> {
  const { publication } = replication;
  const verb = exists ? `ALTER PUBLICATION ${publication} ADD TABLE` : `CREATE PUBLICATION ${publication} FOR TABLE`;
  return withPostgres(context, 'admin', 'shop', async (client) => {
    await client.execute(`${verb} ${names.join(', ')}`);
    return `${names.join(', ')} published`;
  });
}
