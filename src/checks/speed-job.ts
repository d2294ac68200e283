import { formatDuration } from '../core/units.ts';
import { isRecord } from '../state/json-file.ts';
import { commandFor } from './commands.ts';
import { lateForSpeed } from './consumer-lag.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { jsonAt, outcome, plural } from './support.ts';

/** A query that has nothing to read says nothing; one that has, and says nothing for so long, hangs. */
const silentMs = 60_000;

export const speedJob: Check = {
  name: 'speed-job',
  area: 'data',
  title: 'The streaming query, its last micro-batch and its circuit breaker',
  needs: ['spark'],
  async run(context) {
    const { url } = await context.endpoint('spark', 'http');
    const status = await jsonAt(`${url}/status`, context.signal);
    if (!isRecord(status)) throw new Error('/status is no object');
    const queries = Array.isArray(status.queries) ? status.queries.filter(isRecord) : [];
    const speed = queries.find(({ name }) => name === 'speed') ?? {};
    const last = typeof speed.lastProgressAt === 'string' ? Date.parse(speed.lastProgressAt) : null;
    const age = last === null ? null : context.now - last;
    const batch = typeof speed.batchId === 'number' ? `batch ${speed.batchId}, ` : '';
    return outcome(
      `running, ${batch}last progress ${age === null ? 'not yet' : `${formatDuration(Math.max(0, age))} ago`}`,
      [
        stateFinding(context, status, queries),
        await hangs(context, speed, age),
        circuitFinding(context, status.clickhouse),
      ],
    );
  },
};

function stateFinding(
  context: CheckContext,
  { state, lastError }: Record<string, unknown>,
  queries: readonly Record<string, unknown>[],
): Finding | null {
  const inactive = queries.filter(({ active }) => active !== true);
  if (state === 'running' && inactive.length === 0) return null;
  const told = inactive.map(
    ({ name, lastError: reason }) => `query ${name} is not active${reason ? `: ${reason}` : ''}`,
  );
  return {
    severity: state === 'starting' ? 'warning' : 'error',
    what: `The speed job is ${String(state)}${lastError ? `: ${lastError}` : ''}${told.length === 0 ? '' : `; ${told.join('; ')}`}`.slice(
      0,
      400,
    ),
    why: 'No new record reaches ClickHouse; Kafka keeps them and the job goes on where it stopped.',
    fix: {
      command: commandFor(context, state === 'starting' ? 'logs spark' : 'restart spark'),
      safe: state !== 'starting',
    },
  };
}

async function hangs(
  context: CheckContext,
  { active }: Record<string, unknown>,
  age: number | null,
): Promise<Finding | null> {
  if (active !== true || age === null || age < silentMs) return null;
  const late = await lateForSpeed(context);
  if (late === 0) return null;
  return {
    severity: 'error',
    what: `The last micro-batch of the speed job ended ${formatDuration(age)} ago, and ${plural(late, 'record')} wait for it`,
    why: 'The query is active and makes no progress: ClickHouse or Kafka does not answer it, or it hangs.',
    fix: { command: commandFor(context, 'restart spark'), safe: true },
  };
}

function circuitFinding(context: CheckContext, clickhouse: unknown): Finding | null {
  if (!isRecord(clickhouse) || clickhouse.circuit !== 'open') return null;
  return {
    severity: 'error',
    what: `The circuit breaker in front of ClickHouse is open since ${clickhouse.openSince}: ${String(clickhouse.lastError).slice(0, 200)}`,
    why: 'Writes failed three times; the batch waits and nothing is dropped, but dashboards stand still.',
    fix: { command: commandFor(context, 'doctor clickhouse-parts services'), safe: false },
  };
}
