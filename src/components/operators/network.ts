import type { ComponentName } from '../../platform/pipeline.ts';
import type { KubernetesContext, KubernetesObject } from '../kubernetes.ts';
import { labels, object, podLabels } from './objects.ts';

/** Pods by their labels, in a namespace. */
export interface Peer {
  namespace: string;
  /** All pods there when absent. */
  pods?: Readonly<Record<string, string>>;
}

/** Pods of an operator that somebody else has installed, in whichever namespace. */
export interface ForeignPeer {
  namespace?: undefined;
  pods: Readonly<Record<string, string>>;
}

interface Flow {
  to?: Peer | ForeignPeer;
  from?: Peer | ForeignPeer;
  ports: readonly number[];
}

/** Pods of a component, whoever made them. */
export const podsOf = (context: KubernetesContext, component: ComponentName): Peer => ({
  namespace: context.namespaceOf(component),
  pods: podLabels(context, component),
});

/** Its address is not known beforehand and no pod has it: any address, on the ports that API servers have. */
const apiServerPorts = [443, 6443];

/**
 * What operators and the pods that they make need beyond the pipeline's own flows: the API server, each other, and the API server's calls
 * of webhooks. NetworkPolicies add up, so these stand beside the generated ones.
 */
export function policy(
  context: KubernetesContext,
  name: string,
  pods: Peer & { component: ComponentName },
  flows: {
    apiServer?: boolean;
    anywhere?: readonly number[];
    dns?: boolean;
    webhook?: number;
    flows?: readonly Flow[];
  },
): KubernetesObject {
  const { apiServer = false, anywhere = [], dns = apiServer, webhook, flows: list = [] } = flows;
  const everywhere = [...(apiServer ? apiServerPorts : []), ...anywhere];
  const egress = [
    ...(dns ? [{ to: [{ namespaceSelector: namespaceOf('kube-system') }], ports: both(53) }] : []),
    ...(everywhere.length > 0 ? [{ ports: tcp(everywhere) }] : []),
    ...list.flatMap(({ to, ports }) => (to === undefined ? [] : [{ to: [selector(to)], ports: tcp(ports) }])),
  ];
  const ingress = [
    ...(webhook === undefined ? [] : [{ ports: tcp([webhook]) }]),
    ...list.flatMap(({ from, ports }) => (from === undefined ? [] : [{ from: [selector(from)], ports: tcp(ports) }])),
  ];
  const made = object(
    context,
    { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', name, component: pods.component },
    {
      spec: {
        podSelector: pods.pods === undefined ? {} : { matchLabels: pods.pods },
        policyTypes: [...(ingress.length > 0 ? ['Ingress'] : []), ...(egress.length > 0 ? ['Egress'] : [])],
        ...(ingress.length > 0 ? { ingress } : {}),
        ...(egress.length > 0 ? { egress } : {}),
      },
    },
  );
  return {
    ...made,
    metadata: { ...made.metadata, namespace: pods.namespace, labels: labels(context, pods.component) },
  };
}

const namespaceOf = (name: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } });

const selector = ({ namespace, pods }: Peer | ForeignPeer) => ({
  namespaceSelector: namespace === undefined ? {} : namespaceOf(namespace),
  ...(pods === undefined ? {} : { podSelector: { matchLabels: pods } }),
});

const tcp = (ports: readonly number[]) => ports.map((port) => ({ protocol: 'TCP', port }));
const both = (port: number) => ['UDP', 'TCP'].map((protocol) => ({ protocol, port }));
