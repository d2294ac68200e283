import { connect } from 'node:net';

export interface TcpExchange {
  host: string;
  port: number;
  request: Uint8Array;
  /** Whether the bytes received so far are the whole answer. */
  isComplete(answer: Buffer): boolean;
  signal: AbortSignal;
}

/** Connects, sends, and returns the answer. @throws Error with errno code, or the signal's reason */
export function exchangeTcp({ host, port, request, isComplete, signal }: TcpExchange): Promise<Buffer> {
  return new Promise((settle, fail) => {
    const socket = connect({ host, port });
    let answer: Buffer = Buffer.alloc(0);
    const abort = () => socket.destroy(new Error(String(signal.reason)));
    signal.addEventListener('abort', abort, { once: true });
    socket.on('connect', () => socket.write(request));
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
