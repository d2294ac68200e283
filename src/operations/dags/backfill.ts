import { usageError } from '../../core/errors.ts';
import { datesBetween, nextDate, parseDate } from '../batch/date.ts';
import { openStack, type StackRef } from '../stack.ts';
import { openAirflow, requireDag } from './airflow.ts';
import { tickAfter } from './trigger.ts';

export interface BackfillRequest extends StackRef {
  dag: string;
  /** First and last day (UTC), YYYY-MM-DD. */
  from: string;
  to: string;
}

export interface BackfillReport {
  dag: string;
  backfill: number;
  dates: readonly string[];
}

/**
 * Runs a scheduled DAG for every day of a range, one at a time, oldest first; a day that was run before runs again.
 * @throws LambdaError BAD_DATE, UNKNOWN_DAG, DAG_BROKEN, DAG_NOT_DAILY, AIRFLOW_REFUSED
 */
export async function backfillDag(request: BackfillRequest): Promise<BackfillReport> {
  const [from, to] = [parseDate(request.from), parseDate(request.to)];
  const dates = datesBetween(from, to);
  const airflow = await openAirflow(await openStack(request));
  const dag = await requireDag(airflow, request.dag);
  if (!/^\d{1,2} \d{1,2} \* \* \*$/.test(dag.timetable_summary ?? '')) {
    throw usageError(`${dag.dag_id} does not run once a day (schedule: ${dag.timetable_summary ?? 'none'}).`, {
      code: 'DAG_NOT_DAILY',
      actions: [`Run it by hand: lambdactl dags trigger ${dag.dag_id}`],
    });
  }
  const last = tickAfter(to, dag.timetable_summary);
  if (Date.parse(last) > Date.now()) {
    throw usageError(`${to} has not had its run yet: that comes at ${last}.`, {
      code: 'BAD_DATE',
      actions: [`lambdactl dags trigger ${dag.dag_id} --date ${to}`],
    });
  }
  const { id } = await airflow.createBackfill({
    dag_id: dag.dag_id,
    from_date: `${nextDate(from)}T00:00:00Z`,
    to_date: last,
    run_backwards: false,
    dag_run_conf: {},
    // Also what succeeded: asked for is that these days are made anew.
    reprocess_behavior: 'completed',
    max_active_runs: 1,
    run_on_latest_version: true,
  });
  return { dag: dag.dag_id, backfill: id, dates };
}
