import { usageError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import type { AirflowClient, Dag, DagRun } from '../../probes/airflow/client.ts';
import { nextDate, parseDate } from '../batch/date.ts';
import { openStack, type StackRef } from '../stack.ts';
import { openAirflow, requireDag } from './airflow.ts';
import { followRun, type RunReport } from './follow.ts';

export interface TriggerRequest extends StackRef {
  dag: string;
  /** Day the run is for (UTC), YYYY-MM-DD; none when absent. */
  date: string | undefined;
  /** "key=value" each. */
  conf: readonly string[];
  wait: boolean;
}

export interface TriggerReport extends Omit<RunReport, 'tasks' | 'failure'> {
  /** A run of the same date was there and runs again. */
  rerun: boolean;
  /** Null when not waited for. */
  tasks: RunReport['tasks'] | null;
  failure: RunReport['failure'];
}

/**
 * Starts a run, or the run of the same date again.
 * @throws LambdaError UNKNOWN_DAG, DAG_BROKEN, BAD_DATE, BAD_CONF, AIRFLOW_REFUSED
 */
export async function triggerDag(request: TriggerRequest, context: OperationContext): Promise<TriggerReport> {
  const date = request.date === undefined ? undefined : parseDate(request.date);
  const conf = { ...parseConf(request.conf), ...(date === undefined ? {} : { date }) };
  const airflow = await openAirflow(await openStack(request));
  const dag = await requireDag(airflow, request.dag);
  if (dag.is_paused) {
    context.emit({ type: 'warning', message: `${dag.dag_id} is paused: its run waits until it is unpaused.` });
  }
  const logicalDate = logicalDateOf(dag, date, Date.now());
  const { run, rerun } = await start(airflow, { dag: dag.dag_id, logicalDate, conf });
  if (request.wait) return { ...(await followRun(airflow, run, context)), rerun };
  const { dag_id, dag_run_id, state } = run;
  return { dag: dag_id, run: dag_run_id, state, durationMs: null, rerun, tasks: null, failure: null };
}

/** Airflow allows one run a logical date: the one that is there is cleared, which runs all of its tasks again. */
async function start(airflow: AirflowClient, wanted: Parameters<AirflowClient['trigger']>[0]) {
  const { dag, logicalDate } = wanted;
  const created = await airflow.trigger(wanted);
  if (created !== null) return { run: created, rerun: false };
  const present = await airflow.runAt(dag, logicalDate);
  if (present === null) throw new Error(`Airflow has a run of ${dag} at ${logicalDate} and does not show it`);
  // One that still runs is joined: clearing it would kill its task.
  if (present.state === 'queued' || present.state === 'running') return { run: present, rerun: false };
  await airflow.clear(dag, present.dag_run_id);
  const cleared: DagRun = { ...present, state: 'queued' };
  return { run: cleared, rerun: true };
}

/**
 * The tick at which the scheduler itself would run this day: so that a day has one run, however it was started. A day whose
 * tick is still to come must not take it away from the scheduler, and runs at the present moment.
 * @returns ISO 8601
 */
export function logicalDateOf(dag: Pick<Dag, 'timetable_summary'>, date: string | undefined, now: number): string {
  if (date === undefined) return new Date(now).toISOString();
  const tick = tickAfter(date, dag.timetable_summary);
  return Date.parse(tick) > now ? new Date(now).toISOString() : tick;
}

/** When a daily cron schedule next fires after the end of a date; midnight where the schedule is another. */
export function tickAfter(date: string, schedule: string | null): string {
  const [, minute = '0', hour = '0'] = /^(\d{1,2}) (\d{1,2}) \* \* \*$/.exec(schedule ?? '') ?? [];
  return `${nextDate(date)}T${hour.padStart(2, '0')}:${minute.padStart(2, '0')}:00Z`;
}

/** "a=1" → { a: 1 }: a value that is JSON is taken as such, any other as text. @throws LambdaError BAD_CONF */
export function parseConf(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, key, text] = /^([A-Za-z_][\w.-]*)=(.*)$/s.exec(pair) ?? [];
      if (key === undefined || text === undefined) {
        throw usageError(`--conf ${pair}: expected KEY=VALUE.`, {
          code: 'BAD_CONF',
          actions: ['For example --conf threshold=5'],
        });
      }
      return [key, jsonOrText(text)];
    }),
  );
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
