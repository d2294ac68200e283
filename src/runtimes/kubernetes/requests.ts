import type { KubernetesObject } from '../../components/kubernetes.ts';
import { mebibytesOf } from './quantities.ts';

/**
 * Memory that the pods of these objects ask for together, MiB, as the scheduler counts it: the containers of a pod together, or its biggest
 * preparation where that is more. Custom resources are counted by who defines them.
 */
export function requestedMiB(objects: readonly KubernetesObject[]): number {
  return objects.reduce((sum, object) => sum + replicasOf(object) * podMiB(object), 0);
}

function replicasOf({ spec }: KubernetesObject): number {
  const replicas = field(spec, 'replicas');
  return typeof replicas === 'number' ? replicas : 1;
}

function podMiB({ spec }: KubernetesObject): number {
  const pod = field(field(spec, 'template'), 'spec');
  const requests = (key: string): number[] => {
    const containers = field(pod, key);
    return Array.isArray(containers) ? containers.map(containerMiB) : [];
  };
  const together = requests('containers').reduce((sum, each) => sum + each, 0);
  return Math.max(together, ...requests('initContainers'));
}

function containerMiB(container: unknown): number {
  const memory = field(field(field(container, 'resources'), 'requests'), 'memory');
  return typeof memory === 'string' ? mebibytesOf(memory) : 0;
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
