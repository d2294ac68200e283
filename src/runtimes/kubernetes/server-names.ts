import type { ComponentDefinition } from '../../components/contract.ts';
import type { Profile } from '../../platform/profile.ts';
import { deliveryOf, namespaceOf } from './context.ts';

/** Names under which an instance is reached within the cluster: what its certificate must be for. */
export function serverNames({ name }: ComponentDefinition, instance: string, profile: Profile): string[] {
  const namespace = namespaceOf(name, profile);
  const operator = deliveryOf(name, profile);
  const service = operator?.service(instance) ?? instance;
  return [
    ...['', `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`].map((end) => `${service}${end}`),
    ...(operator?.serverNames?.(namespace) ?? []),
  ];
}
