import { z } from 'zod';
import type { Endpoint } from '../components/contract.ts';
import type { WriteReport } from '../core/reports.ts';
import { getHttp } from '../system/http.ts';

/** `status` waits no longer for a writer that does not answer, ms. */
const patienceMs = 400;

const text = z.string().nullish();

/** Out of the speed job's /status (dags-repo/spark/README.md). */
const circuit = z.object({
  circuit: z.enum(['closed', 'retrying', 'open']).default('closed'),
  openSince: text,
  failures: z.number().optional(),
  retries: z.number().optional(),
  lastFailureAt: text,
  lastError: text,
});
const sparkStatus = z.object({
  clickhouse: circuit.optional(),
  produced: circuit.optional(),
  queries: z
    .array(
      z.object({ name: z.string(), state: z.string().optional(), restarts: z.number().optional(), lastError: text }),
    )
    .default([]),
});

/** GET /connectors?expand=status of Kafka Connect, and GET /restarts of the Healer (dags-repo/connect). */
const connectors = z.record(
  z.string(),
  z.object({
    status: z.object({
      type: z.string().default('unknown'),
      connector: z.object({ state: z.string(), trace: text }),
      tasks: z.array(z.object({ state: z.string(), trace: text })),
    }),
  }),
);
const restarts = z.record(z.string(), z.object({ restarts: z.number(), lastAt: text, lastError: text }));

/**
 * The circuit breakers of the components that write into others. Never throws and takes at most `patienceMs`: a writer that does
 * not answer is "unknown".
 * @param endpoints of the components that run
 */
export async function writesOf(
  endpoints: readonly Pick<Endpoint, 'component' | 'protocol' | 'url'>[],
): Promise<WriteReport[]> {
  const urlOf = (component: string, protocol: string) =>
    endpoints.find((each) => each.component === component && each.protocol === protocol)?.url.replace(/\/$/, '');
  const [spark, connect] = [urlOf('spark', 'http'), urlOf('connect', 'rest')];
  const writes = await Promise.all([
    spark === undefined ? [] : ofSpark(spark),
    connect === undefined ? [] : ofConnect(connect),
  ]);
  return writes.flat();
}

async function ofSpark(url: string): Promise<WriteReport[]> {
  const told = await ask(`${url}/status`, sparkStatus);
  return told === null ? [unknown('spark', 'clickhouse'), unknown('spark', 'kafka')] : sparkWrites(told);
}

/** Of the speed job's parsed status. */
export function sparkWrites({ clickhouse, produced, queries }: z.infer<typeof sparkStatus>): WriteReport[] {
  const write = (to: string, of: z.infer<typeof circuit> | undefined): WriteReport[] =>
    of === undefined
      ? []
      : [
          {
            from: 'spark',
            to,
            state: of.circuit,
            failures: (of.failures ?? 0) + (of.retries ?? 0),
            since: of.openSince ?? null,
            lastFailureAt: of.lastFailureAt ?? null,
            lastError: of.lastError ?? null,
          },
        ];
  const archive = queries.filter(({ restarts: count }) => count !== undefined);
  return [
    ...write('clickhouse', clickhouse),
    ...write('kafka', produced),
    ...archive.map(
      ({ state, restarts: count, lastError }): WriteReport => ({
        from: 'spark',
        to: 'lake',
        // It begins again by itself, with growing pauses.
        state: state === 'waiting' ? 'open' : 'closed',
        failures: count ?? null,
        since: null,
        lastFailureAt: null,
        lastError: lastError ?? null,
      }),
    ),
  ];
}

async function ofConnect(url: string): Promise<WriteReport[]> {
  const [states, healed] = await Promise.all([
    ask(`${url}/connectors?expand=status`, connectors),
    ask(`${url}/restarts`, restarts),
  ]);
  return states === null ? [unknown('connect', 'lake')] : connectWrites(states, healed ?? {});
}

/** Of the connectors' parsed states. A failed task is restarted by the worker, with growing pauses, for ever: its circuit is open. */
export function connectWrites(states: z.infer<typeof connectors>, healed: z.infer<typeof restarts>): WriteReport[] {
  return Object.entries(states).map(([name, { status }]) => {
    const parts = [status.connector, ...status.tasks];
    const failed = parts.find(({ state }) => state === 'FAILED');
    const settling = parts.some(({ state }) => !['RUNNING', 'PAUSED', 'STOPPED', 'FAILED'].includes(state));
    const patients = Object.entries(healed)
      .filter(([patient]) => patient === name || patient.replace(/-\d+$/, '') === name)
      .map(([, each]) => each)
      .sort((a, b) => (a.lastAt ?? '').localeCompare(b.lastAt ?? ''));
    return {
      from: name,
      to: status.type === 'source' ? 'kafka' : 'lake',
      state: failed !== undefined ? 'open' : settling ? 'retrying' : 'closed',
      failures: patients.reduce((sum, each) => sum + each.restarts, 0),
      since: null,
      lastFailureAt: patients.at(-1)?.lastAt ?? null,
      lastError: failed?.trace ?? patients.at(-1)?.lastError ?? null,
    };
  });
}

const unknown = (from: string, to: string): WriteReport => ({
  from,
  to,
  state: 'unknown',
  failures: null,
  since: null,
  lastFailureAt: null,
  lastError: `${from} did not answer within ${patienceMs} ms`,
});

async function ask<T>(url: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    const { status, body } = await getHttp(url, {}, AbortSignal.timeout(patienceMs));
    return status === 200 ? schema.parse(JSON.parse(body)) : null;
  } catch {
    return null;
  }
}
