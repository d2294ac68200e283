import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { untilOutsideAnswers } from './outside-ready.ts';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

const listening = (server: Server, port = 0) =>
  new Promise<number>((resolve) => {
    open.push(server);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });

it('waits while connections are accepted and hung up, until one is kept', async () => {
  let within = false;
  let hungUp = 0;
  const port = await listening(
    createServer((socket) => {
      socket.on('error', () => {});
      if (within) return;
      hungUp += 1;
      socket.destroy();
    }),
  );
  let done = false;
  const waiting = untilOutsideAnswers([port], AbortSignal.timeout(20_000)).then(() => {
    done = true;
  });
  while (hungUp < 2) await delay(20);
  expect(done).toBe(false);
  within = true;
  await waiting;
});

it('ends when it is told to', async () => {
  const stop = new AbortController();
  const port = await listening(createServer((socket) => socket.destroy()));
  const waiting = untilOutsideAnswers([port], stop.signal);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow();
});
