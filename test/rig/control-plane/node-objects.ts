/** What a cluster has before anybody asks it for something: nodes that kwok plays, and volumes to bind. */
const gigabyte = 1024 ** 3;

export interface NodeShape {
  count: number;
  cpu: number;
  memoryBytes: number;
}

export const defaultNodes: NodeShape = { count: 2, cpu: 16, memoryBytes: 32 * gigabyte };

export function nodeObjects({ count, cpu, memoryBytes }: NodeShape): object[] {
  const resources = { cpu: String(cpu), memory: String(memoryBytes), 'ephemeral-storage': '100Gi', pods: '110' };
  return Array.from({ length: count }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `node-${index + 1}`,
      labels: {
        'kubernetes.io/hostname': `node-${index + 1}`,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'topology.kubernetes.io/zone': `zone-${index + 1}`,
      },
    },
    status: { allocatable: resources, capacity: resources },
  }));
}

/** Bound by the real volume controller; nothing is ever mounted. Class "standard" is the default one, as in kind. */
export function volumeObjects(count: number): object[] {
  const storageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'Immediate',
  };
  const volumes = Array.from({ length: count }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `volume-${index + 1}` },
    spec: {
      capacity: { storage: '500Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'standard',
      hostPath: { path: `/var/empty/volume-${index + 1}` },
    },
  }));
  return [storageClass, ...volumes];
}
