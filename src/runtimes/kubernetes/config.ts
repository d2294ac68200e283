import { createHash } from 'node:crypto';
import type { KubernetesObject } from '../../components/kubernetes.ts';
import type { RenderedFile } from '../../core/service-spec.ts';
import { sorted } from '../sorted.ts';
import type { Parted } from './secrecy.ts';
import { stateDir } from './storage.ts';

interface Place {
  namespace: string;
  labels: Readonly<Record<string, string>>;
}

const confName = (instance: string): string => `${instance}-conf`;

/** Keys of a ConfigMap hold no slash. */
const keyOf = (path: string, instance: string): string => relative(path, instance).replaceAll('/', '__');

function relative(path: string, instance: string): string {
  const top = `${stateDir('conf', instance)}/`;
  if (!path.startsWith(top)) throw new Error(`${instance} wants a file outside its conf directory: ${path}`);
  return path.slice(top.length);
}

/** Config files of an instance: what anybody may read in a ConfigMap, the rest in a Secret of the same name. */
export function configObjects(instance: string, files: Parted<RenderedFile>, place: Place): KubernetesObject[] {
  const dataOf = (some: readonly RenderedFile[]) =>
    Object.fromEntries(some.map(({ path, content }) => [keyOf(path, instance), content]));
  const metadata = { name: confName(instance), ...place };
  return [
    ...(files.open.length === 0 ? [] : [{ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: dataOf(files.open) }]),
    ...(files.secret.length === 0 ? [] : [secretObject(confName(instance), dataOf(files.secret), place)]),
  ];
}

export function secretObject(name: string, values: Readonly<Record<string, string>>, place: Place): KubernetesObject {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, ...place }, type: 'Opaque', data };
}

/** Only the group may read them, for no file of a volume is the user's own. */
const fileMode = 0o440;

/** Both of `configObjects` as one read-only directory. */
export function configVolume(name: string, instance: string, files: Parted<RenderedFile>) {
  const itemsOf = (some: readonly RenderedFile[]) =>
    some.map(({ path }) => ({ key: keyOf(path, instance), path: relative(path, instance) }));
  const source = (kind: 'configMap' | 'secret', some: readonly RenderedFile[]) =>
    some.length === 0 ? [] : [{ [kind]: { name: confName(instance), items: itemsOf(some) } }];
  const sources = [...source('configMap', files.open), ...source('secret', files.secret)];
  return { name, projected: { defaultMode: fileMode, sources } };
}

/** Equal as long as neither the pod nor any content that it is given changed. */
export function specHash(...parts: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify(parts.map(sorted)))
    .digest('hex')
    .slice(0, 32);
}
