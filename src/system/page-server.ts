import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PageServer {
  url: string;
  close(): Promise<void>;
}

/**
 * Serves one HTML page on loopback, whatever path is asked for.
 * @param port 0 takes a free one
 * @throws Error with errno code when it cannot listen
 */
export async function servePage(html: string, port: number): Promise<PageServer> {
  const body = Buffer.from(html);
  const server = createServer((request, response) => {
    const known = request.method === 'GET' || request.method === 'HEAD';
    response.writeHead(known ? 200 : 405, {
      'content-type': 'text/html; charset=utf-8',
      'content-length': known ? body.length : 0,
      'cache-control': 'no-store',
    });
    response.end(known && request.method === 'GET' ? body : undefined);
  });
  await new Promise<void>((settle, fail) => {
    server.once('error', fail);
    server.listen(port, '127.0.0.1', settle);
  });
  const { port: taken } = server.address() as AddressInfo; // a TCP server that listens has one
  return {
    url: `http://127.0.0.1:${taken}/`,
    close: () =>
      new Promise((settle) => {
        server.close(() => settle());
        // A browser keeps its connection open; the page has been read.
        server.closeAllConnections();
      }),
  };
}
