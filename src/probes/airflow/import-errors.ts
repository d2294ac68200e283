import type { AirflowClient, ImportError } from './client.ts';

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

/** @throws LambdaError SERVICE_UNREACHABLE, AIRFLOW_REFUSED */
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
