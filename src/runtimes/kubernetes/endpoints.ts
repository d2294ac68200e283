import type { ComponentDefinition, Endpoint, RenderContext } from '../../components/contract.ts';
import { outsidePort } from '../../components/kafka/component.ts';
import type { KubernetesContext } from '../../components/kubernetes.ts';
import { loopbackNetwork } from '../../components/network.ts';
import type { ForwardTarget } from './forward.ts';

/** Endpoints as users of this machine reach them: the stack's ports on loopback, as with the embedded runtime. */
export function outsideEndpoints(
  components: readonly ComponentDefinition[],
  context: KubernetesContext,
  ports: Readonly<Record<string, number>>,
): readonly Endpoint[] {
  const outside = outsideContext(context, ports);
  return components.flatMap((definition) => definition.endpoints(outside));
}

function outsideContext(context: KubernetesContext, ports: Readonly<Record<string, number>>): RenderContext {
  const { stack, profile, user, secret, certificates, artifact, dir, projectDir, projectHash, template, python } =
    context;
  return {
    ...{ stack, profile, user, secret, certificates, artifact, dir, projectDir, projectHash, template, python },
    ...loopbackNetwork,
    port: (id) => {
      const port = ports[id];
      if (port === undefined) throw new Error(`port ${id} was not declared or never chosen`);
      return port;
    },
  };
}

/** What must be led into the cluster for these endpoints to answer: every port of loopback that they name, and where it ends. */
export function forwardsFor(
  endpoints: readonly Endpoint[],
  components: readonly ComponentDefinition[],
  context: KubernetesContext,
  ports: Readonly<Record<string, number>>,
): readonly { port: number; target: ForwardTarget }[] {
  const named = new Set(
    endpoints.flatMap(({ url }) => [...url.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port))),
  );
  return components.flatMap((definition) =>
    definition
      .ports(context.profile)
      .filter(({ id }) => named.has(ports[id] ?? 0))
      .map(({ id, instance }) => ({ port: ports[id] ?? 0, target: targetOf(id, instance, definition, context) })),
  );
}

function targetOf(
  id: string,
  instance: string,
  { name }: ComponentDefinition,
  context: KubernetesContext,
): ForwardTarget {
  const [service = instance] = context.hostOf(instance).split('.');
  // A broker tells clients where to go on: those from outside come in by a listener of their own, which names our port.
  const port = id.endsWith('.broker') ? outsidePort : context.port(id);
  return { namespace: context.namespaceOf(name), service, port };
}
