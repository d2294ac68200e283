import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { externalError, usageError } from '../core/errors.ts';
import { requestJson } from './http.ts';
import { isTransient, persistently } from './resilience.ts';

const away = () => externalError('away', { code: 'SERVICE_UNREACHABLE', retryable: true });
const wrong = () => usageError('wrong', { code: 'BAD_SQL' });

/** Work that fails so often with an error and then succeeds. */
function failing(times: number, error: () => Error) {
  const calls = { count: 0 };
  const work = async () => {
    calls.count++;
    if (calls.count <= times) throw error();
    return 'done';
  };
  return { calls, work };
}

it('tries three times more what may succeed', async () => {
  const { calls, work } = failing(3, away);
  await expect(persistently('a', work)).resolves.toBe('done');
  expect(calls.count).toBe(4);
});

it('does not repeat what would fail again', async () => {
  const { calls, work } = failing(9, wrong);
  await expect(persistently('b', work)).rejects.toThrow('wrong');
  expect(calls.count).toBe(1);
});

it('opens the circuit of that target alone, and tells the reason while it is open', async () => {
  const { calls, work } = failing(99, away);
  await expect(persistently('c', work)).rejects.toThrow('away');
  expect(calls.count).toBe(4);
  await expect(persistently('c', work)).rejects.toThrow('away');
  expect(calls.count).toBe(4);
  await expect(persistently('d', async () => 'fine')).resolves.toBe('fine');
});

it('stops between two attempts when it is told to', async () => {
  const stop = new AbortController();
  const { calls, work } = failing(99, away);
  const waiting = persistently('e', work, stop.signal);
  stop.abort(new Error('Ctrl-C'));
  await expect(waiting).rejects.toThrow('Ctrl-C');
  expect(calls.count).toBeLessThanOrEqual(1);
});

it('knows the errors of networks, also inside others', () => {
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  expect(isTransient(refused)).toBe(true);
  expect(isTransient(new TypeError('fetch failed', { cause: refused }))).toBe(true);
  expect(isTransient(new Error('else'))).toBe(false);
});

it('repeats a PUT that found nobody or a busy server, and never a plain POST', async () => {
  const answers = [503, 503, 200, 503];
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.method ?? '');
    response.writeHead(answers.shift() ?? 500).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`; // it listens on a port
  expect((await requestJson('It', 'PUT', url, {})).status).toBe(200);
  expect((await requestJson('It', 'POST', url, {})).status).toBe(503);
  expect(seen).toEqual(['PUT', 'PUT', 'PUT', 'POST']);
});
