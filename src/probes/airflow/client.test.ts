import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { AirflowClient } from './client.ts';

type Answer = readonly [status: number, body: unknown];

/** An HTTP server that answers as Airflow was seen to, and remembers what it was asked. */
async function airflow(answers: Readonly<Record<string, Answer>>) {
  const asked: { line: string; token: string | undefined; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const line = `${request.method} ${request.url?.split('?')[0]}`;
      asked.push({ line: `${request.method} ${request.url}`, token: request.headers.authorization, body });
      const [status, content] = answers[line] ?? [404, { detail: 'Not Found' }];
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    });
  });
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  onTestFinished(() => new Promise<void>((settle) => server.close(() => settle())));
  // A TCP server's address is always of this type.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/api/v2`, asked };
}

const login: Record<string, Answer> = { 'POST /auth/token': [201, { access_token: 'T' }] };
const connect = (url: string) => AirflowClient.connect({ url, user: 'admin', password: 'secret' });

it('logs in once and encodes run ids', async () => {
  const run = { dag_run_id: 'manual__2026-11-21T02:00:00+00:00', state: 'success' };
  const path = '/api/v2/dags/a/dagRuns/manual__2026-11-21T02%3A00%3A00%2B00%3A00';
  const { url, asked } = await airflow({ ...login, [`GET ${path}`]: [200, run] });
  const client = await connect(url);
  expect(await client.run('a', run.dag_run_id)).toEqual(run);
  expect(await client.run('a', 'other')).toBeNull();
  expect(asked.map(({ token }) => token)).toEqual([undefined, 'Bearer T', 'Bearer T']);
});

it('tells a run that is there already from a refusal', async () => {
  const detail = [{ loc: ['body', 'conf'], msg: "'x' is not of type 'integer'" }];
  const { url } = await airflow({
    ...login,
    'POST /api/v2/dags/there/dagRuns': [409, { detail: 'exists' }],
    'POST /api/v2/dags/bad/dagRuns': [422, { detail }],
  });
  const client = await connect(url);
  const request = { logicalDate: '2026-11-21T02:00:00Z', conf: {} };
  expect(await client.trigger({ dag: 'there', ...request })).toBeNull();
  await expect(client.trigger({ dag: 'bad', ...request })).rejects.toMatchObject({
    code: 'AIRFLOW_REFUSED',
    message: "Airflow did not trigger bad: 422 'x' is not of type 'integer'",
  });
});

it('reads a log as lines: exceptions in full, folding marks and the missing log server left out', async () => {
  const content = [
    { event: '::group::Log message source details' },
    { event: 'Could not read served logs: refused' },
    { timestamp: '2026-11-21T15:41:06.123Z', event: 'first\nsecond' },
    { event: 'Task failed', error_detail: [{ exc_type: 'ValueError', exc_value: 'no' }] },
  ];
  const { url, asked } = await airflow({
    ...login,
    'GET /api/v2/dags/a/dagRuns/r/taskInstances/t/logs/2': [200, { content, continuation_token: null }],
  });
  const client = await connect(url);
  // Only these fields are used.
  const instance = { dag_id: 'a', dag_run_id: 'r', task_id: 't', map_index: -1 } as Parameters<typeof client.log>[0];
  expect(await client.log(instance, 2)).toEqual([
    '2026-11-21T15:41:06Z first',
    'second',
    'Task failed',
    'ValueError: no',
  ]);
  expect(asked.at(-1)?.line).toContain('full_content=true&map_index=-1');
});

it('says what does not answer, and why a login failed', async () => {
  const { url } = await airflow({ 'POST /auth/token': [401, { detail: 'Invalid credentials' }] });
  await expect(connect(url)).rejects.toMatchObject({ code: 'AIRFLOW_REFUSED' });
  await expect(connect('http://127.0.0.1:1/api/v2')).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE' });
});
