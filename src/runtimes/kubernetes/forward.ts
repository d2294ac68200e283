import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { preflightError } from '../../core/errors.ts';
import { errnoOf, readIfExists, remove, writeAtomic } from '../../system/files.ts';
import { type LocalServer, listenLocal } from '../../system/local-server.ts';
import { portHolder } from '../../system/net.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from '../../system/process.ts';
import type { ClusterClient } from './client.ts';
import { isTrue, type Pod, type Service } from './client-types.ts';

/** Where a port of the stack ends in the cluster. */
export interface ForwardTarget {
  namespace: string;
  /** Name of a Service; its selector finds the pods. */
  service: string;
  /** Of the Service, or where it has no such one, of the pods themselves. */
  port: number;
}

const host = '127.0.0.1';
const takeOverMs = 500;

/**
 * The stack's ports of this machine, led into the cluster through its API server: each port is opened at its first use and stays until this
 * process ends. Every connection looks for a ready pod anew, so it finds the one that took another's place. Where another lambdactl of this
 * stack has the port already, that one is used, and its place is taken when it ends.
 */
export class Forwards {
  private readonly client: ClusterClient;
  private readonly recordDir: string;
  private readonly open = new Map<number, Promise<LocalServer | null>>();
  private readonly ended = new AbortController();

  /** @param recordDir where it is noted which process has a port */
  constructor(client: ClusterClient, recordDir: string) {
    this.client = client;
    this.recordDir = recordDir;
  }

  /** @throws LambdaError PORT_BUSY when somebody else has the port */
  async ensure(port: number, target: ForwardTarget): Promise<void> {
    let opening = this.open.get(port);
    if (opening === undefined) {
      opening = this.listen(port, target);
      this.open.set(port, opening);
      opening.catch(() => this.open.delete(port));
    }
    await opening;
  }

  close(): void {
    this.ended.abort();
    for (const opening of this.open.values()) void opening.then((server) => server?.close()).catch(() => {});
    this.open.clear();
  }

  private async listen(port: number, target: ForwardTarget): Promise<LocalServer | null> {
    try {
      const server = await listenLocal(host, port, (socket) => void this.connect(socket, target));
      await writeAtomic(this.recordOf(port), JSON.stringify(ownIdentity()));
      return server;
    } catch (error) {
      if (errnoOf(error) !== 'EADDRINUSE') throw error;
      if (!(await this.isOurs(port))) throw busy(port);
      void this.takeOver(port, target);
      return null;
    }
  }

  private recordOf(port: number): string {
    return `${this.recordDir}/forward-${port}.json`;
  }

  /** Whether a living lambdactl of this stack leads that port into the cluster. */
  async isOurs(port: number): Promise<boolean> {
    const text = await readIfExists(this.recordOf(port));
    try {
      const identity: ProcessIdentity | null = text === null ? null : JSON.parse(text);
      if (identity !== null && isAlive(identity)) return true;
    } catch {
      // A record that was being written; its process is asked for the port below.
    }
    if (text !== null) await remove(this.recordOf(port));
    return false;
  }

  private async takeOver(port: number, target: ForwardTarget): Promise<void> {
    while (!this.ended.signal.aborted) {
      // Nothing waits for this: a command that is done ends.
      await delay(takeOverMs, undefined, { ref: false, signal: this.ended.signal }).catch(() => {});
      const server = await listenLocal(host, port, (socket) => void this.connect(socket, target)).catch(() => null);
      if (server === null) continue;
      this.open.set(port, Promise.resolve(server));
      await writeAtomic(this.recordOf(port), JSON.stringify(ownIdentity())).catch(() => {});
      return;
    }
  }

  /** A connection of a local program becomes one to a pod. What cannot be reached closes it, as a server that is down would. */
  private async connect(socket: Duplex, target: ForwardTarget): Promise<void> {
    try {
      const { namespace } = target;
      const found = await findPod(this.client, target, this.ended.signal);
      if (found === null) throw new Error(`no ready pod behind ${namespace}/${target.service}`);
      const { PortForward } = await import('@kubernetes/client-node');
      const stream = await new PortForward(this.client.config).portForward(
        namespace,
        found.pod,
        [found.port],
        socket,
        null,
        socket,
      );
      const tunnel = typeof stream === 'function' ? stream() : stream;
      if (tunnel === null) throw new Error('the API server closed the connection');
      tunnel.onclose = () => socket.end();
      tunnel.onerror = () => socket.destroy();
      socket.once('close', () => tunnel.close());
    } catch {
      socket.destroy();
    }
  }
}

/** A ready pod behind a Service and the port in it; null where none is ready. */
export async function findPod(
  client: ClusterClient,
  { namespace, service, port }: ForwardTarget,
  signal: AbortSignal,
): Promise<{ pod: string; port: number } | null> {
  const found = await client.read<Service>(
    { apiVersion: 'v1', kind: 'Service', metadata: { name: service, namespace } },
    signal,
  );
  const selector = found?.spec?.selector;
  if (selector === undefined) return null;
  const labels = Object.entries(selector)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
  const pods = await client.list<Pod>({ apiVersion: 'v1', kind: 'Pod' }, { namespace, labels }, signal);
  const pod = pods.find(
    ({ metadata, status }) => metadata.deletionTimestamp === undefined && isTrue(status?.conditions, 'Ready'),
  );
  if (pod === undefined) return null;
  const targetPort = found?.spec?.ports?.find((each) => each.port === port)?.targetPort ?? port;
  return {
    pod: pod.metadata.name,
    port: typeof targetPort === 'number' ? targetPort : (numberOf(pod, targetPort) ?? port),
  };
}

function numberOf(pod: Pod, name: string): number | undefined {
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return ports.find((each) => each.name === name)?.containerPort;
}

function busy(port: number) {
  const holder = portHolder(port);
  const who =
    holder === null ? 'another process' : holder.pid === null ? holder.name : `${holder.name} (pid ${holder.pid})`;
  return preflightError(`Port ${port}, on which the cluster is to be reached, is held by ${who}.`, {
    code: 'PORT_BUSY',
    actions: ['Stop what holds it.', 'Or take another one: lambdactl up --any-port'],
    details: { ports: [{ port, pid: holder?.pid ?? null, name: holder?.name ?? null }] },
  });
}
