import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LambdaError, preflightError } from '../../core/errors.ts';
import { type OperationContext, step } from '../../core/events.ts';
import type { Profile } from '../../platform/profile.ts';
import { type ExecResult, exec } from '../../system/exec.ts';
import { isPortFree, portHolder } from '../../system/net.ts';
import { makeDirectory, removeTree, withFileLock, writeTextAtomically } from '../../system/store-files.ts';
import { type ContainerEngine, containerEngine } from './engine.ts';
import { type KindPort, kindConfig } from './kind-config.ts';
import { creationFailed, holderText, nameTaken, noEngine, portsBusy, tooLittleMemory } from './kind-errors.ts';
import { controlPlaneOf, engineOutput, type KindNode, kindNodes, nodeKubectl } from './kind-nodes.ts';
import {
  kindDirectory,
  type Ownership,
  ownershipLabels,
  ownershipOf,
  readKindRecord,
  recordOf,
  removeKindRecord,
  writeKindRecord,
} from './kind-ownership.ts';
import { connectLocalRegistry } from './kind-registry.ts';
import { hasContext, keepCurrentContext } from './kubeconfig-file.ts';
import { messageLine } from './program-output.ts';
import { findTool, type ToolOptions } from './tools.ts';

/** Where the tool is looked for, and whether it may be fetched. */
export interface KindPlace extends Pick<ToolOptions, 'home' | 'projectRoot' | 'confirm'> {
  name: string;
}

export interface KindRequest extends KindPlace {
  profile: Profile;
  /** What is reached from this machine; must be free where the cluster is to be made. */
  ports: readonly KindPort[];
  /** Names of the chosen components, whose memory must fit; all of the profile's when absent. */
  components?: readonly string[];
  /** An engine with too little memory is not refused. */
  force?: boolean;
}

export interface KindCluster {
  /** Name in the kubeconfig. */
  context: string;
  created: boolean;
  /** "docker 28.1.1" */
  engine: string;
  nodes: number;
  /** Ports asked for that the cluster, made before them, does not map: the runtime leads them in. */
  unmapped: readonly KindPort[];
}

/** Control plane ready, images of the node already here: 20 s on two cores; a slow disk takes its time. */
const readyLimit = '300s';
const restartMs = 120_000;

export const kindContext = (name: string): string => `kind-${name}`;

/**
 * The cluster as it is asked for: made where there is none, started where it stands still, taken as it is where it runs. What an
 * interrupted creation left is removed and made again. Idempotent; one at a time for each name.
 * @throws LambdaError NO_CONTAINER_ENGINE, TOOL_MISSING, TOOL_VERSION, KIND_NAME_TAKEN, KIND_MEMORY, PORT_BUSY, KIND_CREATE_FAILED, ENGINE_FAILED
 */
export async function ensureKindCluster(request: KindRequest, context: OperationContext): Promise<KindCluster> {
  const work = await open(request, context);
  await makeDirectory(kindDirectory(request.home));
  const lock = join(kindDirectory(request.home), `${request.name}.lock`);
  return withFileLock(lock, { signal: context.signal }, async () => {
    const { ownership, nodes } = await look(work);
    if (ownership === 'foreign') throw nameTaken(request.name);
    if (ownership === 'ours') return resume(work, nodes, request);
    if (ownership === 'half') {
      const message = `An interrupted creation left parts of cluster ${request.name}; they are removed.`;
      context.emit({ type: 'log', level: 'info', message });
      await remove(work);
    }
    return create(work, request);
  });
}

/**
 * Deletes a cluster that this home made, with everything in it; nothing where there is none.
 * @throws LambdaError KIND_NAME_TAKEN where it is somebody else's, KIND_DELETE_FAILED, NO_CONTAINER_ENGINE, TOOL_MISSING
 */
export async function deleteKindCluster(place: KindPlace, context: OperationContext): Promise<boolean> {
  const work = await open(place, context);
  await makeDirectory(kindDirectory(place.home));
  const lock = join(kindDirectory(place.home), `${place.name}.lock`);
  return withFileLock(lock, { signal: context.signal }, async () => {
    const { ownership } = await look(work);
    if (ownership === 'foreign') throw nameTaken(place.name);
    if (ownership !== 'none') await remove(work);
    await removeKindRecord(place.home, place.name);
    return ownership !== 'none';
  });
}

