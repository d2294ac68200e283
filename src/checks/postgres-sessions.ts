import { formatDuration } from '../core/units.ts';
import type { Check, Finding } from './contract.ts';
import { outcome, plural, withPostgres } from './support.ts';

/** A transaction that waits for its client so long holds back vacuum and, having written, the replication slot. */
const idleLimitSeconds = 30;
/** A statement that runs so long does the same. */
const runningLimitSeconds = 600;
const crowded = 0.8;

interface Session extends Record<string, unknown> {
  pid: number;
  who: string;
  database: string | null;
  state: string;
  seconds: number;
  query: string;
}

export const postgresSessions: Check = {
  name: 'postgres-sessions',
  area: 'components',
  title: 'Connections of PostgreSQL and transactions that stay open',
  needs: ['postgres'],
  run: (context) =>
    withPostgres(context, 'admin', 'postgres', async (client) => {
      const [counts] = await client.query<{ used: number; most: number }>(
        `SELECT count(*)::int AS used, current_setting('max_connections')::int AS most FROM pg_stat_activity
          WHERE backend_type = 'client backend'`,
      );
      const long = await client.query<Session>(
        `SELECT pid, coalesce(nullif(application_name, ''), usename, 'nobody') AS who, datname AS database, state,
            extract(epoch FROM clock_timestamp() - CASE WHEN state LIKE 'idle in%' THEN state_change ELSE xact_start END)::float8 AS seconds,
            left(regexp_replace(query, '\\s+', ' ', 'g'), 100) AS query
          FROM pg_stat_activity
          WHERE backend_type = 'client backend' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
            AND (state LIKE 'idle in%' AND clock_timestamp() - state_change > make_interval(secs => $1)
              OR state = 'active' AND clock_timestamp() - xact_start > make_interval(secs => $2))
          ORDER BY xact_start`,
        [idleLimitSeconds, runningLimitSeconds],
      );
      const { used = 0, most = 0 } = counts ?? {};
      return outcome(`${used} of ${plural(most, 'connection')} used, no transaction left open`, [
        ...crowd(used, most),
        ...long.map(openTransaction),
      ]);
    }),
};

function crowd(used: number, most: number): Finding[] {
  if (used < crowded * most) return [];
  return [
    {
      severity: used >= most - 3 ? 'error' : 'warning',
      what: `${used} of ${most} connections of PostgreSQL are in use`,
      why: 'At the limit Airflow, the registry, Connect and the lake are refused new ones.',
      fix: null,
    },
  ];
}

const openTransaction = ({ pid, who, database, state, seconds, query }: Session): Finding => ({
  severity: 'warning',
  what: `A transaction of ${who} on ${database ?? 'no database'} (pid ${pid}) is ${state} for ${formatDuration(seconds * 1000)}: ${query}`,
  why: 'It holds back vacuum and, once it has written, the WAL that the replication slot keeps; locks of it make others wait.',
  // Whose it is only a person knows.
  fix: null,
});
