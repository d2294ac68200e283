import createClient, { type Client } from 'openapi-fetch';
import { externalError, messageOf } from '../../core/errors.ts';
import { requestJson } from '../http.ts';
import type { components, paths } from './openapi.ts';

type Schemas = components['schemas'];
export type Dag = Schemas['DAGResponse'];
export type DagRun = Schemas['DAGRunResponse'];
export type Task = Schemas['TaskResponse'];
export type TaskInstance = Schemas['TaskInstanceResponse'];
export type ImportError = Schemas['ImportErrorResponse'];
export type Backfill = Schemas['BackfillResponse'];

export interface AirflowServer {
  /** With or without /api/v2. */
  url: string;
  user: string | null;
  password: string | null;
}

export interface RunRequest {
  dag: string;
  /** ISO 8601. */
  logicalDate: string;
  conf: Record<string, unknown>;
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Airflow's REST API; types come from its own description (scripts/generate-airflow-client.ts). */
export class AirflowClient {
  private readonly api: Client<paths>;

  private constructor(base: string, token: string) {
    this.api = createClient<paths>({ baseUrl: base, headers: { authorization: `Bearer ${token}` } });
    this.api.use({ onError: ({ error }) => unreachable(base, error) });
  }

  /** Logs in; the token lasts longer than any command. @throws LambdaError SERVICE_UNREACHABLE, AIRFLOW_REFUSED */
  static async connect({ url, user, password }: AirflowServer): Promise<AirflowClient> {
    const base = url.replace(/\/$/, '').replace(/\/api\/v2$/, '');
    const { status, body } = await requestJson('Airflow', 'POST', `${base}/auth/token`, { username: user, password });
    const token = typeof body === 'object' && body !== null && 'access_token' in body ? body.access_token : null;
    if (typeof token !== 'string') throw refused('log in', status, body);
    return new AirflowClient(base, token);
  }

  /** All that are not stale; a DAG whose file was deleted or broke is stale. */
  async dags(): Promise<Dag[]> {
    const query = { limit: 500, order_by: ['dag_id'] };
    return answered('list the DAGs', await this.api.GET('/api/v2/dags', { params: { query } })).dags;
  }

  /** null when there is none of that name. */
  async dag(dag_id: string): Promise<Dag | null> {
    const answer = await this.api.GET('/api/v2/dags/{dag_id}', { params: { path: { dag_id } } });
    return answer.response.status === 404 ? null : answered(`show ${dag_id}`, answer);
  }

  async setPaused(dag_id: string, is_paused: boolean): Promise<void> {
    const params = { path: { dag_id } };
    answered(
      `${is_paused ? 'pause' : 'resume'} ${dag_id}`,
      await this.api.PATCH('/api/v2/dags/{dag_id}', { params, body: { is_paused } }),
    );
  }

  async importErrors(): Promise<ImportError[]> {
    const query = { limit: 100 };
    return answered('list import errors', await this.api.GET('/api/v2/importErrors', { params: { query } }))
      .import_errors;
  }

  /** Latest first. */
  async runs(dag_id: string, limit: number): Promise<DagRun[]> {
    const query = { limit, order_by: ['-run_after'] };
    const answer = await this.api.GET('/api/v2/dags/{dag_id}/dagRuns', { params: { path: { dag_id }, query } });
    return answered(`list the runs of ${dag_id}`, answer).dag_runs;
  }

  /** The run of exactly this logical date (ISO 8601), null when there is none. */
  async runAt(dag_id: string, logicalDate: string): Promise<DagRun | null> {
    const query = { logical_date_gte: logicalDate, logical_date_lte: logicalDate };
    const answer = await this.api.GET('/api/v2/dags/{dag_id}/dagRuns', { params: { path: { dag_id }, query } });
    return answered(`list the runs of ${dag_id}`, answer).dag_runs[0] ?? null;
  }

  async run(dag_id: string, dag_run_id: string): Promise<DagRun | null> {
    const params = { path: { dag_id, dag_run_id } };
    const answer = await this.api.GET('/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}', { params });
    return answer.response.status === 404 ? null : answered(`show run ${dag_run_id}`, answer);
  }

  /** Starts a run. @returns null when this logical date has one already */
  async trigger({ dag, logicalDate, conf }: RunRequest): Promise<DagRun | null> {
    const answer = await this.api.POST('/api/v2/dags/{dag_id}/dagRuns', {
      params: { path: { dag_id: dag } },
      body: { logical_date: logicalDate, conf },
    });
    return answer.response.status === 409 ? null : answered(`trigger ${dag}`, answer);
  }