/** Everything that one operation on one cluster works with. */
export interface KindWork {
  place: KindPlace;
  engine: ContainerEngine;
  /** kind's program. */
  kind: string;
  context: OperationContext;
}

/** @throws LambdaError NO_CONTAINER_ENGINE, TOOL_MISSING, TOOL_VERSION */
export async function open(place: KindPlace, context: OperationContext): Promise<KindWork> {
  const { signal, emit } = context;
  const record = await readKindRecord(place.home, place.name);
  const engine = await containerEngine({ name: record?.engine, signal });
  if ('reason' in engine) throw noEngine(engine.reason);
  const { path } = await findTool('kind', { ...place, emit, signal });
  return { place, engine, kind: path, context };
}

async function look({
  place,
  engine,
  context: { signal },
}: KindWork): Promise<{ ownership: Ownership; nodes: readonly KindNode[] }> {
  const nodes = await kindNodes(engine, place.name, signal);
  const record = await readKindRecord(place.home, place.name);
  return { nodes, ownership: await ownershipOf({ home: place.home, nodes, record, engine, signal }) };
}

/** Nodes of the cluster where this home made it. @throws LambdaError KIND_NAME_TAKEN, CLUSTER_MISSING */
export async function ownNodes(work: KindWork): Promise<readonly KindNode[]> {
  const { ownership, nodes } = await look(work);
  if (ownership === 'foreign') throw nameTaken(work.place.name);
  if (ownership === 'ours') return nodes;
  throw preflightError(`There is no kind cluster ${work.place.name}.`, {
    code: 'CLUSTER_MISSING',
    actions: ['lambdactl up --runtime kind'],
  });
}

/** kind itself, told which engine it is to use: with several of them its own choice might be another one. */
export function runKind({ kind, engine, context: { signal } }: KindWork, args: readonly string[]): Promise<ExecResult> {
  return exec(kind, args, { signal, env: { KIND_EXPERIMENTAL_PROVIDER: engine.kind } });
}

async function create(work: KindWork, request: KindRequest): Promise<KindCluster> {
  const { engine, context } = work;
  const { name, home, profile } = request;
  const components = request.components ?? Object.keys(profile.components);
  const lacking = request.force === true ? null : tooLittleMemory(engine, profile, components);
  if (lacking !== null) throw lacking;
  const ports = [...request.ports, ...(await ingressPorts(engine, request, context))];
  await assertFree(request.ports);
  const hostPorts = ports.map(({ hostPort }) => hostPort);
  await writeKindRecord(home, name, recordOf(engine.kind, [], hostPorts));
  const config = join(kindDirectory(home), `${name}.config.json`);
  const labels = ownershipLabels(home, name);
  // JSON is YAML, and kind reads either.
  await writeTextAtomically(config, `${JSON.stringify(kindConfig({ name, profile, ports, labels }), null, 2)}\n`);
  const putBack = await keepCurrentContext(kindContext(name));
  const command = ['create', 'cluster', '--name', name, '--config', config, '--wait', readyLimit];
  const result = await runKind(work, command).finally(async () => {
    await putBack();
    await removeTree(config);
  });
  if (result.failure !== undefined) throw await failedCreation(work, result);
  const nodes = await kindNodes(engine, name, context.signal);
  await connectLocalRegistry(engine, nodes, profile.kubernetes.images.prefix, context);
  await writeKindRecord(home, name, recordOf(engine.kind, nodes, hostPorts));
  return {
    context: kindContext(name),
    created: true,
    engine: `${engine.kind} ${engine.version}`,
    nodes: nodes.length,
    unmapped: [],
  };
}

/** kind removes what it made when it fails; what it could not remove is found by the record next time. */
async function failedCreation(work: KindWork, { stdout, stderr, failure }: ExecResult): Promise<LambdaError> {
  const { name, home } = work.place;
  const left = await kindNodes(work.engine, name, work.context.signal).catch(() => null);
  if (left?.length === 0) await removeKindRecord(home, name);
  const output = `${stdout}\n${stderr}`.trim();
  if (/node\(s\) already exist/i.test(output)) return nameTaken(name);
  return creationFailed(name, output === '' ? (failure ?? '') : output);
}

