import type { OperationContext } from '../../core/events.ts';
import { type DagImportError, importErrorLine, readImportErrors } from '../../probes/airflow/import-errors.ts';
import { openStack, type StackRef } from '../stack.ts';
import { openAirflow } from './airflow.ts';

export interface DagSummary {
  dag: string;
  paused: boolean;
  /** Cron expression, null when it runs on request only. */
  schedule: string | null;
  lastRun: { run: string; state: string; startedAt: string | null } | null;
  /** ISO 8601. */
  nextRun: string | null;
  /** File in the repository. */
  file: string;
  /** Commit of the repository that it was read from. */
  commit: string | null;
}

export interface DagList {
  stack: string;
  dags: readonly DagSummary[];
  importErrors: readonly DagImportError[];
}

/** Every DAG and what could not be loaded, which is warned of as well. @throws LambdaError NOT_UP, AIRFLOW_MISSING, SERVICE_UNREACHABLE */
export async function listDags(ref: StackRef, { emit }: OperationContext): Promise<DagList> {
  const stack = await openStack(ref);
  const airflow = await openAirflow(stack);
  const [dags, importErrors] = await Promise.all([airflow.dags(), readImportErrors(airflow)]);
  for (const error of importErrors) {
    emit({ type: 'warning', message: `A DAG file cannot be loaded: ${importErrorLine(error)}` });
  }
  const summaries = dags.map(async (dag): Promise<DagSummary> => {
    const [last] = await airflow.runs(dag.dag_id, 1);
    return {
      dag: dag.dag_id,
      paused: dag.is_paused,
      schedule: dag.timetable_summary,
      lastRun:
        last === undefined ? null : { run: last.dag_run_id, state: last.state, startedAt: last.start_date ?? null },
      nextRun: dag.next_dagrun_run_after ?? null,
      file: `dags/${dag.relative_fileloc ?? ''}`,
      commit: dag.bundle_version,
    };
  });
  return { stack: stack.name, dags: await Promise.all(summaries), importErrors };
}
