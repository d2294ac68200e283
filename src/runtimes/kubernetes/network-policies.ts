/**
 * NetworkPolicies, made from the declared flows (src/platform/flows.ts) and from nothing else. What operators need beyond them comes with their
 * own objects (src/components/operators/network.ts): policies add up.
 */
import type { ComponentDefinition, PortNeed } from '../../components/contract.ts';
import type { KubernetesContext, KubernetesObject } from '../../components/kubernetes.ts';
import { type Flow, type FlowTarget, flowsOf } from '../../platform/flows.ts';
import { type ComponentName, componentNames } from '../../platform/pipeline.ts';
import { baseComponent, labelsOf, podsOf } from './labels.ts';
import { namespacesOf } from './namespaces.ts';
import { portName, userPort } from './services.ts';

interface Rule {
  peers: readonly object[];
  ports: readonly number[];
}

const anywhere = [{ ipBlock: { cidr: '0.0.0.0/0' } }];
/** The API server as pods see it, and as it listens where nothing stands before it: policies are held against either. */
const apiServerPorts = [443, 6443];

export function networkPolicies(
  components: readonly ComponentDefinition[],
  context: KubernetesContext,
): KubernetesObject[] {
  const { profile } = context;
  const present = new Map(
    components.filter((each) => each.instances(profile).length > 0).map((each) => [each.name, each]),
  );
  const flows = flowsOf(profile).filter(
    ({ from, to }) => isPresent(from, present) && (!('component' in to) || present.has(to.component)),
  );
  const parties = [...new Set(flows.flatMap(({ from, to }) => [from, ...('component' in to ? [to.component] : [])]))];
  const build = new PolicyBuilder(context, present);
  return [
    ...namespacesOf(context).flatMap((namespace) => [build.denyAll(namespace), build.dns(namespace)]),
    ...parties.filter((name) => name !== 'users' && name !== 'monitoring').map((name) => build.party(name, flows)),
  ];
}

/** Jobs come with what their image is made of; users and monitoring are always there. */
const isPresent = (from: Flow['from'], present: ReadonlyMap<string, unknown>): boolean =>
  present.has(from) || !isComponent(from);

const isComponent = (name: string): boolean => componentNames.some((each) => each === name);

class PolicyBuilder {
  private readonly context: KubernetesContext;
  private readonly present: ReadonlyMap<ComponentName, ComponentDefinition>;

  constructor(context: KubernetesContext, present: ReadonlyMap<ComponentName, ComponentDefinition>) {
    this.context = context;
    this.present = present;
  }

  policy(name: string, namespace: string, spec: Record<string, unknown>): KubernetesObject {
    const labels = labelsOf(this.context.stack, baseComponent);
    return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace, labels }, spec };
  }

  /** Nothing in, nothing out; the others say what may. */
  denyAll(namespace: string): KubernetesObject {
    return this.policy('default-deny', namespace, { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  }

  dns(namespace: string): KubernetesObject {
    const cluster = {
      namespaceSelector: inNamespace('kube-system'),
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    };
    // Where every node has a cache of its own, that is where pods ask.
    const nodeCache = { ipBlock: { cidr: '169.254.20.10/32' } };
    const ports = ['UDP', 'TCP'].map((protocol) => ({ protocol, port: 53 }));
    return this.policy('dns', namespace, {
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [{ to: [cluster, nodeCache], ports }],
    });
  }

  /** What a component or a job may be asked, and whom it may ask. */
  party(name: string, flows: readonly Flow[]): KubernetesObject {
    const incoming = flows.filter(({ to }) => 'component' in to && to.component === name);
    const outgoing = flows.filter(({ from }) => from === name);
    const ingress = incoming.flatMap((flow) => this.ingress(flow)).filter(({ ports }) => ports.length > 0);
    const egress = outgoing.map(({ to }) => this.egress(to)).filter(({ ports }) => ports.length > 0);
    return this.policy(name, this.context.namespaceOf(name), {
      podSelector: { matchLabels: podsOf(this.context.stack, name) },
      policyTypes: ['Ingress', 'Egress'],
      ...(ingress.length === 0
        ? {}
        : { ingress: ingress.map(({ peers, ports }) => ({ from: peers, ports: tcp(ports) })) }),
      ...(egress.length === 0 ? {} : { egress: egress.map(({ peers, ports }) => ({ to: peers, ports: tcp(ports) })) }),
    });
  }

  private ingress({ from, to }: Flow): Rule[] {
    if (!('component' in to)) return [];
    if (from !== 'users') return [{ peers: [this.peer(from)], ports: this.portsOf(to, 'inside') }];
    // A forwarded port comes out of the pod's own loopback. By a node's port users come from the node's address, which is nobody's name.
    const ports = this.portsOf(to, 'users');
    return ports.length === 0 ? [] : [{ peers: anywhere, ports }];
  }

  private egress(to: FlowTarget): Rule {
    if ('component' in to) return { peers: [this.peer(to.component)], ports: this.portsOf(to, 'inside') };
    return 'api' in to ? { peers: anywhere, ports: apiServerPorts } : { peers: anywhere, ports: to.ports };
  }

  private peer(name: string): object {
    if (name === 'monitoring') return { namespaceSelector: inNamespace(this.context.namespaceOf(name)) };
    return {
      namespaceSelector: inNamespace(this.context.namespaceOf(name)),
      podSelector: { matchLabels: podsOf(this.context.stack, name) },
    };
  }

  /** Numbers in the pods; those that users reach only where a node's port leads to them. */
  private portsOf(to: { component: ComponentName; ports: readonly string[] }, as: 'inside' | 'users'): number[] {
    const { context } = this;
    const definition = this.present.get(to.component);
    const needs = definition?.ports(context.profile).filter((need) => to.ports.includes(portName(need))) ?? [];
    const numberOf = (need: PortNeed): number[] => {
      if (as === 'inside') return [context.port(need.id)];
      if (definition === undefined || context.nodePort(need.id) === null) return [];
      return [userPort(definition, need, context)];
    };
    return [...new Set(needs.flatMap(numberOf))].sort((a, b) => a - b);
  }
}

const inNamespace = (name: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } });

const tcp = (ports: readonly number[]) => ports.map((port) => ({ protocol: 'TCP', port }));
