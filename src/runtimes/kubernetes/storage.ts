import type { Profile } from '../../platform/profile.ts';
import { stateRoot } from './image-layout.ts';

export interface Mount {
  name: string;
  mountPath: string;
  subPath?: string;
  readOnly?: boolean;
}

/** Everything that changes lies in one of these; the image itself is read-only. */
export type StateKind = 'data' | 'conf' | 'run' | 'cache';

export const stateDir = (kind: StateKind, instance: string): string => `${stateRoot}/${kind}/${instance}`;

/** Name of the volume that survives the pod. */
export const dataVolume = 'data';

/** Whether a component keeps data that must survive its pod. */
export const keepsData = (component: string, { kubernetes }: Profile): boolean => component in kubernetes.volumesGiB;

/**
 * One volume for the pod. Each instance's data is a directory of it: the volume's own top may hold a lost+found, which Kafka takes for a
 * damaged log.
 */
export function volumeClaims(component: string, labels: Readonly<Record<string, string>>, { kubernetes }: Profile) {
  const size = kubernetes.volumesGiB[component];
  if (size === undefined) return [];
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: dataVolume, labels },
      spec: {
        accessModes: ['ReadWriteOnce'],
        ...(kubernetes.storageClass === undefined ? {} : { storageClassName: kubernetes.storageClass }),
        resources: { requests: { storage: `${size}Gi` } },
      },
    },
  ];
}

/** Where programs that heed nothing else put their temporary files. */
export const scratchMount: Mount = { name: 'tmp', mountPath: '/tmp' };

/** Of one instance; `data` of all instances of the pod is mounted in each, because they share files. */
export function mountsOf(instance: string, together: readonly string[], withConf: boolean): Mount[] {
  return [
    scratchMount,
    ...together.map((each) => ({ name: dataVolume, mountPath: stateDir('data', each), subPath: each })),
    { name: 'run', mountPath: stateDir('run', instance), subPath: instance },
    { name: 'cache', mountPath: stateDir('cache', instance), subPath: instance },
    ...(withConf ? [{ name: `conf-${instance}`, mountPath: stateDir('conf', instance), readOnly: true }] : []),
  ];
}

/** Volumes that go with the pod. */
export function scratchVolumes(component: string, profile: Profile) {
  const names = [scratchMount.name, 'run', 'cache', ...(keepsData(component, profile) ? [] : [dataVolume])];
  return names.map((name) => ({ name, emptyDir: {} }));
}
