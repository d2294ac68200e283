import { preflightError } from '../core/errors.ts';
import { entriesOf, exists } from '../system/files.ts';
import { isPortFree, type PortHolder, portHolder } from '../system/net.ts';
import { readDesired } from './desired.ts';
import { type StackPaths, stackPaths } from './paths.ts';

/** As PortNeed of src/components. */
export interface PortRequest {
  id: string;
  preferred: number;
}

export interface PortOptions {
  stack: string;
  host: string;
  /** Ports the user asked for, by id; never moved. */
  explicit: Readonly<Record<string, number>>;
  /** Take another port where one is busy. */
  anyPort: boolean;
  /** Ports of earlier runs, by id. */
  remembered: Readonly<Record<string, number>>;
  /** Ports of other stacks, which may be down at the moment. */
  reserved: ReadonlySet<number>;
  /** Whether a process belongs to this stack: what it holds is ours. */
  isOurs(pid: number): boolean;
}

interface Busy {
  id: string;
  port: number;
  holder: PortHolder | null;
}

const first = 20_000;
const last = 29_999;

/**
 * A port for every need: the explicit, else the remembered, else the preferred one (default stack) or a free one of
 * 20000–29999 (other stacks). Remembers nothing itself.
 * @throws LambdaError PORT_BUSY naming every busy port with its holder, unless anyPort lets it move
 */
export async function allocatePorts(
  needs: readonly PortRequest[],
  options: PortOptions,
): Promise<Readonly<Record<string, number>>> {
  const ports: Record<string, number> = {};
  const taken = new Set<number>();
  const busy: Busy[] = [];
  const open: PortRequest[] = [];
  for (const need of needs) {
    const explicit = options.explicit[need.id];
    const wanted =
      explicit ?? options.remembered[need.id] ?? (options.stack === 'default' ? need.preferred : undefined);
    if (wanted === undefined || (explicit === undefined && taken.has(wanted))) {
      open.push(need);
      continue;
    }
    const obstacle = taken.has(wanted) ? { holder: null } : await obstacleAt(wanted, options);
    if (obstacle === null) {
      ports[need.id] = wanted;
      taken.add(wanted);
    } else if (options.anyPort && explicit === undefined) open.push(need);
    else busy.push({ id: need.id, port: wanted, ...obstacle });
  }
  if (busy.length > 0) throw portsBusy(busy);
  for (const { id, preferred } of open) {
    const port = await findFree(preferred, taken, options);
    ports[id] = port;
    taken.add(port);
  }
  return ports;
}

/** Who is in the way, null when the port can be ours. */
async function obstacleAt(port: number, options: PortOptions): Promise<{ holder: PortHolder | null } | null> {
  if (await isPortFree(options.host, port)) return null;
  const holder = portHolder(port);
  return holder?.pid != null && options.isOurs(holder.pid) ? null : { holder };
}

async function findFree(preferred: number, taken: ReadonlySet<number>, options: PortOptions): Promise<number> {
  const size = last - first + 1;
  // Starts at a place of its own for each stack and service, so that two stacks rarely meet.
  const offset = [...options.stack].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % size, preferred % size);
  for (let step = 0; step < size; step += 1) {
    const port = first + ((offset + step) % size);
    if (!taken.has(port) && !options.reserved.has(port) && (await isPortFree(options.host, port))) return port;
  }
  throw preflightError(`No free port between ${first} and ${last}.`, { code: 'NO_FREE_PORT' });
}

function portsBusy(busy: readonly Busy[]) {
  const lines = busy.map(({ id, port, holder }) => `  ${port} (${id}) is held by ${describe(holder)}`);
  return preflightError(`${busy.length === 1 ? 'A port is' : `${busy.length} ports are`} busy:\n${lines.join('\n')}`, {
    code: 'PORT_BUSY',
    actions: [
      'Take other ports: lambdactl up --any-port',
      ...busy.slice(0, 1).map(({ id }) => `Or name one: lambdactl up --port ${id}=<number>`),
      'Or stop what holds them.',
    ],
    details: {
      ports: busy.map(({ id, port, holder }) => ({ id, port, pid: holder?.pid ?? null, name: holder?.name ?? null })),
    },
  });
}

function describe(holder: PortHolder | null): string {
  if (holder === null) return 'a process that cannot be seen, or by another port of this stack';
  return holder.pid === null ? holder.name : `${holder.name} (pid ${holder.pid})`;
}

/** Ports that the other stacks of this home remember. */
export async function portsOfOtherStacks(paths: StackPaths): Promise<ReadonlySet<number>> {
  const ports = new Set<number>();
  for (const name of await stackNames(paths)) {
    if (name === paths.stack) continue;
    // A neighbour's damaged file is the neighbour's trouble.
    const desired = await readDesired(stackPaths(paths.home, name)).catch(() => null);
    for (const port of Object.values(desired?.ports ?? {})) ports.add(port);
  }
  return ports;
}

/** Stacks of this home that were up once, sorted. */
export async function stackNames({ home, stacksDir }: StackPaths): Promise<readonly string[]> {
  const names = (await entriesOf(stacksDir)).filter((name) => /^[a-z][a-z0-9-]{0,30}$/.test(name));
  return names.filter((name) => exists(stackPaths(home, name).desiredFile)).sort();
}