/** 80 and 443, for an ingress that the user may add: left out where they cannot be had, since nothing of ours needs them. */
async function ingressPorts(
  engine: ContainerEngine,
  { ports }: KindRequest,
  { emit }: OperationContext,
): Promise<KindPort[]> {
  const wanted = [80, 443].filter((port) => !ports.some(({ hostPort }) => hostPort === port));
  const mapped: KindPort[] = [];
  for (const port of wanted) {
    const obstacle = await obstacleAt(engine, port);
    if (obstacle === null) mapped.push({ hostPort: port, nodePort: port });
    else {
      const message = `Port ${port} is not mapped into the cluster (${obstacle}); only an ingress of your own would use it.`;
      emit({ type: 'log', level: 'info', message });
    }
  }
  return mapped;
}

async function obstacleAt(engine: ContainerEngine, port: number): Promise<string | null> {
  if (await isPortFree('127.0.0.1', port)) return null;
  const holder = portHolder(port);
  if (holder !== null) return `held by ${holderText(holder)}`;
  // This user may not try a port below 1024; an engine that runs as root may take it.
  return engine.rootless ? `${engine.kind} runs without root` : null;
}

async function assertFree(ports: readonly KindPort[]): Promise<void> {
  const busy: number[] = [];
  for (const { hostPort } of ports) if (!(await isPortFree('127.0.0.1', hostPort))) busy.push(hostPort);
  if (busy.length > 0) throw portsBusy(busy.map((port) => ({ port, holder: portHolder(port) })));
}

/** A cluster of ours that is there: nodes that stand still (after a restart of the engine) are started. */
async function resume(work: KindWork, nodes: readonly KindNode[], request: KindRequest): Promise<KindCluster> {
  const { engine, context } = work;
  const { name, home, profile } = request;
  const still = nodes.filter(({ running }) => !running);
  if (still.length > 0) {
    await step(context, { id: 'cluster/start', title: `Start kind cluster ${name}` }, async () => {
      await engineOutput(engine, ['start', ...still.map((node) => node.name)], context.signal);
      await untilReady(work, nodes);
      return { value: undefined };
    });
  }
  const mapped = nodes.flatMap(({ hostPorts }) => hostPorts);
  await writeKindRecord(home, name, recordOf(engine.kind, nodes, mapped));
  if (!(await hasContext(kindContext(name)))) {
    const putBack = await keepCurrentContext(kindContext(name));
    const result = await runKind(work, ['export', 'kubeconfig', '--name', name]);
    await putBack();
    if (result.failure !== undefined) throw creationFailed(name, result.stderr);
  }
  await connectLocalRegistry(engine, nodes, profile.kubernetes.images.prefix, context);
  const workers = nodes.filter(({ role }) => role === 'worker').length;
  if (workers !== profile.kubernetes.kindWorkers) {
    const message = `Cluster ${name} has ${workers} workers; the profile wants ${profile.kubernetes.kindWorkers}. Nodes are not added later: it is kept as it is.`;
    context.emit({ type: 'warning', message });
  }
  const unmapped = request.ports.filter(({ hostPort }) => !mapped.includes(hostPort));
  return {
    context: kindContext(name),
    created: false,
    engine: `${engine.kind} ${engine.version}`,
    nodes: nodes.length,
    unmapped,
  };
}

async function untilReady({ engine, place, context: { signal } }: KindWork, nodes: readonly KindNode[]): Promise<void> {
  const main = controlPlaneOf(nodes);
  const end = performance.now() + restartMs;
  for (let said = ''; main !== undefined; ) {
    const { failure, stderr } = await nodeKubectl(engine, main, ['get', '--raw', '/readyz'], signal);
    if (failure === undefined) return;
    said = messageLine(stderr) ?? said;
    if (performance.now() > end) throw creationFailed(place.name, `its API server did not come back: ${said}`);
    await delay(1_000, undefined, { signal });
  }
}

async function remove(work: KindWork): Promise<void> {
  const { name } = work.place;
  await step(work.context, { id: 'cluster/delete', title: `Delete kind cluster ${name}` }, async () => {
    const { failure, stderr } = await runKind(work, ['delete', 'cluster', '--name', name]);
    if (failure === undefined) return { value: undefined };
    throw new LambdaError(`kind could not delete cluster ${name}: ${messageLine(stderr) ?? failure}`, {
      code: 'KIND_DELETE_FAILED',
      category: 'external',
      actions: ['Run the same command again.', `Or by hand: kind delete cluster --name ${name}`],
    });
  });
}
