import { messageOf } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { AirflowClient, type Dag } from '../probes/airflow/client.ts';
import { importErrorLine, readImportErrors } from '../probes/airflow/import-errors.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { mendedBy, outcome, plural, some } from './support.ts';

/** A run that is due and was not begun after this long: the scheduler is behind. */
const lateMs = 120_000;

export const airflowDags: Check = {
  name: 'airflow-dags',
  area: 'data',
  title: 'DAGs load, are not paused, and their last runs succeeded',
  needs: ['airflow'],
  async run(context) {
    const airflow = await AirflowClient.connect(await context.endpoint('airflow', 'rest'));
    const [dags, errors] = await Promise.all([airflow.dags(), readImportErrors(airflow)]);
    const scheduled = dags.filter(({ timetable_summary }) => timetable_summary !== null);
    const paused = dags.filter(({ is_paused }) => is_paused);
    const failed = await Promise.all(scheduled.map((dag) => lastRunFindings(context, airflow, dag)));
    return outcome(`${plural(dags.length, 'DAG')} load, none is paused`, [
      ...errors.map((error) => ({
        severity: 'error' as const,
        what: `A DAG file cannot be loaded: ${importErrorLine(error)}`,
        why: 'Its DAG does not run until the file is mended.',
        fix: { command: commandFor(context, 'dags sync'), safe: false },
      })),
      pausedFinding(context, airflow, paused),
      ...failed.flat(),
      ...scheduled.flatMap((dag) => lateFindings(context, dag)),
    ]);
  },
};

function pausedFinding(context: CheckContext, airflow: AirflowClient, paused: readonly Dag[]): Finding | null {
  if (paused.length === 0) return null;
  const names = paused.map(({ dag_id }) => dag_id);
  return {
    severity: 'warning',
    what: `${plural(names.length, 'DAG')} paused: ${some(names)}`,
    why: 'They do not run by their schedule: no nightly batch, no maintenance of the lake, no watch over dead letters.',
    fix: mendedBy(context, 'airflow-dags'),
    mend: async () => {
      for (const name of names) await airflow.setPaused(name, false);
      return `${names.join(', ')} resumed`;
    },
  };
}

async function lastRunFindings(context: CheckContext, airflow: AirflowClient, { dag_id }: Dag): Promise<Finding[]> {
  const [last] = await airflow.runs(dag_id, 1).catch((error: unknown) => {
    throw new Error(`runs of ${dag_id}: ${messageOf(error)}`);
  });
  if (last?.state !== 'failed') return [];
  const day = (last.logical_date ?? last.run_after).slice(0, 10);
  return [
    {
      severity: 'error',
      what: `The last run of ${dag_id} failed (${last.dag_run_id})`,
      why: dag_id === 'daily_batch' ? `The warehouse has no complete ${day}.` : 'What it does was not done.',
      fix: { command: commandFor(context, `dags logs ${dag_id}`), safe: false },
    },
  ];
}

function lateFindings(context: CheckContext, { dag_id, is_paused, next_dagrun_run_after: due }: Dag): Finding[] {
  if (is_paused || due === null || due === undefined) return [];
  const late = context.now - Date.parse(due);
  if (late < lateMs) return [];
  return [
    {
      severity: 'warning',
      what: `The run of ${dag_id} that was due at ${due} was not begun ${formatDuration(late)} later`,
      why: 'The scheduler does not keep up or does not run.',
      fix: { command: commandFor(context, 'restart airflow'), safe: true },
    },
  ];
}
