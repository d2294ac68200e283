import { formatBytes } from '../core/units.ts';
import { clickhouse as layout } from '../platform/pipeline.ts';
import type { ClickHouseClient } from '../probes/clickhouse.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { outcome, plural, some, withClickHouse } from './support.ts';

/** Active parts of one partition from which inserts are soon slowed down (the server's own limit is 1000 by default). */
const manyParts = 300;
const fullDisk = 0.95;
/** A mutation that runs for so long, or failed, is stuck. */
const stuckSeconds = 600;

const database = layout.database;

export const clickhouseParts: Check = {
  name: 'clickhouse-parts',
  area: 'components',
  title: "ClickHouse's parts, mutations and disk",
  needs: ['clickhouse'],
  run: (context) =>
    withClickHouse(context, async (client) => {
      const [parts, detached, mutations, disks, waiting, readonly] = await Promise.all([
        client.rows<{ name: string; parts: string; bytes: string; most: string }>(
          `SELECT table AS name, toString(sum(n)) AS parts, toString(sum(b)) AS bytes, toString(max(n)) AS most FROM
            (SELECT table, partition_id, count() AS n, sum(bytes_on_disk) AS b FROM system.parts
              WHERE active AND database = '${database}' GROUP BY table, partition_id) GROUP BY table`,
        ),
        client.rows<{ name: string; reason: string }>(
          `SELECT table || '/' || name AS name, ifNull(reason, '') AS reason FROM system.detached_parts
            WHERE database = '${database}' AND (reason LIKE 'broken%' OR reason = 'unexpected' OR reason = 'noquorum')`,
        ),
        client.rows<{ table: string; id: string; command: string; failure: string; seconds: number }>(
          `SELECT table, mutation_id AS id, command, latest_fail_reason AS failure, dateDiff('second', create_time, now()) AS seconds
            FROM system.mutations WHERE database = '${database}' AND NOT is_done AND NOT is_killed`,
        ),
        client.rows<{ name: string; free: string; total: string }>(
          'SELECT name, toString(free_space) AS free, toString(total_space) AS total FROM system.disks',
        ),
        client.rows<{ metric: string; count: string }>(
          "SELECT metric, toString(value) AS count FROM system.metrics WHERE metric IN ('DelayedInserts', 'ReadonlyReplica') AND value > 0",
        ),
        readonlyTables(client),
      ]);
      const total = (of: 'parts' | 'bytes') => parts.reduce((sum, each) => sum + Number(each[of]), 0);
      return outcome(
        `${plural(total('parts'), 'part')}, ${formatBytes(total('bytes'))}; none broken, no mutation stuck`,
        [
          ...tooMany(parts),
          ...broken(context, detached),
          ...stuck(mutations),
          ...full(disks),
          ...delayed(waiting),
          ...readonly,
        ],
      );
    }),
};

/** A server that came up on a damaged or read-only disk answers reads and refuses inserts. */
async function readonlyTables(client: ClickHouseClient): Promise<Finding[]> {
  const rows = await client.rows<{ name: string }>(
    'SELECT name FROM system.disks WHERE is_read_only OR is_broken OR is_write_once',
  );
  if (rows.length === 0) return [];
  return [
    {
      severity: 'error',
      what: `ClickHouse cannot write to ${plural(rows.length, 'disk')}: ${some(rows.map(({ name }) => name))}`,
      why: 'Inserts of the speed layer fail; it waits and its lag grows.',
      fix: null,
    },
  ];
}

function tooMany(parts: readonly { name: string; most: string }[]): Finding[] {
  const many = parts.filter(({ most }) => Number(most) > manyParts);
  if (many.length === 0) return [];
  return [
    {
      severity: 'warning',
      what: `Merges do not keep up: ${many.map(({ name, most }) => `${name} has ${most} parts in one partition`).join(', ')}`,
      why: 'Queries read every part, and at the limit inserts are slowed down and then refused.',
      fix: null,
    },
  ];
}

function broken(context: CheckContext, detached: readonly { name: string; reason: string }[]): Finding[] {
  if (detached.length === 0) return [];
  return [
    {
      severity: 'error',
      what: `${plural(detached.length, 'part')} of ClickHouse set aside as broken: ${some(detached.map(({ name, reason }) => `${name} (${reason})`))}`,
      why: 'Their rows are missing from every view. `reconcile` tells which; the batch layer still has them.',
      fix: { command: commandFor(context, 'reconcile'), safe: false },
    },
  ];
}

function stuck(
  mutations: readonly { table: string; id: string; command: string; failure: string; seconds: number }[],
): Finding[] {
  return mutations
    .filter(({ failure, seconds }) => failure !== '' || seconds > stuckSeconds)
    .map(({ table, id, command, failure }) => ({
      severity: 'warning' as const,
      what: `Mutation ${id} of ${table} is stuck (${command.slice(0, 80)})${failure === '' ? '' : `: ${failure.split('\n')[0]?.slice(0, 200)}`}`,
      why: 'It is tried for ever, later mutations wait behind it, and merges of its parts are held up.',
      fix: null,
    }));
}

function full(disks: readonly { name: string; free: string; total: string }[]): Finding[] {
  return disks
    .filter(({ free, total }) => Number(free) < (1 - fullDisk) * Number(total))
    .map(({ name, free, total }) => ({
      severity: 'error' as const,
      what: `ClickHouse's disk ${name} has ${formatBytes(Number(free))} of ${formatBytes(Number(total))} left`,
      why: 'Merges need as much free space as the parts they merge; then inserts stop.',
      fix: null,
    }));
}

function delayed(metrics: readonly { metric: string; count: string }[]): Finding[] {
  return metrics.map(({ metric, count }) => ({
    severity: 'warning' as const,
    what:
      metric === 'DelayedInserts'
        ? `${count} inserts of ClickHouse are being slowed down`
        : `${count} replicas are read-only`,
    why: 'The speed layer writes more slowly than records come.',
    fix: null,
  }));
}
