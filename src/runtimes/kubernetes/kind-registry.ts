import type { OperationContext } from '../../core/events.ts';
import type { ContainerEngine } from './engine.ts';
import { localRegistryOf } from './kind-config.ts';
import { engine, engineOutput, type KindNode } from './kind-nodes.ts';
import { asRecord, parsedJson } from './program-output.ts';

/** Network of all of kind's clusters. */
const network = 'kind';

/**
 * A registry at localhost:5001 is another machine's for the nodes. They are told to find its container by name under the same reference,
 * as kind's guide to local registries does. A registry elsewhere needs nothing. Idempotent.
 */
export async function connectLocalRegistry(
  container: ContainerEngine,
  nodes: readonly KindNode[],
  prefix: string,
  { emit, signal }: OperationContext,
): Promise<void> {
  const registry = localRegistryOf(prefix);
  if (registry === null) return;
  const target = await containerPublishing(container, registry.port, signal);
  if (target === null) {
    const message = `No container publishes port ${registry.port}: nodes cannot pull from ${registry.name}. Start the registry, then run the same command again.`;
    emit({ type: 'warning', message });
    return;
  }
  const directory = `/etc/containerd/certs.d/${registry.name}`;
  const script = `mkdir -p "$1" && printf '%s\\n' "$2" > "$1/hosts.toml"`;
  const hosts = `[host."http://${target.name}:${target.port}"]`;
  for (const node of nodes.filter(({ role }) => role !== 'other')) {
    await engineOutput(container, ['exec', node.name, 'sh', '-c', script, 'sh', directory, hosts], signal);
  }
  if (target.networks.includes(network)) return;
  await engineOutput(container, ['network', 'connect', network, target.name], signal);
}

interface Publisher {
  name: string;
  /** Inside the container. */
  port: number;
  networks: readonly string[];
}

async function containerPublishing(
  container: ContainerEngine,
  port: number,
  signal: AbortSignal,
): Promise<Publisher | null> {
  const { stdout } = await engine(container, ['ps', '--format', '{{.Names}}'], signal);
  const names = stdout.split('\n').filter((name) => name !== '');
  if (names.length === 0) return null;
  const inspected: unknown = parsedJson(await engineOutput(container, ['inspect', ...names], signal));
  for (const each of Array.isArray(inspected) ? inspected : []) {
    const settings = asRecord(asRecord(each)?.NetworkSettings);
    const name = asRecord(each)?.Name;
    const inside = Object.entries(asRecord(settings?.Ports) ?? {}).find(
      ([, targets]) => Array.isArray(targets) && targets.some((target) => Number(asRecord(target)?.HostPort) === port),
    );
    if (inside === undefined || typeof name !== 'string') continue;
    const networks = Object.keys(asRecord(settings?.Networks) ?? {});
    return { name: name.replace(/^\//, ''), port: Number.parseInt(inside[0], 10), networks };
  }
  return null;
}
