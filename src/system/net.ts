import { execFileSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { commandOf } from './process.ts';

/** Socket paths are limited to 107 bytes on Linux and 103 on macOS. */
export const maxSocketPath = 103;

/** Longest message taken from a peer, bytes; a longer one ends the connection. */
const maxMessage = 8 * 1024 * 1024;

/** JSON values over a stream socket, one a line. */
export interface JsonConnection {
  send(message: unknown): void;
  close(): void;
  /** Each value received; ends when the peer is gone, throws nothing. */
  readonly messages: AsyncIterable<unknown>;
  /** Aborted when the connection is gone. */
  readonly closed: AbortSignal;
}

export interface JsonServer {
  close(): void;
}

/**
 * Listens on a unix socket that only this user can open. A file left by a dead listener is replaced: the caller must know
 * that no living one uses it.
 */
export function listenUnix(path: string, onConnection: (connection: JsonConnection) => void): Promise<JsonServer> {
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    onConnection(overSocket(socket));
  });
  return new Promise((settle, fail) => {
    server.once('error', fail);
    // The mode must be right from the first moment: bind() takes it from the umask.
    const before = process.umask(0o177);
    server.listen(path, () => {
      server.off('error', fail);
      server.on('error', () => {});
      settle({
        close: () => {
          server.close();
          for (const socket of sockets) socket.end(() => socket.destroySoon());
        },
      });
    });
    process.umask(before);
  });
}

/** @throws Error with errno code when nobody listens */
export function connectUnix(path: string): Promise<JsonConnection> {
  return new Promise((settle, fail) => {
    const socket = connect(path);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      settle(overSocket(socket));
    });
  });
}

function overSocket(socket: Socket): JsonConnection {
  const gone = new AbortController();
  socket.setEncoding('utf8');
  // An error is always followed by close, which is what counts.
  socket.on('error', () => {});
  socket.once('close', () => gone.abort());
  return {
    closed: gone.signal,
    close: () => socket.end(() => socket.destroySoon()),
    send: (message) => {
      if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
      // A reader that stopped reading must not fill our memory.
      if (socket.writableLength > maxMessage) socket.destroy();
    },
    messages: messagesOf(socket),
  };
}

async function* messagesOf(socket: Socket): AsyncGenerator<unknown, void, void> {
  let pending = '';
  try {
    for await (const chunk of socket) {
      pending += String(chunk);
      for (let end = pending.indexOf('\n'); end !== -1; end = pending.indexOf('\n')) {
        const line = pending.slice(0, end);
        pending = pending.slice(end + 1);
        if (line !== '') yield parse(line);
      }
      if (pending.length > maxMessage) return;
    }
  } catch {
    // The peer went away in the middle.
  } finally {
    socket.destroy();
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Whether a TCP server could listen there now. */
export function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer();
    server.once('error', () => settle(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => settle(true)));
  });
}

/** Whether somebody takes a connection and does not hang up within `ms`; what it says counts as well. */
export function staysOpen(host: string, port: number, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (open: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(open);
    };
    let timer: NodeJS.Timeout | undefined;
    socket.once('connect', () => {
      timer = setTimeout(() => end(true), ms);
    });
    socket.once('data', () => end(true));
    socket.once('end', () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}

/** Addresses that a name stands for on this machine; empty where it is not known. */
export async function addressesOf(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

export interface PortHolder {
  /** null when it belongs to another user and cannot be seen. */
  pid: number | null;
  /** Process name, or the owning uid where the process cannot be seen. */
  name: string;
  command: string | null;
}

/** Who listens on a TCP port of this machine; null when nobody was found. */
export function portHolder(port: number): PortHolder | null {
  return process.platform === 'linux' ? holderFromProc(port) : holderFromLsof(port);
}

function holderFromProc(port: number): PortHolder | null {
  const listener = ['tcp', 'tcp6'].flatMap((file) => listenersOn(file, port))[0];
  if (listener === undefined) return null;
  const target = `socket:[${listener.inode}]`;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d/.test(pid) || !holds(pid, target)) continue;
    return { pid: Number(pid), name: nameOf(pid), command: commandOf(Number(pid)) };
  }
  return { pid: null, name: `a process of uid ${listener.uid}`, command: null };
}

function listenersOn(file: string, port: number): { inode: string; uid: string }[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let text: string;
  try {
    text = readFileSync(`/proc/net/${file}`, 'latin1');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , uid = '?', , inode = ''] = line.trim().split(/\s+/);
    return state === '0A' && local.endsWith(wanted) ? [{ inode, uid }] : [];
  });
}

function holds(pid: string, target: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === target;
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

function holderFromLsof(port: number): PortHolder | null {
  try {
    const text = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], { encoding: 'utf8' });
    const pid = Number(/^p(\d+)/m.exec(text)?.[1]);
    return { pid, name: /^c(.*)/m.exec(text)?.[1] ?? 'unknown', command: commandOf(pid) };
  } catch {
    return null;
  }
}
