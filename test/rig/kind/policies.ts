/**
 * Enforces NetworkPolicies on the rig's one node, where no CNI plugin does: reads policies and pods once and writes them
 * as nft rules into the node. Call again after pods came or went. Known gaps: `except` of an ipBlock, SCTP.
 */
import { execa } from 'execa';
import type { RigCluster } from './cluster.ts';
import { rigEnvironment } from './paths.ts';

type Labels = Readonly<Record<string, string>>;

interface Selector {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

interface Peer {
  ipBlock?: { cidr: string };
  namespaceSelector?: Selector;
  podSelector?: Selector;
}

interface PolicyPort {
  protocol?: string;
  port?: number | string;
  endPort?: number;
}

interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: PolicyPort[];
}

export interface Policy {
  metadata: { namespace: string };
  spec: { podSelector?: Selector; policyTypes?: string[]; ingress?: Rule[]; egress?: Rule[] };
}

export interface Pod {
  metadata: { namespace: string; labels?: Labels };
  spec: { hostNetwork?: boolean; containers: { ports?: { name?: string; containerPort: number }[] }[] };
  status: { podIP?: string; phase?: string };
}

export interface Namespace {
  metadata: { name: string; labels?: Labels };
}

type Direction = 'ingress' | 'egress';

/** @returns how many directions of pods are closed but for what policies allow */
export async function enforcePolicies(cluster: RigCluster): Promise<number> {
  const get = async (kind: string) => JSON.parse(await cluster.kubectl('get', kind, '-A', '-o', 'json')).items;
  const { rules, closed } = rulesOf(await get('networkpolicies'), await get('pods'), await get('namespaces'));
  await execa('docker', ['exec', '-i', cluster.node, 'nft', '-f', '-'], { env: rigEnvironment(), input: rules });
  return closed;
}

/** The node's table of rules, made anew as a whole. */
export function rulesOf(
  policies: readonly Policy[],
  pods: readonly Pod[],
  namespaces: readonly Namespace[],
): { rules: string; closed: number } {
  const running = pods.filter(({ spec, status }) => !spec.hostNetwork && status.phase === 'Running' && status.podIP);
  const chains = new Map<string, { direction: Direction; address: string; rules: string[] }>();
  for (const policy of policies) {
    for (const pod of running) {
      if (pod.metadata.namespace !== policy.metadata.namespace) continue;
      if (!matches(policy.spec.podSelector ?? {}, pod.metadata.labels ?? {})) continue;
      for (const direction of directionsOf(policy)) {
        const address = pod.status.podIP ?? '';
        const name = `${direction}_${address.replaceAll('.', '_')}`;
        const chain = chains.get(name) ?? { direction, address, rules: [] };
        chain.rules.push(...allowed(policy, pod, direction, running, namespaces));
        chains.set(name, chain);
      }
    }
  }
  return { rules: tableOf(chains), closed: chains.size };
}

function tableOf(
  chains: ReadonlyMap<string, { direction: Direction; address: string; rules: readonly string[] }>,
): string {
  const lines = ['table ip policies', 'delete table ip policies', 'table ip policies {'];
  for (const [name, { rules }] of chains) {
    lines.push(`chain ${name} {`, ...rules.map((rule) => `  ${rule} return`), '  counter drop', '}');
  }
  lines.push('chain forwarded {', '  type filter hook forward priority 10; policy accept;');
  lines.push('  ct state established,related accept');
  for (const [name, { direction, address }] of chains) {
    lines.push(`  ip ${direction === 'ingress' ? 'daddr' : 'saddr'} ${address} jump ${name}`);
  }
  return [...lines, '}', '}', ''].join('\n');
}

function directionsOf({ spec }: Policy): Direction[] {
  const types = spec.policyTypes ?? ['Ingress', ...(spec.egress === undefined ? [] : ['Egress'])];
  return (['ingress', 'egress'] as const).filter((direction) => types.some((type) => type.toLowerCase() === direction));
}

function allowed(
  policy: Policy,
  pod: Pod,
  direction: Direction,
  pods: readonly Pod[],
  namespaces: readonly Namespace[],
): string[] {
  const field = direction === 'ingress' ? 'saddr' : 'daddr';
  return (policy.spec[direction] ?? []).flatMap((rule) => {
    const peers = direction === 'ingress' ? rule.from : rule.to;
    const addresses = addressesOf(peers, policy.metadata.namespace, pods, namespaces);
    if (addresses.length === 0) return [];
    // A named port is looked up in the pods that are reached.
    const reached =
      direction === 'ingress' ? [pod] : pods.filter(({ status }) => addresses.includes(status.podIP ?? ''));
    const from = `ip ${field} { ${addresses.join(', ')} }`;
    return portsOf(rule.ports, reached).map((port) => `${from}${port === '' ? '' : ` ${port}`}`);
  });
}

function addressesOf(
  peers: readonly Peer[] | undefined,
  namespace: string,
  pods: readonly Pod[],
  namespaces: readonly Namespace[],
): string[] {
  if (peers === undefined || peers.length === 0) return ['0.0.0.0/0'];
  const labels = new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  const addresses = peers.flatMap(({ ipBlock, namespaceSelector, podSelector }) => {
    if (ipBlock !== undefined) return [ipBlock.cidr];
    return pods
      .filter(({ metadata }) =>
        namespaceSelector === undefined
          ? metadata.namespace === namespace
          : matches(namespaceSelector, labels.get(metadata.namespace) ?? {}),
      )
      .filter(({ metadata }) => podSelector === undefined || matches(podSelector, metadata.labels ?? {}))
      .map(({ status }) => status.podIP ?? '');
  });
  // nft refuses a set whose intervals overlap.
  return addresses.includes('0.0.0.0/0') ? ['0.0.0.0/0'] : [...new Set(addresses)].sort();
}

function portsOf(ports: readonly PolicyPort[] | undefined, reached: readonly Pod[]): string[] {
  if (ports === undefined || ports.length === 0) return [''];
  return ports.flatMap(({ protocol = 'TCP', port, endPort }) => {
    const name = protocol.toLowerCase();
    if (port === undefined) return [`meta l4proto ${name}`];
    if (typeof port === 'number') return [`${name} dport ${port}${endPort === undefined ? '' : `-${endPort}`}`];
    const numbers = reached.flatMap(({ spec }) =>
      spec.containers.flatMap((container) =>
        (container.ports ?? []).filter((each) => each.name === port).map((each) => each.containerPort),
      ),
    );
    return [...new Set(numbers)].map((number) => `${name} dport ${number}`);
  });
}

function matches({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'In') return value !== undefined && values.includes(value);
      if (operator === 'NotIn') return value === undefined || !values.includes(value);
      return operator === 'Exists' ? value !== undefined : value === undefined;
    })
  );
}
