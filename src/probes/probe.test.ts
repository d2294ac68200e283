import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { signedHeaders } from './aws-signature.ts';
import { brokersIn } from './kafka-brokers.ts';
import { probe } from './probe.ts';

const servers: Server[] = [];
const { signal } = new AbortController();

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  return (server.address() as AddressInfo).port; // a TCP server's address
}
const http = async (listener: RequestListener) => `http://127.0.0.1:${await listening(createHttpServer(listener))}`;

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    if ('closeAllConnections' in server) (server as ReturnType<typeof createHttpServer>).closeAllConnections();
  }
});

describe('probe', () => {
  it('says in plain words that nothing listens, for every kind', async () => {
    const port = await listening(createServer());
    await new Promise((settle) => servers.pop()?.close(settle));
    const url = `http://127.0.0.1:${port}`;
    const login = { user: 'u', password: 'p' };
    const results = await Promise.all([
      probe({ kind: 'postgres', host: '127.0.0.1', port, database: 'd', ...login }, signal),
      probe({ kind: 'kafka', bootstrap: `127.0.0.1:${port}` }, signal),
      probe({ kind: 'clickhouse', url, ...login }, signal),
      probe({ kind: 's3', endpoint: url, accessKey: 'a', secretKey: 's' }, signal),
      probe({ kind: 'http', url, expectStatus: 200 }, signal),
      probe({ kind: 'spark', url, queries: ['speed'] }, signal),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({ healthy: false, detail: `nothing listens on 127.0.0.1:${port}` });
    }
  });

  it('gives up on a server that never answers, and on the signal', async () => {
    const open: Socket[] = [];
    const port = await listening(createServer((socket) => open.push(socket)));
    const spec = { kind: 'kafka', bootstrap: `127.0.0.1:${port}` } as const;
    expect(await probe(spec, signal)).toMatchObject({ healthy: false, detail: 'no answer within 2 s' });
    const login = { user: 'u', password: 'p', database: 'd' };
    const postgres = { kind: 'postgres', host: '127.0.0.1', port, ...login } as const;
    expect(await probe(postgres, signal)).toMatchObject({ healthy: false, detail: 'no answer within 2 s' });
    expect(await probe(spec, AbortSignal.abort(new Error('stopping')))).toMatchObject({ detail: 'stopping' });
    for (const socket of open) socket.destroy();
  });

  it('wants of an HTTP service status and text', async () => {
    const url = await http((request, answer) => {
      answer.statusCode = request.url === '/ready' ? 200 : 503;
      answer.end('all good');
    });
    const ask = (path: string, expectBody?: string) =>
      probe(
        { kind: 'http', url: url + path, expectStatus: 200, ...(expectBody === undefined ? {} : { expectBody }) },
        signal,
      );
    expect(await ask('/ready', 'good')).toMatchObject({ healthy: true, detail: '/ready answers 200' });
    expect(await ask('/ready', 'bad')).toMatchObject({ healthy: false });
    expect(await ask('/other')).toMatchObject({ healthy: false, detail: '/other answers 503: all good' });
  });

  it('wants of Spark that every query is active', async () => {
    const url = await http((_, answer) =>
      answer.end('{"queries":[{"name":"a","active":true},{"name":"b","active":false}]}'),
    );
    expect(await probe({ kind: 'spark', url, queries: ['a'] }, signal)).toMatchObject({ healthy: true });
    expect(await probe({ kind: 'spark', url, queries: ['a', 'b'] }, signal)).toMatchObject({ detail: 'not active: b' });
  });

  it('says of Spark which further query rests, and why', async () => {
    const archive = '{"name":"archive","active":false,"state":"waiting","lastError":"the store is away"}';
    const url = await http((_, answer) => answer.end(`{"queries":[{"name":"a","active":true},${archive}]}`));
    expect(await probe({ kind: 'spark', url, queries: ['a'] }, signal)).toMatchObject({
      healthy: true,
      detail: 'active: a; archive waiting: the store is away',
    });
  });

  it('wants of a broker that it is part of its cluster', async () => {
    const answerOf = (port: number) => {
      const text = (value: string) => Buffer.concat([int(value.length, 2), Buffer.from(value)]);
      const broker = [int(1, 4), text('127.0.0.1'), int(port, 4), int(-1, 2)];
      const body = Buffer.concat([int(1, 4), int(1, 4), ...broker, int(1, 4), int(0, 4)]);
      return Buffer.concat([int(body.length, 4), body]);
    };
    let shown = 0;
    const port = await listening(
      createServer((socket) => {
        // In two pieces: an answer need not arrive at once.
        const whole = answerOf(shown);
        socket.write(whole.subarray(0, 7));
        setTimeout(() => socket.end(whole.subarray(7)), 20);
      }),
    );
    const spec = { kind: 'kafka', bootstrap: `127.0.0.1:${port}` } as const;
    expect(await probe(spec, signal)).toMatchObject({
      healthy: false,
      detail: expect.stringContaining('not yet part'),
    });
    shown = port;
    expect(await probe(spec, signal)).toMatchObject({ healthy: true, detail: 'broker 1 of 1, controller 1' });
  });
});

function int(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
}

it.each(['kafka://a:1,b:2', 'a:1,b:2'])('finds the brokers in %s', (url) => {
  expect(brokersIn({ url })).toEqual(['a:1', 'b:2']);
});

describe('signedHeaders', () => {
  // Examples of Amazon's documentation of Signature Version 4 for S3.
  it.each([
    ['?lifecycle', 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    ['?max-keys=2&prefix=J', '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
  ])('signs GET /%s', (query, signature) => {
    const headers = signedHeaders({
      url: `http://examplebucket.s3.amazonaws.com/${query}`,
      accessKey: 'AKIAIOSFODNN7EXAMPLE',
      secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      region: 'us-east-1',
      now: new Date('2013-05-24T00:00:00Z'),
    });
    expect(headers.authorization).toContain(`Signature=${signature}`);
  });
});
