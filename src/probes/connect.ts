import { setTimeout as sleep } from 'node:timers/promises';
import { externalError } from '../core/errors.ts';
import { requestJson } from './http.ts';
import type { Server } from './server.ts';

interface TaskStatus {
  id: number;
  state: string;
  trace?: string;
}

export interface ConnectorStatus {
  connector: { state: string; trace?: string };
  tasks: readonly TaskStatus[];
}

export interface ConnectRestarts {
  restarts: number;
  /** ISO time. */
  lastAt: string | null;
  lastError: string | null;
}

/** Kafka Connect's REST API. */
export class ConnectClient {
  private readonly base: string;

  constructor({ url }: Pick<Server, 'url'>) {
    this.base = url.replace(/\/$/, '');
  }

  /** Creates or changes a connector; the same configuration again restarts nothing. @throws LambdaError CONNECTOR_REFUSED */
  async put(name: string, config: Readonly<Record<string, string>>): Promise<'created' | 'changed' | 'unchanged'> {
    const present = await this.ask('GET', `/connectors/${name}/config`);
    if (present.status === 200 && isSameConfig(present.body, { ...config, name })) return 'unchanged';
    // While the worker group rebalances it answers 409: the same request is right a moment later.
    for (let attempt = 0; ; attempt += 1) {
      const { status, body } = await this.ask('PUT', `/connectors/${name}/config`, config);
      if (status === 200 || status === 201) return status === 201 ? 'created' : 'changed';
      if (status !== 409 || attempt >= 40) throw refused(name, status, body);
      await sleep(250);
    }
  }

  /** Nothing happens when there is none. @returns whether there was one @throws LambdaError CONNECTOR_REFUSED */
  async remove(name: string): Promise<boolean> {
    for (let attempt = 0; ; attempt += 1) {
      const { status, body } = await this.ask('DELETE', `/connectors/${name}`);
      if (status === 404 || status === 204) return status === 204;
      if (status !== 409 || attempt >= 40) throw refused(name, status, body);
      await sleep(250);
    }
  }

  /** null when there is no such connector. */
  async status(name: string): Promise<ConnectorStatus | null> {
    const { status, body } = await this.ask('GET', `/connectors/${name}/status`);
    if (status === 404) return null;
    if (status !== 200 || typeof body !== 'object' || body === null) throw refused(name, status, body);
    return body as ConnectorStatus; // the documented shape of this endpoint
  }

  /** How a connector is set; null when there is none. */
  async config(name: string): Promise<Readonly<Record<string, string>> | null> {
    const { status, body } = await this.ask('GET', `/connectors/${name}/config`);
    if (status === 404) return null;
    if (status !== 200 || typeof body !== 'object' || body === null) throw refused(name, status, body);
    return body as Record<string, string>; // the documented shape of this endpoint
  }

  async names(): Promise<string[]> {
    const { status, body } = await this.ask('GET', '/connectors');
    if (status !== 200 || !Array.isArray(body)) throw refused('to list connectors', status, body);
    return body.map(String);
  }

  /** Nothing happens when it runs already. @throws LambdaError CONNECTOR_REFUSED */
  async resume(name: string): Promise<void> {
    const { status, body } = await this.ask('PUT', `/connectors/${name}/resume`);
    if (status !== 202) throw refused(name, status, body);
  }

  /** What the worker itself restarted since it started, by connector or task; empty where it does not restart. */
  async restarts(): Promise<Readonly<Record<string, ConnectRestarts>>> {
    const { status, body } = await this.ask('GET', '/restarts');
    // dags-repo/connect makes the answer; a worker without the sink has no such page.
    return status === 200 && typeof body === 'object' && body !== null ? (body as Record<string, ConnectRestarts>) : {};
  }

  async restartFailed(name: string): Promise<void> {
    await this.ask('POST', `/connectors/${name}/restart?includeTasks=true&onlyFailed=true`);
  }

  /**
   * Until the connector and all its tasks run; failed ones are restarted a few times.
   * @throws LambdaError CONNECTOR_FAILED with the last trace, CONNECTOR_NOT_RUNNING
   */
  async waitUntilRunning(name: string, signal: AbortSignal, timeoutMs = 60_000): Promise<number> {
    const end = Date.now() + timeoutMs;
    for (let restarts = 0; ; ) {
      signal.throwIfAborted();
      const status = await this.status(name);
      const tasks = status?.tasks ?? [];
      if (
        status?.connector.state === 'RUNNING' &&
        tasks.length > 0 &&
        tasks.every(({ state }) => state === 'RUNNING')
      ) {
        return tasks.length;
      }
      const failed = [...tasks, ...(status === null ? [] : [status.connector])].find(({ state }) => state === 'FAILED');
      if (failed !== undefined && restarts++ >= 3) throw connectorFailed(name, failed.trace ?? '');
      if (failed !== undefined) await this.restartFailed(name);
      if (Date.now() > end) {
        throw externalError(`Connector ${name} did not run within ${timeoutMs / 1000} s.`, {
          code: 'CONNECTOR_NOT_RUNNING',
          details: { status },
          actions: ['lambdactl logs connect'],
          retryable: true,
        });
      }
      await sleep(failed === undefined ? 200 : 1000);
    }
  }

  private ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) {
    // Its one POST restarts what failed; once more, there is nothing to restart.
    return requestJson('Kafka Connect', method, `${this.base}${path}`, body, method !== 'GET');
  }
}

function isSameConfig(present: unknown, wanted: Readonly<Record<string, string>>): boolean {
  if (typeof present !== 'object' || present === null) return false;
  const have = Object.entries(present);
  return have.length === Object.keys(wanted).length && have.every(([key, value]) => wanted[key] === value);
}

function connectorFailed(name: string, trace: string) {
  const causes = trace.split('\n').filter((line) => /^(Caused by: )?\S+(Exception|Error)\b/.test(line));
  return externalError(`Connector ${name} failed: ${causes.at(-1) ?? trace.split('\n')[0] ?? 'no trace'}`, {
    code: 'CONNECTOR_FAILED',
    details: { trace: trace.slice(0, 4000) },
    actions: ['lambdactl logs connect'],
  });
}

function refused(name: string, status: number, body: unknown) {
  return externalError(`Kafka Connect refused ${name}: ${status} ${JSON.stringify(body).slice(0, 600)}`, {
    code: 'CONNECTOR_REFUSED',
    details: { status },
    actions: ['lambdactl logs connect'],
  });
}
