import { externalError } from '../../core/errors.ts';
import { type ExecResult, exec } from '../../system/exec.ts';
import type { ContainerEngine } from './engine.ts';
import { asRecord, lastLinesOf, messageLine, parsedJson } from './program-output.ts';

/** A container that is a node of a cluster of kind's. */
export interface KindNode {
  id: string;
  name: string;
  role: 'control-plane' | 'worker' | 'other';
  running: boolean;
  /** TCP ports of this machine that lead into it. */
  hostPorts: readonly number[];
}

/** Runs the engine's client. @param timeoutMs none by default */
export function engine(
  { path }: Pick<ContainerEngine, 'path'>,
  args: readonly string[],
  signal: AbortSignal,
  timeoutMs?: number,
): Promise<ExecResult> {
  return exec(path, args, { signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
}

/** @throws LambdaError ENGINE_FAILED with the client's own words */
export async function engineOutput(
  container: Pick<ContainerEngine, 'path' | 'kind'>,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const { stdout, stderr, failure } = await engine(container, args, signal);
  if (failure === undefined) return stdout;
  throw externalError(`${container.kind} ${args[0] ?? ''} failed: ${messageLine(stderr) ?? failure}`, {
    code: 'ENGINE_FAILED',
    actions: [`Ask it yourself: ${container.kind} info`, 'lambdactl doctor'],
    details: { command: args.slice(0, 3).join(' '), output: lastLinesOf(stderr) },
  });
}

/** Nodes of a cluster, running or not; empty where there is none. Found by kind's own label. @throws LambdaError ENGINE_FAILED */
export async function kindNodes(
  container: ContainerEngine,
  cluster: string,
  signal: AbortSignal,
): Promise<readonly KindNode[]> {
  const filter = `label=io.x-k8s.kind.cluster=${cluster}`;
  const listed = await engineOutput(container, ['ps', '--all', '--filter', filter, '--format', '{{.Names}}'], signal);
  const names = listed.split('\n').filter((name) => name !== '');
  if (names.length === 0) return [];
  const inspected: unknown = parsedJson(await engineOutput(container, ['inspect', ...names], signal));
  return (Array.isArray(inspected) ? inspected : []).flatMap((each) => nodeFrom(each) ?? []);
}

function nodeFrom(inspected: unknown): KindNode | null {
  const container = asRecord(inspected);
  const { Id: id, Name: name } = container ?? {};
  if (container === null || typeof id !== 'string' || typeof name !== 'string') return null;
  const state = asRecord(container.State);
  const role = asRecord(asRecord(container.Config)?.Labels)?.['io.x-k8s.kind.role'];
  return {
    id,
    name: name.replace(/^\//, ''),
    role: role === 'control-plane' || role === 'worker' ? role : 'other',
    running: state?.Running === true || state?.Status === 'running',
    hostPorts: hostPortsOf(
      asRecord(container.HostConfig)?.PortBindings ?? asRecord(container.NetworkSettings)?.Ports ?? {},
    ),
  };
}

/** Of { "30001/tcp": [{ HostIp, HostPort }] }; the API server's own, which kind chooses, is left out. */
function hostPortsOf(bindings: unknown): number[] {
  return Object.entries(asRecord(bindings) ?? {})
    .filter(([inside]) => inside !== '6443/tcp')
    .flatMap(([, targets]) => (Array.isArray(targets) ? targets : []))
    .map((target) => Number(asRecord(target)?.HostPort))
    .filter((port) => Number.isInteger(port) && port > 0)
    .sort((a, b) => a - b);
}

export const controlPlaneOf = (nodes: readonly KindNode[]): KindNode | undefined =>
  nodes.find(({ role }) => role === 'control-plane');

/** kubectl in the control plane's node, where it has every right: needs neither kubectl nor kubeconfig here. */
export function nodeKubectl(
  container: ContainerEngine,
  node: KindNode,
  args: readonly string[],
  signal: AbortSignal,
): Promise<ExecResult> {
  const command = ['exec', node.name, 'kubectl', '--kubeconfig=/etc/kubernetes/admin.conf', ...args];
  return engine(container, command, signal, 20_000);
}
