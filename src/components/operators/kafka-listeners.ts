import { kafka, outsidePort } from '../kafka/component.ts';
import type { KubernetesContext } from '../kubernetes.ts';

/** The first broker's own preferred port, on every broker. */
export const brokerPort = 19_092;
const tlsPort = 19_094;

/** Of brokers that Strimzi runs. With certificates of the stack all of them speak TLS by these. */
export function listeners(context: KubernetesContext): object[] {
  const encrypted = context.certificates !== null;
  const brokerCertChainAndKey = { secretName: 'kafka-tls', certificate: 'tls.crt', key: 'tls.key' };
  const internal = encrypted
    ? [{ name: 'stack', port: brokerPort, type: 'internal', tls: true, configuration: { brokerCertChainAndKey } }]
    : [
        { name: 'plain', port: brokerPort, type: 'internal', tls: false },
        // For clients that are configured with the cluster's CA (Secret kafka-cluster-ca-cert).
        { name: 'tls', port: tlsPort, type: 'internal', tls: true },
      ];
  const instances = kafka.instances(context.profile);
  const seen = instances.map((instance) => context.outside(`${instance}.broker`));
  if (seen.some((each) => each === null)) return internal;
  const nodePorts = instances.map((instance) => context.nodePort(`${instance}.broker`));
  const brokers = instances.map((_, broker) => {
    const nodePort = nodePorts[broker] ?? null;
    const { host, port } = seen[broker] ?? { host: '', port: 0 };
    return { broker, advertisedHost: host, advertisedPort: port, ...(nodePort === null ? {} : { nodePort }) };
  });
  // Without node ports users come by a forward to the pod: the listener is the same, its Services lead nowhere else.
  const type = nodePorts.includes(null) ? 'cluster-ip' : 'nodeport';
  const configuration = { brokers, ...(encrypted ? { brokerCertChainAndKey } : {}) };
  return [...internal, { name: 'outside', port: outsidePort, type, tls: encrypted, configuration }];
}
