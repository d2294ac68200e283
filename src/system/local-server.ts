import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface LocalServer {
  /** Ends connections as well. */
  close(): void;
}

/**
 * Listens for TCP connections without keeping the process alive.
 * @throws Error with code EADDRINUSE when somebody else has the port
 */
export function listenLocal(host: string, port: number, onConnection: (socket: Duplex) => void): Promise<LocalServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // An error is always followed by close.
    socket.on('error', () => {});
    onConnection(socket);
  });
  return new Promise((settle, fail) => {
    server.once('error', fail);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', fail);
      server.on('error', () => {});
      server.unref();
      settle({
        close: () => {
          server.close();
          for (const socket of sockets) socket.destroy();
        },
      });
    });
  });
}