  /** Runs all tasks of a run again, from the DAG as it is now. */
  async clear(dag_id: string, dag_run_id: string): Promise<void> {
    const answer = await this.api.POST('/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear', {
      params: { path: { dag_id, dag_run_id } },
      body: { dry_run: false, only_failed: false, only_new: false, run_on_latest_version: true },
    });
    answered(`clear run ${dag_run_id}`, answer);
  }

  async tasks(dag_id: string): Promise<Task[]> {
    const answer = await this.api.GET('/api/v2/dags/{dag_id}/tasks', { params: { path: { dag_id } } });
    return answered(`list the tasks of ${dag_id}`, answer).tasks;
  }

  async taskInstances(dag_id: string, dag_run_id: string): Promise<TaskInstance[]> {
    const path = '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances';
    const params = { path: { dag_id, dag_run_id }, query: { limit: 1000 } };
    return answered(`list the tasks of run ${dag_run_id}`, await this.api.GET(path, { params })).task_instances;
  }

  /** Lines of one try. */
  async log({ dag_id, dag_run_id, task_id, map_index }: TaskInstance, try_number: number): Promise<string[]> {
    const answer = await this.api.GET(
      '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}',
      {
        params: {
          path: { dag_id, dag_run_id, task_id, try_number },
          query: { full_content: true, map_index },
          header: { accept: 'application/json' },
        },
      },
    );
    const log = answered(`read the log of ${task_id}`, answer);
    // Plain text is what it answers to who accepts nothing else.
    return typeof log === 'string' ? log.split('\n') : log.content.flatMap(logLines);
  }

  async createBackfill(body: Schemas['BackfillPostBody']): Promise<Backfill> {
    return answered(`backfill ${body.dag_id}`, await this.api.POST('/api/v2/backfills', { body }));
  }
}

/** One message as lines of text: time, what was said, and the exception where there is one. */
function logLines(message: string | Schemas['StructuredLogMessage']): string[] {
  // While a task runs Airflow also asks for a log server, which is not started: the file is on this disk.
  const isNoise = (text: string) => text.startsWith('Could not read served logs');
  if (typeof message === 'string') return message.split('\n').filter((line) => !isNoise(line));
  const { timestamp, event } = message;
  // Where the log comes from, and the marks of Airflow's web page for folding.
  if (/^::(end)?group::/.test(event) || isNoise(event)) return [];
  const details: unknown = message.error_detail;
  const text = `${timestamp === undefined || timestamp === null ? '' : `${timestamp.slice(0, 19)}Z `}${event}`;
  return [...text.split('\n'), ...(Array.isArray(details) ? details.map(exceptionLine) : [])];
}

function exceptionLine(detail: unknown): string {
  const { exc_type, exc_value } = { exc_type: '', exc_value: '', ...(typeof detail === 'object' ? detail : {}) };
  return `${exc_type}: ${exc_value}`;
}

function answered<T>(what: string, { data, error, response }: Answer<T>): T {
  if (data === undefined || !response.ok) throw refused(what, response.status, error);
  return data;
}

/** FastAPI says why in `detail`: a text, or a list of {loc, msg}. */
function reason(body: unknown): string {
  const detail: unknown = typeof body === 'object' && body !== null && 'detail' in body ? body.detail : body;
  // After an empty line come the schema and the value, as Python prints them.
  if (typeof detail === 'string') return detail.split('\n\n')[0] ?? '';
  if (Array.isArray(detail)) {
    return detail
      .map((each: unknown) => (typeof each === 'object' && each !== null && 'msg' in each ? String(each.msg) : ''))
      .join('; ');
  }
  return JSON.stringify(detail ?? null);
}

function refused(what: string, status: number, body: unknown) {
  return externalError(`Airflow did not ${what}: ${status} ${reason(body)}`.slice(0, 800), {
    code: 'AIRFLOW_REFUSED',
    details: { status },
    actions: ['lambdactl dags list', 'lambdactl logs airflow'],
  });
}

function unreachable(base: string, error: unknown) {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return externalError(`Airflow at ${base} does not answer: ${messageOf(cause)}`, {
    code: 'SERVICE_UNREACHABLE',
    actions: ['lambdactl health'],
    retryable: true,
    cause: error,
  });
}
