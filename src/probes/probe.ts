import { messageOf } from '../core/errors.ts';
import type { ProbeResult, ProbeSpec } from '../core/service-spec.ts';
import { getHttp } from '../system/http.ts';
import { signedHeaders } from './aws-signature.ts';
import { kafkaBrokers } from './kafka-brokers.ts';

const timeoutMs = 2000;

type Of<K extends ProbeSpec['kind']> = Extract<ProbeSpec, { kind: K }>;
/** @returns what answered; throws when the product does not work */
type Check<K extends ProbeSpec['kind']> = (spec: Of<K>, signal: AbortSignal) => Promise<string>;

const checks: { [K in ProbeSpec['kind']]: Check<K> } = {
  postgres: checkPostgres,
  kafka: checkKafka,
  clickhouse: checkClickHouse,
  s3: checkS3,
  http: checkHttp,
  spark: checkSpark,
  'airflow-job': checkAirflowJob,
};

/**
 * Asks a product, by its own protocol, whether it works: within 2 seconds and without ever throwing. Runs inside the
 * supervisor every few seconds, so it opens one connection, keeps nothing and loads no client library but pg.
 */
export async function probe(spec: ProbeSpec, signal: AbortSignal): Promise<ProbeResult> {
  const started = performance.now();
  const limit = new AbortController();
  const stop = () => limit.abort(signal.reason);
  const timer = setTimeout(() => limit.abort(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const result = (healthy: boolean, detail: string) => ({ healthy, detail, latencyMs: performance.now() - started });
  try {
    return result(true, await check(spec, limit.signal));
  } catch (error) {
    return result(false, explain(limit.signal.aborted ? limit.signal.reason : error, spec));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function check<K extends ProbeSpec['kind']>(spec: Of<K>, signal: AbortSignal): Promise<string> {
  const run = checks[spec.kind] as Check<K>; // by the table's type, entry and spec are of one kind
  return run(spec, signal);
}

/** One line; what is usual while a product starts in plain words. */
function explain(error: unknown, spec: ProbeSpec): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ECONNREFUSED') return `nothing listens on ${addressOf(spec)}`;
  if (code === 'ECONNRESET' || messageOf(error) === 'socket hang up') return 'the connection was closed';
  return messageOf(error).split('\n')[0] ?? '';
}

function addressOf(spec: ProbeSpec): string {
  if (spec.kind === 'postgres' || spec.kind === 'airflow-job') return `${spec.host}:${spec.port}`;
  if (spec.kind === 'kafka') return spec.bootstrap;
  return new URL(spec.kind === 's3' ? spec.endpoint : spec.url).host;
}

async function checkPostgres(spec: Of<'postgres'>, signal: AbortSignal): Promise<string> {
  const sql = "SELECT current_setting('server_version') AS version";
  const { version } = await firstRow(spec, sql, signal);
  return `PostgreSQL ${version ?? ''}`;
}

/** Airflow calls a process dead after three missed heartbeats of 10 s. */
const heartbeatSeconds = 30;

async function checkAirflowJob(spec: Of<'airflow-job'>, signal: AbortSignal): Promise<string> {
  const name = spec.job.replaceAll("'", "''");
  const sql = `SELECT ceil(extract(epoch FROM now() - max(latest_heartbeat)))::int AS age FROM job
    WHERE job_type = '${name}' AND state = 'running'`;
  const { age } = await firstRow(spec, sql, signal);
  if (typeof age !== 'number') throw new Error(`no ${spec.job} has reported yet`);
  if (age > heartbeatSeconds) throw new Error(`the last heartbeat of ${spec.job} is ${age} s old`);
  return `heartbeat of ${spec.job} ${age} s ago`;
}

async function firstRow(
  spec: Of<'postgres'> | Of<'airflow-job'>,
  sql: string,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const [{ default: pg }, { verifiedBy }] = await Promise.all([import('pg'), import('./postgres.ts')]);
  const { host, port, user, password, database } = spec;
  const login = { host, port, user, password, database, ...verifiedBy(spec) };
  const client = new pg.Client({ ...login, application_name: 'lambdactl probe' });
  const abandon = () => client.connection.stream.destroy();
  signal.throwIfAborted();
  signal.addEventListener('abort', abandon, { once: true });
  // A connection that breaks is told by the query that waits on it.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows[0] ?? {};
  } finally {
    signal.removeEventListener('abort', abandon);
    await client.end();
  }
}

async function checkKafka({ bootstrap, authority }: Of<'kafka'>, signal: AbortSignal): Promise<string> {
  const [host = '', port = ''] = bootstrap.split(',', 1)[0]?.split(':') ?? [];
  const { brokers, controller } = await kafkaBrokers(
    { host, port: Number(port), ...(authority === undefined ? {} : { authority }) },
    signal,
  );
  if (controller < 0) throw new Error('no controller is active');
  // A broker that is fenced, or still catching up, answers but is not among those alive.
  const own = brokers.find((broker) => broker.host === host && broker.port === Number(port));
  if (own === undefined) throw new Error(`the broker on ${bootstrap} is not yet part of the cluster`);
  return `broker ${own.id} of ${brokers.length}, controller ${controller}`;
}

async function checkClickHouse({ url, user, password }: Of<'clickhouse'>, signal: AbortSignal): Promise<string> {
  const headers = { 'x-clickhouse-user': user, 'x-clickhouse-key': password };
  const { status, body } = await getHttp(`${url}/?query=SELECT%20version()`, headers, signal);
  if (status !== 200) throw new Error(`${status}: ${body.slice(0, 200)}`);
  return `ClickHouse ${body.trim()}`;
}

async function checkS3(spec: Of<'s3'>, signal: AbortSignal): Promise<string> {
  const { endpoint, accessKey, secretKey, bucket } = spec;
  const url = bucket === undefined ? `${endpoint}/` : `${endpoint}/${bucket}?list-type=2&max-keys=1`;
  const headers = signedHeaders({ url, accessKey, secretKey, region: 'us-east-1', now: new Date() });
  const { status, body } = await getHttp(url, headers, signal);
  const code = /<Code>([^<]*)/.exec(body)?.[1] ?? '';
  if (status !== 200) throw new Error(`${status} ${code}`.trim());
  return bucket === undefined ? `lists ${body.split('<Bucket>').length - 1} buckets` : `lists ${bucket}`;
}

async function checkHttp({ url, expectStatus, expectBody }: Of<'http'>, signal: AbortSignal): Promise<string> {
  const { status, body } = await getHttp(url, {}, signal);
  const { pathname } = new URL(url);
  if (status !== expectStatus) throw new Error(`${pathname} answers ${status}: ${body.slice(0, 150)}`);
  if (expectBody !== undefined && !body.includes(expectBody))
    throw new Error(`${pathname} answers without "${expectBody}"`);
  return `${pathname} answers ${status}`;
}

async function checkSpark({ url, queries }: Of<'spark'>, signal: AbortSignal): Promise<string> {
  const { status, body } = await getHttp(`${url}/status`, {}, signal);
  if (status !== 200) throw new Error(`/status answers ${status}`);
  const told = toldQueries(JSON.parse(body));
  const active = told.flatMap((query) => (query.active === true ? [query.name] : []));
  const missing = queries.filter((name) => !active.includes(name));
  if (missing.length > 0) throw new Error(`not active: ${missing.join(', ')}`);
  // A query that may rest and is begun again by the job itself: said, but the process is well.
  const resting = told.filter(({ name, active }) => active !== true && !queries.some((each) => each === name));
  const rests = resting.map(({ name, state, lastError }) => `; ${name} ${state}: ${lastError ?? 'no error yet'}`);
  return `active: ${active.join(', ')}${rests.join('').slice(0, 200)}`;
}

/** Out of the job's status: {"queries": [{"name": …, "active": …}]}. */
function toldQueries(status: unknown): Record<string, unknown>[] {
  const queries: unknown = isRecord(status) ? status.queries : [];
  return Array.isArray(queries) ? queries.filter(isRecord) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
