import { LambdaError, messageOf } from '../core/errors.ts';
import type { JsonConnection } from '../system/net.ts';
import { type OperationName, type Operations, protocolVersion, type Reply, type Request } from './protocol.ts';
import type { Supervisor } from './supervisor.ts';

interface Call {
  supervisor: Supervisor;
  /** Aborted when the client is gone. */
  signal: AbortSignal;
  reply(status: Extract<Reply, { type: 'status' }>['status']): void;
}

type Handlers = {
  [K in OperationName]: (request: Request<K>, call: Call) => Promise<Operations[K]['result']>;
};

const handlers: Handlers = {
  hello: async (_request, { supervisor }) => ({
    protocol: protocolVersion,
    version: supervisor.version,
    pid: supervisor.pid,
  }),
  ensure: async ({ order }, { supervisor }) => ({ action: await supervisor.ensure(order) }),
  waitHealthy: async ({ names, maxCrashes }, { supervisor, signal, reply }) => {
    const done = new AbortController();
    supervisor.subscribe(
      (status) => {
        if (names.includes(status.name)) reply(status);
      },
      AbortSignal.any([signal, done.signal]),
    );
    for (const status of supervisor.status().services) if (names.includes(status.name)) reply(status);
    const outcome = await supervisor.waitHealthy(names, maxCrashes, signal);
    done.abort();
    return outcome;
  },
  stop: async ({ names }, { supervisor }) => {
    await supervisor.stop(names);
    return null;
  },
  restart: async ({ name }, { supervisor }) => {
    await supervisor.restart(name);
    return null;
  },
  status: async (_request, { supervisor }) => supervisor.status(),
  subscribe: (_request, { supervisor, signal, reply }) => {
    supervisor.subscribe(reply, signal);
    return new Promise<never>(() => {});
  },
  shutdown: async (_request, { supervisor }) => {
    await supervisor.shutdown();
    return null;
  },
};

/** Answers one client until it leaves; requests run side by side. */
export async function serve(connection: JsonConnection, supervisor: Supervisor): Promise<void> {
  for await (const message of connection.messages) {
    if (!isRequest(message)) {
      connection.send({ id: 0, type: 'error', code: 'BAD_REQUEST', message: 'not a request' } satisfies Reply);
      continue;
    }
    answer(message, connection, supervisor).catch(() => {});
  }
}

async function answer(request: Request, connection: JsonConnection, supervisor: Supervisor): Promise<void> {
  const { id } = request;
  const send = (reply: Reply) => connection.send(reply);
  const call: Call = {
    supervisor,
    signal: connection.closed,
    reply: (status) => send({ id, type: 'status', status }),
  };
  try {
    send({ id, type: 'result', result: await handle(request, call) });
  } catch (error) {
    const code = error instanceof LambdaError ? error.code : 'SUPERVISOR_ERROR';
    send({ id, type: 'error', code, message: messageOf(error) });
  }
}

function handle(request: Request, call: Call): Promise<unknown> {
  // The union of handlers cannot be called with the union of requests, though name and request belong together.
  const handler = handlers[request.op] as (request: Request, call: Call) => Promise<unknown>;
  return handler(request, call);
}

/** Only this user can open the socket and hello has settled the version: the name is what has to be known. */
function isRequest(message: unknown): message is Request {
  return (
    typeof message === 'object' &&
    message !== null &&
    'id' in message &&
    typeof message.id === 'number' &&
    'op' in message &&
    typeof message.op === 'string' &&
    Object.hasOwn(handlers, message.op)
  );
}
