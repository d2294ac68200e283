import { formatDuration } from '../core/units.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { outcome, runs, withClickHouse, withPostgres } from './support.ts';

/** Beyond this event times, watermarks and "the last hour" do not mean the same everywhere, ms. */
const limitMs = 2000;

export const clockSkew: Check = {
  name: 'clock-skew',
  area: 'components',
  title: 'The clocks of PostgreSQL and ClickHouse against this one',
  needs: [],
  async run(context) {
    const asked = await Promise.all([
      runs(context, 'postgres') ? skewOf('PostgreSQL', () => postgresTime(context)) : null,
      runs(context, 'clickhouse') ? skewOf('ClickHouse', () => clickhouseTime(context)) : null,
    ]);
    const skews = asked.filter((each) => each !== null);
    return outcome(
      skews.length === 0
        ? 'no database runs'
        : skews.map(({ product, ms }) => `${product} ${Math.round(ms)} ms`).join(', '),
      skews.filter(({ ms }) => ms > limitMs).map(finding),
    );
  },
};

interface Skew {
  product: string;
  ms: number;
}

/** Least distance that the answer and the time it took allow for: who answers slowly is not told to be wrong. */
async function skewOf(product: string, ask: () => Promise<number>): Promise<Skew> {
  const before = Date.now();
  const told = await ask();
  const after = Date.now();
  return { product, ms: Math.max(0, before - told, told - after) };
}

const postgresTime = (context: CheckContext): Promise<number> =>
  withPostgres(context, 'admin', 'postgres', async (client) => {
    const [row] = await client.query<{ now: number }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
    );
    return row?.now ?? 0;
  });

const clickhouseTime = (context: CheckContext): Promise<number> =>
  withClickHouse(context, async (client) => {
    const [row] = await client.rows<{ now: string }>('SELECT toString(toUnixTimestamp64Milli(now64(3))) AS now');
    return Number(row?.now ?? 0);
  });

const finding = ({ product, ms }: Skew): Finding => ({
  severity: 'error',
  what: `The clock of ${product} is ${formatDuration(ms)} away from this machine's`,
  why: 'Events count as too late or as coming from the future, and are refused.',
  fix: null,
});
