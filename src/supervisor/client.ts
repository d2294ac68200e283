import { externalError, LambdaError } from '../core/errors.ts';
import type { ServiceStatus } from '../core/service-spec.ts';
import { connectUnix, type JsonConnection } from '../system/net.ts';
import type { ServiceOrder } from './options.ts';
import { type OperationName, type Operations, protocolVersion, type Reply, type Request } from './protocol.ts';
import type { WaitOutcome } from './supervisor.ts';

interface Waiting {
  settle(result: unknown): void;
  fail(error: Error): void;
  onStatus(status: ServiceStatus): void;
}

/** Talks to a supervisor. Every call rejects with SUPERVISOR_GONE when it ends meanwhile. */
export class SupervisorClient {
  private readonly connection: JsonConnection;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private gone = false;

  private constructor(connection: JsonConnection) {
    this.connection = connection;
    this.read().catch(() => {});
  }

  /**
   * @throws Error with errno code when nobody listens on the socket
   * @throws LambdaError SUPERVISOR_VERSION when it speaks another protocol
   */
  static async connect(socketPath: string): Promise<SupervisorClient> {
    const client = new SupervisorClient(await connectUnix(socketPath));
    const { protocol, version } = await client.call('hello', {});
    if (protocol === protocolVersion) return client;
    client.close();
    throw externalError(`The running supervisor belongs to lambdactl ${version} and is not understood by this one.`, {
      code: 'SUPERVISOR_VERSION',
      actions: ['Run `lambdactl down` with the version that started it, then `lambdactl up` with this one.'],
    });
  }

  async ensure(order: ServiceOrder): Promise<'started' | 'restarted' | 'kept'> {
    return (await this.call('ensure', { order })).action;
  }

  /** @param options.onStatus called with the status of each at first, and at every change */
  waitHealthy(
    names: readonly string[],
    options: { maxCrashes: number; signal?: AbortSignal; onStatus?: (status: ServiceStatus) => void },
  ): Promise<WaitOutcome> {
    const { maxCrashes, signal, onStatus } = options;
    return this.call('waitHealthy', { names, maxCrashes }, { signal, onStatus });
  }

  async stop(names: readonly string[]): Promise<void> {
    await this.call('stop', { names });
  }

  async restart(name: string): Promise<void> {
    await this.call('restart', { name });
  }

  status(): Promise<Operations['status']['result']> {
    return this.call('status', {});
  }

  /** Calls back at every change until the signal, or until the supervisor ends. */
  async subscribe(onStatus: (status: ServiceStatus) => void, signal: AbortSignal): Promise<void> {
    await this.call('subscribe', {}, { signal, onStatus }).catch(() => {});
  }

  /** Everything is stopped when it settles; the supervisor itself ends right after. */
  async shutdown(): Promise<void> {
    await this.call('shutdown', {}).catch((error: unknown) => {
      // It may end faster than it answers.
      if (!(error instanceof LambdaError && error.code === 'SUPERVISOR_GONE')) throw error;
    });
  }

  close(): void {
    this.connection.close();
  }

  private call<K extends OperationName>(
    op: K,
    params: Operations[K]['params'],
    {
      signal,
      onStatus = () => {},
    }: { signal?: AbortSignal | undefined; onStatus?: Waiting['onStatus'] | undefined } = {},
  ): Promise<Operations[K]['result']> {
    return new Promise((settle, fail) => {
      if (this.gone) return fail(supervisorGone());
      if (signal?.aborted === true) return fail(signal.reason);
      const id = this.nextId++;
      // The protocol pairs operation and result; the wire cannot show it to the compiler.
      this.waiting.set(id, { settle: (result) => settle(result as Operations[K]['result']), fail, onStatus });
      signal?.addEventListener(
        'abort',
        () => {
          // Nobody to tell at the other end: it notices when the connection closes.
          if (this.waiting.delete(id)) fail(signal.reason);
        },
        { once: true },
      );
      this.connection.send({ id, op, ...params } satisfies Request<K>);
    });
  }

  private async read(): Promise<void> {
    for await (const message of this.connection.messages) {
      // Written by serve() of the same protocol version.
      const reply = message as Reply;
      const waiting = this.waiting.get(reply.id);
      if (waiting === undefined) continue;
      if (reply.type === 'status') waiting.onStatus(reply.status);
      else {
        this.waiting.delete(reply.id);
        if (reply.type === 'result') waiting.settle(reply.result);
        else
          waiting.fail(externalError(reply.message, { code: reply.code, retryable: reply.code === 'SHUTTING_DOWN' }));
      }
    }
    this.gone = true;
    for (const { fail } of this.waiting.values()) fail(supervisorGone());
    this.waiting.clear();
  }
}

function supervisorGone() {
  return externalError('The supervisor ended before it answered.', {
    code: 'SUPERVISOR_GONE',
    actions: ['Run the same command again; `lambdactl logs supervisor` may tell why.'],
    retryable: true,
  });
}
