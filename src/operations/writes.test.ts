import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { connectWrites, writesOf } from './writes.ts';

/** A server that answers paths with JSON, and others never. */
async function serving(answers: Record<string, unknown>): Promise<string> {
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    if (answer !== undefined) response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port
}

const open = {
  circuit: 'open',
  openSince: '2026-01-01T00:00:00Z',
  failures: 4,
  lastError: 'insert: Connection refused',
};

it('tells the circuits of the speed job', async () => {
  const url = await serving({
    '/status': {
      clickhouse: open,
      produced: { circuit: 'closed', retries: 2, failures: 0, lastError: null },
      queries: [
        { name: 'speed', active: true },
        { name: 'archive', state: 'waiting', restarts: 3, lastError: 'no bucket' },
      ],
    },
  });
  const writes = await writesOf([{ component: 'spark', protocol: 'http', url }]);
  expect(writes).toMatchObject([
    { from: 'spark', to: 'clickhouse', state: 'open', failures: 4, since: '2026-01-01T00:00:00Z' },
    { from: 'spark', to: 'kafka', state: 'closed', failures: 2 },
    { from: 'spark', to: 'lake', state: 'open', failures: 3, lastError: 'no bucket' },
  ]);
});

it('does not wait for a writer that does not answer', async () => {
  const url = await serving({});
  const writes = await writesOf([
    { component: 'spark', protocol: 'http', url },
    { component: 'connect', protocol: 'rest', url },
  ]);
  expect(writes.map(({ from, to, state }) => `${from} ${to} ${state}`)).toEqual([
    'spark clickhouse unknown',
    'spark kafka unknown',
    'connect lake unknown',
  ]);
});

it('counts the restarts of a connector and of its tasks, not of one whose name begins alike', () => {
  const running = { state: 'RUNNING' };
  const states = {
    'lake-sink': {
      status: { type: 'sink', connector: running, tasks: [running, { state: 'FAILED', trace: 'no bucket' }] },
    },
    'lake-sink-files': { status: { type: 'sink', connector: running, tasks: [running] } },
    'postgres-cdc': { status: { type: 'source', connector: running, tasks: [{ state: 'RESTARTING' }] } },
  };
  const healed = {
    'lake-sink': { restarts: 1, lastAt: '2026-01-01T00:00:00Z', lastError: 'old' },
    'lake-sink-1': { restarts: 4, lastAt: '2026-01-01T00:01:00Z', lastError: 'no bucket' },
  };
  expect(connectWrites(states, healed)).toMatchObject([
    {
      from: 'lake-sink',
      to: 'lake',
      state: 'open',
      failures: 5,
      lastFailureAt: '2026-01-01T00:01:00Z',
      lastError: 'no bucket',
    },
    { from: 'lake-sink-files', state: 'closed', failures: 0, lastError: null },
    { from: 'postgres-cdc', to: 'kafka', state: 'retrying' },
  ]);
});
