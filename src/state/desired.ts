import { writeAtomic } from '../system/files.ts';
import { isRecord, readJson, toJson, versioned } from './json-file.ts';
import type { StackPaths } from './paths.ts';

export interface ClusterRef {
  /** Context of the kubeconfig. */
  context: string;
  /** Name of the kind cluster that lambdactl made for the stack, and that goes with its data; null of any other cluster. */
  kind: string | null;
}

/** What `up` decided for a stack; only the CLI writes it, under the stack's lock. */
export interface DesiredState {
  version: 1;
  stack: string;
  runtime: 'embedded' | 'kubernetes';
  /** Where the kubernetes runtime works; null with the embedded one. */
  cluster: ClusterRef | null;
  /** The resolved profile; checked again by who uses it. */
  profile: Record<string, unknown>;
  /** Names of the chosen components. */
  components: readonly string[];
  /** By port id, e.g. "kafka.broker". */
  ports: Readonly<Record<string, number>>;
  /** Version of each artifact by name; in a cluster also "images", the tag that all of them bear. */
  pins: Readonly<Record<string, string>>;
  /** Identity under which an instance's data was made, by instance; opaque here. */
  accounts: Readonly<Record<string, unknown>>;
  /** ISO times. */
  createdAt: string;
  updatedAt: string;
}

export type DesiredChange = Partial<Omit<DesiredState, 'version' | 'stack' | 'createdAt' | 'updatedAt'>>;

/** null when the stack was never up. @throws LambdaError STATE_CORRUPT */
export function readDesired(paths: StackPaths): Promise<DesiredState | null> {
  return readJson(paths.desiredFile, parse, [
    `Move ${paths.desiredFile} away and run \`lambdactl up\`: data and credentials are kept, ports are chosen anew.`,
  ]);
}

let turn: Promise<unknown> = Promise.resolve();

/**
 * Changes what is given and keeps the rest; creates the file at first. The caller holds the stack's lock; calls within this
 * process queue up.
 * @throws LambdaError STATE_CORRUPT, DISK_FULL, HOME_NOT_WRITABLE
 */
export function updateDesired(
  paths: StackPaths,
  change: DesiredChange | ((present: DesiredState) => DesiredChange),
): Promise<DesiredState> {
  const result = turn.then(async () => {
    const now = new Date().toISOString();
    const known = await readDesired(paths);
    const present = known ?? empty(paths.stack, now);
    const changed = { ...present, ...(typeof change === 'function' ? change(present) : change) };
    if (known !== null && toJson(changed) === toJson(known)) return known;
    const next = { ...changed, updatedAt: now };
    await writeAtomic(paths.desiredFile, toJson(next));
    return next;
  });
  turn = result.catch(() => {});
  return result;
}

function empty(stack: string, now: string): DesiredState {
  return {
    version: 1,
    stack,
    runtime: 'embedded',
    cluster: null,
    profile: {},
    components: [],
    ports: {},
    pins: {},
    accounts: {},
    createdAt: now,
    updatedAt: now,
  };
}

function parse(raw: unknown): DesiredState {
  const value = versioned(raw);
  const { stack, runtime, cluster, profile, components, ports, pins, accounts, createdAt, updatedAt } = value;
  if (typeof stack !== 'string' || typeof createdAt !== 'string' || typeof updatedAt !== 'string') {
    throw new Error('stack or times are missing');
  }
  if (runtime !== 'embedded' && runtime !== 'kubernetes') throw new Error(`there is no runtime "${String(runtime)}"`);
  if (runtime === 'kubernetes' && !isRecord(cluster)) throw new Error('the cluster is missing');
  if (!isRecord(profile) || !isRecord(accounts)) throw new Error('profile or accounts are missing');
  if (!Array.isArray(components)) throw new Error('components is not a list');
  return {
    version: 1,
    stack,
    runtime,
    cluster: clusterOf(cluster),
    profile,
    components: components.map(String),
    ports: valuesOf(ports, 'ports', (port) => Number.isInteger(port)),
    pins: valuesOf(pins, 'pins', (pin) => typeof pin === 'string'),
    accounts,
    createdAt,
    updatedAt,
  };
}

/** Absent in what earlier versions wrote. */
function clusterOf(value: unknown): ClusterRef | null {
  if (!isRecord(value)) return null;
  const { context, kind } = value;
  if (typeof context !== 'string' || !(kind === null || typeof kind === 'string')) {
    throw new Error('cluster is not as it should be');
  }
  return { context, kind };
}

function valuesOf<T>(value: unknown, name: string, isRight: (each: unknown) => boolean): Record<string, T> {
  if (!isRecord(value) || !Object.values(value).every(isRight)) throw new Error(`${name} is not as it should be`);
  // Every value was just checked by the caller's predicate for T.
  return value as Record<string, T>;
}
