import { LambdaError } from '../../core/errors.ts';
import { AirflowClient, type ImportError } from '../../probes/airflow/client.ts';
import type { OpenStack } from '../stack.ts';

export interface DagImportError {
  /** Relative to dags/ of the repository. */
  file: string;
  /** Of that file, null where the error has none. */
  line: number | null;
  /** Last line of the trace, e.g. "ModuleNotFoundError: No module named 'pandsa'". */
  message: string;
  trace: string;
  /** When Airflow met it, ISO 8601. */
  time: string;
}

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

export async function readImportErrors(airflow: AirflowClient): Promise<DagImportError[]> {
  return (await airflow.importErrors()).map(located);
}

/** Takes file and line out of a Python trace: the innermost frame of the DAG's own file, else a syntax error's. */
export function located({ filename, stack_trace: trace, timestamp }: ImportError): DagImportError {
  const lines = [...trace.matchAll(/File "([^"]+)", line (\d+)/g)].filter(([, path = '']) =>
    path.endsWith(`/${filename}`),
  );
  const line = lines.at(-1)?.[2];
  const message = trace.trimEnd().split('\n').at(-1) ?? '';
  return { file: filename, line: line === undefined ? null : Number(line), message, trace, time: timestamp };
}

/** "dags/x.py:3: NameError: …" */
export const importErrorLine = ({ file, line, message }: DagImportError): string =>
  `dags/${file}${line === null ? '' : `:${line}`}: ${message}`;
