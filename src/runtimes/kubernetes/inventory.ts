import type { KubernetesObject } from '../../components/kubernetes.ts';
import { type ClusterClient, fieldManager, type ObjectRef } from './client.ts';
import type { ApiObject } from './client-types.ts';
import { baseComponent, labelsOf } from './labels.ts';

/** On a namespace that we made: it goes with the stack's data. */
export const madeAnnotation = 'lambdactl.dev/made';

/**
 * What was applied for each component, kept in the cluster: an object that a later version or profile has no more is found by it, and nobody
 * needs the right to list every kind there is. Under "base" stands what belongs to no component.
 */
export class Inventory {
  private readonly client: ClusterClient;
  readonly ref: ObjectRef;
  private readonly stack: string;

  constructor(client: ClusterClient, stack: string, namespace: string) {
    this.client = client;
    this.stack = stack;
    this.ref = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `lambdactl-inventory-${stack}`, namespace },
    };
  }

  /** By component; empty before the first apply. */
  async read(signal: AbortSignal): Promise<ReadonlyMap<string, readonly ObjectRef[]>> {
    const found = await this.client.read<ApiObject & { data?: Record<string, string> }>(this.ref, signal);
    return new Map(Object.entries(found?.data ?? {}).map(([component, lines]) => [component, parseRefs(lines)]));
  }

  /** Replaces what is kept of one component, leaving the others' entries alone. */
  async write(component: string, refs: readonly ObjectRef[], signal: AbortSignal): Promise<void> {
    const data = { [component]: [...new Set(refs.map(lineOf))].sort().join('\n') };
    // A field manager of its own for each entry: components are applied side by side.
    const object: KubernetesObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: this.ref.metadata.name,
        ...(this.ref.metadata.namespace === undefined ? {} : { namespace: this.ref.metadata.namespace }),
        labels: labelsOf(this.stack, baseComponent),
      },
      data,
    };
    await this.client.apply(object, signal, { manager: `${fieldManager}-${component}` });
  }

  async remove(signal: AbortSignal): Promise<void> {
    await this.client.remove(this.ref, 'Background', signal);
  }
}

const releaseVersion = 'helm.sh/v3';

/** A Helm release as an entry of the inventory: no object, but ours to uninstall. */
export function releaseRef({ name, namespace }: { name: string; namespace: string }): ObjectRef {
  return { apiVersion: releaseVersion, kind: 'Release', metadata: { name, namespace } };
}

export const isRelease = ({ apiVersion }: ObjectRef): boolean => apiVersion === releaseVersion;

/** Whether two references name the same object, whatever version of its kind they speak of. */
export function sameObject(a: ObjectRef, b: ObjectRef): boolean {
  return keyOf(a) === keyOf(b);
}

/** "group kind namespace name" */
export function keyOf({ apiVersion, kind, metadata }: ObjectRef): string {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  return `${group} ${kind} ${metadata.namespace ?? ''} ${metadata.name}`;
}

const lineOf = ({ apiVersion, kind, metadata }: ObjectRef): string =>
  `${apiVersion} ${kind} ${metadata.namespace ?? '-'} ${metadata.name}`;

function parseRefs(lines: string): ObjectRef[] {
  return lines.split('\n').flatMap((line) => {
    const [apiVersion, kind, namespace, name] = line.split(' ');
    if (apiVersion === undefined || kind === undefined || namespace === undefined || name === undefined) return [];
    return [{ apiVersion, kind, metadata: { name, namespace: namespace === '-' ? undefined : namespace } }];
  });
}
