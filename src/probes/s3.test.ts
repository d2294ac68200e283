import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { ensureBucket, readObject, tryObject } from './s3.ts';
import type { Server } from './server.ts';

/** An object store of one bucket, in memory, that tells who asked it for what. */
async function store(bucket: string): Promise<{ server: Server; asked: string[] }> {
  const objects = new Map<string, string>();
  const asked: string[] = [];
  const http = createServer((request, answer) => {
    const [method = '', url = ''] = [request.method, request.url];
    const key = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? 'nobody';
    asked.push(`${key} ${method} ${url.replace(/probe-.*/, 'probe')}`);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const known = objects.get(url);
      const inBucket = url.startsWith(`/${bucket}/`);
      if (method === 'PUT' && inBucket) objects.set(url, Buffer.concat(chunks).toString());
      if (method === 'DELETE') objects.delete(url);
      answer.statusCode = (method === 'PUT' && inBucket) || known !== undefined || url === `/${bucket}` ? 200 : 404;
      answer.end(method === 'GET' ? known : undefined);
    });
  });
  await new Promise<void>((settle) => http.listen(0, '127.0.0.1', settle));
  onTestFinished(() => {
    http.close();
    http.closeAllConnections();
  });
  const { port } = http.address() as AddressInfo; // a TCP server's address
  // With a slash at its end, as some write it.
  return {
    server: { url: `http://127.0.0.1:${port}/`, host: '127.0.0.1', port, user: 'key', password: 'secret' },
    asked,
  };
}

it('writes, reads and deletes under the right address, as the user of the server', async () => {
  const { server, asked } = await store('lake');
  const { signal } = new AbortController();
  expect(await ensureBucket(server, 'lake')).toBe(false);
  expect(await tryObject(server, 'lake', signal)).toMatchObject({ found: true });
  expect(await tryObject(server, 'other', signal)).toMatchObject({ found: false });
  expect(await readObject(server, 'lake/none', signal)).toBeNull();
  expect(asked).toEqual([
    'key HEAD /lake',
    'key PUT /lake/.lambdactl-probe',
    'key GET /lake/.lambdactl-probe',
    'key DELETE /lake/.lambdactl-probe',
    'key PUT /other/.lambdactl-probe',
    'key GET /lake/none',
  ]);
});

it('asks again where the connection was closed, and says so where it stays closed', async () => {
  let closed = 0;
  const hangingUp = async (times: number): Promise<Server> => {
    const http = createServer((request, answer) => {
      if (closed++ < times) request.socket.destroy();
      else answer.end();
    });
    await new Promise<void>((settle) => http.listen(0, '127.0.0.1', settle));
    onTestFinished(() => void http.close());
    const { port } = http.address() as AddressInfo; // a TCP server's address
    return { url: `http://127.0.0.1:${port}`, host: '127.0.0.1', port, user: 'key', password: 'secret' };
  };
  expect(await ensureBucket(await hangingUp(1), 'lake')).toBe(false);
  closed = 0;
  const never = readObject(await hangingUp(9), 'lake/x', new AbortController().signal);
  await expect(never).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE', retryable: true });
});
