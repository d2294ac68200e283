import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface TcpExchange {
  host: string;
  port: number;
  /** Speaks TLS to a server that has a certificate of this authority, as PEM, for this host. */
  authority?: string;
  request: Uint8Array;
  /** Whether the bytes received so far are the whole answer. */
  isComplete(answer: Buffer): boolean;
  signal: AbortSignal;
}

/** Connects, sends, and returns the answer. @throws Error with errno code, or the signal's reason */
export function exchangeTcp({ host, port, authority, request, isComplete, signal }: TcpExchange): Promise<Buffer> {
  return new Promise((settle, fail) => {
    const socket = authority === undefined ? connect({ host, port }) : connectTls({ host, port, ca: authority });
    let answer: Buffer = Buffer.alloc(0);
    const abort = () => socket.destroy(new Error(String(signal.reason)));
    signal.addEventListener('abort', abort, { once: true });
    socket.on(authority === undefined ? 'connect' : 'secureConnect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      answer = answer.length === 0 ? chunk : Buffer.concat([answer, chunk]);
      if (!isComplete(answer)) return;
      settle(answer);
      socket.destroy();
    });
    socket.on('error', fail);
    socket.on('close', () => {
      signal.removeEventListener('abort', abort);
      // Without effect when it was settled before.
      fail(new Error('the connection was closed before the answer was whole'));
    });
    if (signal.aborted) abort();
  });
}
