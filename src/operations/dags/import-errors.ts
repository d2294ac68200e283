import { LambdaError } from '../../core/errors.ts';
import { AirflowClient } from '../../probes/airflow/client.ts';
import { type DagImportError, readImportErrors } from '../../probes/airflow/import-errors.ts';
import type { OpenStack } from '../stack.ts';

// For commands, which look into no product themselves.
export { importErrorLine } from '../../probes/airflow/import-errors.ts';

/**
 * Files of the DAG repository that Airflow could not load; empty when the stack has no Airflow or it does not answer, which
 * is for its own health check to say.
 */
export async function dagImportErrors(stack: OpenStack): Promise<DagImportError[]> {
  const endpoints = await stack.runtime.endpoints();
  if (!endpoints.some(({ component }) => component === 'airflow')) return [];
  try {
    return await readImportErrors(await AirflowClient.connect(await stack.runtime.endpoint('airflow', 'rest')));
  } catch (error) {
    if (error instanceof LambdaError) return [];
    throw error;
  }
}
