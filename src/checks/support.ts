import { join } from 'node:path';
import type { Bootstrap } from '../core/bootstrap.ts';
import { hasProcess } from '../core/service-spec.ts';
import { lake } from '../platform/pipeline.ts';
import { composeSchema, type JsonSchema } from '../platform/schema.ts';
import { type ClickHouseClient, openClickHouse } from '../probes/clickhouse.ts';
import { brokersIn } from '../probes/kafka-brokers.ts';
import { openPostgres, type PostgresClient } from '../probes/postgres.ts';
import { readIfExists } from '../system/files.ts';
import { getHttp } from '../system/http.ts';
import { commandFor } from './commands.ts';
import type { CheckContext, CheckOutcome, Finding } from './contract.ts';

/** Of a finding that carries its own safe fix: the command that carries it out. */
export const mendedBy = (context: Pick<CheckContext, 'paths'>, check: string): Finding['fix'] => ({
  command: commandFor(context, `doctor ${check} --fix`),
  safe: true,
});

/** "1 record", "2 records", "1,234 records". */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** A few names, and how many more. */
export function some(names: readonly string[], limit = 5): string {
  const more = names.length - limit;
  return `${names.slice(0, limit).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** How to reach every broker. @throws LambdaError NOT_UP */
export async function brokersOf(context: CheckContext): Promise<Bootstrap> {
  return brokersIn(await context.endpoint('kafka', 'kafka'));
}

export const runs = ({ services }: CheckContext, component: string): boolean =>
  services.some((each) => each.component === component && hasProcess(each));

/** Files of schemas/ by name, each an object schema that stands alone. */
export async function schemasOf(
  { projectRoot }: CheckContext,
  files: readonly string[] = lake.tables.map(({ schema }) => schema),
): Promise<Record<string, JsonSchema>> {
  const entries = [...new Set(files)].map(async (file) => {
    return [file, await composeSchema(join(projectRoot, 'schemas', file), readIfExists)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Asks PostgreSQL as an endpoint's role, within the check's time; closed whatever comes. */
export async function withPostgres<T>(
  context: CheckContext,
  protocol: string,
  database: string,
  use: (client: PostgresClient) => Promise<T>,
): Promise<T> {
  const client = await openPostgres(await context.endpoint('postgres', protocol), database);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** Asks ClickHouse with all rights; closed whatever comes. */
export async function withClickHouse<T>(
  context: CheckContext,
  use: (client: ClickHouseClient) => Promise<T>,
): Promise<T> {
  const client = openClickHouse(await context.endpoint('clickhouse', 'admin'), 'default');
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** The last "Caused by" of a Java trace, else its first line. */
export function causeOf(trace: string): string {
  const lines = trace.split('\n');
  const cause = lines.findLast((line) => line.startsWith('Caused by: '))?.slice('Caused by: '.length);
  return (cause ?? lines[0] ?? '').trim().slice(0, 300);
}

/** JSON of a component's own status page. @throws Error naming page and status */
export async function jsonAt(url: string, signal: AbortSignal): Promise<unknown> {
  const { status, body } = await getHttp(url, {}, signal);
  if (status !== 200) throw new Error(`${url} answers ${status}: ${body.slice(0, 150)}`);
  return JSON.parse(body);
}

export const outcome = (detail: string, findings: readonly (Finding | null)[] = []): CheckOutcome => ({
  detail,
  findings: findings.filter((each) => each !== null),
});
