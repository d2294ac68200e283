import type { ComponentDefinition, PortNeed } from '../../components/contract.ts';
import { outsidePort } from '../../components/kafka/component.ts';
import type { KubernetesContext, KubernetesObject } from '../../components/kubernetes.ts';
import { flowsOf } from '../../platform/flows.ts';
import type { Profile } from '../../platform/profile.ts';
import { labelsOf, podOf } from './labels.ts';

/** "broker" of "kafka-2.broker": unique in an instance, and the name of the port in its container. */
export const portName = ({ id }: Pick<PortNeed, 'id'>): string => id.slice(id.lastIndexOf('.') + 1);

/** Whether the user's own programs speak to it. */
export function isForUsers(definition: ComponentDefinition, need: PortNeed, profile: Profile): boolean {
  return flowsOf(profile).some(
    ({ from, to }) =>
      from === 'users' && 'component' in to && to.component === definition.name && to.ports.includes(portName(need)),
  );
}

/** The port in the pod at which users arrive: Kafka tells them another address than its neighbours, so it listens twice. */
export function userPort(definition: ComponentDefinition, need: PortNeed, context: KubernetesContext): number {
  return definition.name === 'kafka' && context.outside(need.id) !== null ? outsidePort : context.port(need.id);
}

/**
 * How an instance is reached: by the others under its own name, by users through every node where the cluster's nodes are the way in.
 * @param pod name of the StatefulSet that the instance runs in
 */
export function servicesFor(
  definition: ComponentDefinition,
  instance: string,
  pod: string,
  context: KubernetesContext,
): KubernetesObject[] {
  const { profile, stack } = context;
  const needs = definition.ports(profile).filter((need) => need.instance === instance);
  if (needs.length === 0) return [];
  const metadata = { namespace: context.namespaceOf(definition.name), labels: labelsOf(stack, definition.name) };
  const selector = podOf(stack, pod);
  const inside: KubernetesObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: instance, ...metadata },
    spec: {
      type: 'ClusterIP',
      selector,
      // Voters of Kafka's quorum find each other before any of them is ready.
      ...(definition.instances(profile).length > 1 && instance === pod ? { publishNotReadyAddresses: true } : {}),
      ports: needs.map((need) => ({
        name: portName(need),
        port: context.port(need.id),
        targetPort: portName(need),
        protocol: 'TCP',
      })),
    },
  };
  const open = needs.flatMap((need) => {
    const nodePort = isForUsers(definition, need, profile) ? context.nodePort(need.id) : null;
    return nodePort === null ? [] : [{ need, nodePort }];
  });
  if (open.length === 0) return [inside];
  const outside: KubernetesObject = {
    apiVersion: 'v1',
    kind: 'Service',
    // Of its own: a Service of type NodePort opens all of its ports.
    metadata: { name: `${instance}-outside`, ...metadata },
    spec: {
      type: 'NodePort',
      selector,
      ports: open.map(({ need, nodePort }) => ({
        name: portName(need),
        port: context.port(need.id),
        targetPort: userPort(definition, need, context),
        nodePort,
        protocol: 'TCP',
      })),
    },
  };
  return [inside, outside];
}
