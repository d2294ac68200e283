import type { KubernetesContext, KubernetesObject } from '../../components/kubernetes.ts';
import { baseComponent, labelsOf } from './labels.ts';

/** Every pod keeps to the level "restricted", and what does not is not let in. */
const podSecurityLabels = Object.fromEntries(
  ['enforce', 'audit', 'warn'].flatMap((mode) => [
    [`pod-security.kubernetes.io/${mode}`, 'restricted'],
    [`pod-security.kubernetes.io/${mode}-version`, 'latest'],
  ]),
);

/** Names of the namespaces in use; a profile may put all of them into one. */
export function namespacesOf({ profile: { kubernetes } }: Pick<KubernetesContext, 'profile'>): string[] {
  const { data, processing, monitoring } = kubernetes.namespaces;
  return [...new Set([data, processing, ...(kubernetes.monitoring ? [monitoring] : [])])];
}

export function namespaceObjects(context: KubernetesContext): KubernetesObject[] {
  return namespacesOf(context).map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { ...labelsOf(context.stack, baseComponent), ...podSecurityLabels } },
  }));
}
