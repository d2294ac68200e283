import { LambdaError, usageError } from '../../core/errors.ts';
import { AirflowClient, type Dag } from '../../probes/airflow/client.ts';
import { type DagImportError, readImportErrors } from '../../probes/airflow/import-errors.ts';
import type { OpenStack } from '../stack.ts';

/** Logged in. @throws LambdaError NOT_UP, AIRFLOW_MISSING, SERVICE_UNREACHABLE */
export async function openAirflow(stack: OpenStack): Promise<AirflowClient> {
  await stack.requireUp();
  await requireAirflow(stack);
  return AirflowClient.connect(await stack.runtime.endpoint('airflow', 'rest'));
}

/** @throws LambdaError NOT_UP, AIRFLOW_MISSING when the stack was brought up without it */
export async function requireAirflow(stack: OpenStack): Promise<void> {
  if ((await stack.runtime.endpoints()).some(({ component }) => component === 'airflow')) return;
  throw new LambdaError(`Stack "${stack.name}" has no Airflow.`, {
    code: 'AIRFLOW_MISSING',
    category: 'preflight',
    actions: ['Bring it up as well: lambdactl up'],
  });
}

/**
 * A DAG that can run.
 * @throws LambdaError DAG_BROKEN with its file's import error, UNKNOWN_DAG naming the known ones
 */
export async function requireDag(airflow: AirflowClient, name: string): Promise<Dag> {
  const dag = await airflow.dag(name);
  if (dag !== null && !dag.is_stale && !dag.has_import_errors) return dag;
  const errors = await readImportErrors(airflow);
  // A file that never loaded has no DAGs yet: by custom it has the DAG's name.
  const broken = errors.find(({ file }) => file === (dag?.relative_fileloc ?? `${name}.py`));
  if (broken !== undefined) throw dagBroken(name, broken);
  const known = (await airflow.dags()).map(({ dag_id }) => dag_id);
  const gone = dag === null ? '' : ' any more';
  throw usageError(`There is no DAG "${name}"${gone}.`, {
    code: 'UNKNOWN_DAG',
    details: { known },
    actions: [
      known.length === 0 ? 'No DAG was read yet; try again in a few seconds.' : `DAGs: ${known.join(', ')}.`,
      'A new one arrives with: lambdactl dags sync',
    ],
  });
}

function dagBroken(name: string, { file, line, message, trace }: DagImportError) {
  const place = line === null ? file : `${file}:${line}`;
  return new LambdaError(`DAG "${name}" cannot be loaded: ${place}: ${message}`, {
    code: 'DAG_BROKEN',
    category: 'check',
    details: { file, line, trace },
    actions: [`Mend dags/${place}, then: lambdactl dags sync`],
  });
}
