import { usageError } from '../../core/errors.ts';
import type { AirflowClient, DagRun, TaskInstance } from '../../probes/airflow/client.ts';
import { openStack, type StackRef } from '../stack.ts';
import { openAirflow, requireDag } from './airflow.ts';

export interface DagLogsRequest extends StackRef {
  dag: string;
  /** Run id; the latest when absent. */
  run: string | undefined;
  /** Task id; all that have run when absent. */
  task: string | undefined;
  /** Number of the try, from 1; the last when absent. */
  attempt: number | undefined;
}

export interface DagLogs {
  dag: string;
  run: string;
  state: string;
  tasks: readonly { task: string; state: string; try: number; lines: readonly string[] }[];
}

/** Logs of a run's tasks, in the order in which they ran. @throws LambdaError UNKNOWN_DAG, UNKNOWN_RUN, UNKNOWN_TASK, AIRFLOW_REFUSED */
export async function dagLogs(request: DagLogsRequest): Promise<DagLogs> {
  const airflow = await openAirflow(await openStack(request));
  // A DAG that broke or was deleted keeps its runs.
  if ((await airflow.dag(request.dag)) === null) await requireDag(airflow, request.dag);
  const run = await findRun(airflow, request);
  const instances = await airflow.taskInstances(run.dag_id, run.dag_run_id);
  const begun = instances
    .filter(({ start_date }) => start_date !== null)
    .sort((a, b) => Date.parse(a.start_date ?? '') - Date.parse(b.start_date ?? ''));
  const chosen = request.task === undefined ? begun : instances.filter(({ task_id }) => task_id === request.task);
  if (request.task !== undefined && chosen.length === 0) throw unknownTask(request.task, instances);
  const tasks = await Promise.all(
    chosen.map(async (instance) => {
      const attempt = request.attempt ?? instance.try_number;
      const lines = attempt < 1 ? [] : await airflow.log(instance, attempt);
      return { task: instance.task_id, state: instance.state ?? 'none', try: attempt, lines };
    }),
  );
  return { dag: run.dag_id, run: run.dag_run_id, state: run.state, tasks };
}

async function findRun(airflow: AirflowClient, { dag, run }: DagLogsRequest): Promise<DagRun> {
  const found = run === undefined ? (await airflow.runs(dag, 1))[0] : await airflow.run(dag, run);
  if (found !== undefined && found !== null) return found;
  const runs = (await airflow.runs(dag, 10)).map(({ dag_run_id }) => dag_run_id);
  throw usageError(run === undefined ? `${dag} has not run yet.` : `${dag} has no run "${run}".`, {
    code: 'UNKNOWN_RUN',
    details: { runs },
    actions: runs.length === 0 ? [`lambdactl dags trigger ${dag}`] : [`Latest runs: ${runs.join(', ')}.`],
  });
}

function unknownTask(task: string, instances: readonly TaskInstance[]) {
  const known = [...new Set(instances.map(({ task_id }) => task_id))];
  return usageError(`This run has no task "${task}".`, {
    code: 'UNKNOWN_TASK',
    details: { known },
    actions: [`Tasks: ${known.join(', ')}.`],
  });
}
