import { messageOf } from '../core/errors.ts';
import type { ComponentName } from '../platform/pipeline.ts';
import { openPostgres } from '../probes/postgres.ts';
import type { Server } from '../probes/server.ts';
import { getHttp } from '../system/http.ts';
import { commandFor, upCommand } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { mendedBy, outcome, plural, runs, withPostgres } from './support.ts';

/** Endpoint protocol → the database that its role works in. */
const postgresLogins = {
  admin: 'postgres',
  sql: 'shop',
  cdc: 'shop',
  registry: 'registry',
  lake: 'lake',
  airflow: 'airflow',
} as const;
const clickhouseLogins = ['admin', 'ingest', 'http'] as const;

export const logins: Check = {
  name: 'logins',
  area: 'secrets',
  title: "The stack's passwords open its databases",
  needs: [],
  async run(context) {
    const tries = [
      ...(runs(context, 'postgres')
        ? Object.entries(postgresLogins).map(([protocol, database]) => postgres(context, protocol, database))
        : []),
      ...(runs(context, 'clickhouse') ? clickhouseLogins.map((protocol) => clickhouse(context, protocol)) : []),
    ];
    const findings = (await Promise.all(tries)).filter((each) => each !== null);
    return outcome(tries.length === 0 ? 'no database runs' : `${plural(tries.length, 'login')} accepted`, findings);
  },
};

const whyOf = 'Who works under this name is refused at its next connection, though its present ones may still be open.';

async function postgres(context: CheckContext, protocol: string, database: string): Promise<Finding | null> {
  const login = await context.endpoint('postgres', protocol);
  try {
    await (await openPostgres(login, database)).close();
    return null;
  } catch (error) {
    // SQLSTATE class 28: invalid authorization; all else is for the component's own check.
    if (!/password authentication|role .* (does not exist|is not permitted)/.test(messageOf(error))) throw error;
    const own = protocol !== 'admin';
    return {
      severity: 'error',
      what: `PostgreSQL refuses ${login.user}: its password is not the one in the stack's secrets`,
      why: whyOf,
      fix: own ? mendedBy(context, 'logins') : { command: commandFor(context, 'secrets check'), safe: false },
      ...(own ? { mend: () => resetPassword(context, login) } : {}),
    };
  }
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The secrets file is right: every component was configured from it. */
function resetPassword(context: CheckContext, { user, password }: Server): Promise<string> {
  return withPostgres(context, 'admin', 'postgres', async (client) => {
    await client.execute(`ALTER ROLE "${user}" LOGIN PASSWORD ${literal(password ?? '')}`);
    return `password of ${user} set as in the secrets`;
  });
}

async function clickhouse(context: CheckContext, protocol: string): Promise<Finding | null> {
  const component: ComponentName = 'clickhouse';
  const { url, user, password } = await context.endpoint(component, protocol);
  const headers = { 'x-clickhouse-user': user ?? '', 'x-clickhouse-key': password ?? '' };
  const { status, body } = await getHttp(`${url}/?query=SELECT%201`, headers, context.signal);
  if (status === 200) return null;
  // 516 AUTHENTICATION_FAILED, 192 UNKNOWN_USER
  if (!/Code: (516|192)\b/.test(body))
    throw new Error(`ClickHouse answers ${status} to ${user}: ${body.slice(0, 150)}`);
  return {
    severity: 'error',
    what: `ClickHouse refuses ${user}: its password is not the one in the stack's secrets`,
    why: whyOf,
    fix: {
      command: upCommand(context),
      safe: true,
    },
  };
}
