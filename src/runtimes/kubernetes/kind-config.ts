import type { Profile } from '../../platform/profile.ts';

export interface KindPort {
  /** On this machine, 127.0.0.1. */
  hostPort: number;
  /** In the node: a NodePort, or 80 and 443. */
  nodePort: number;
}

export interface KindConfigRequest {
  name: string;
  profile: Profile;
  ports: readonly KindPort[];
  /** Put on every node: who made it, and for which home. */
  labels: Readonly<Record<string, string>>;
}

/** What a node and its pods see as their registry where the images' prefix names one of this machine; null elsewhere. */
export function localRegistryOf(prefix: string): { name: string; port: number } | null {
  const [, name, port] = /^((?:localhost|127\.0\.0\.1):(\d+))(?:\/|$)/.exec(prefix) ?? [];
  return name === undefined ? null : { name, port: Number(port) };
}

/**
 * Lets containerd look for hosts.toml files, through which nodes find a registry of this machine. Images of kind 0.27 and newer do so by
 * themselves, and ignore the patch, which is written for the older ones' form of its settings.
 */
const registryPatch = '[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"\n';

/** kind's own configuration (kind.x-k8s.io/v1alpha4), to be written as YAML or JSON. */
export function kindConfig({ name, profile, ports, labels }: KindConfigRequest): Readonly<Record<string, unknown>> {
  const { kindWorkers, kindNodeImage, images } = profile.kubernetes;
  const common = { labels, ...(kindNodeImage === undefined ? {} : { image: kindNodeImage }) };
  // One node carries the mappings for all: a NodePort answers on each of them, wherever its pod runs.
  const extraPortMappings = ports.map(({ hostPort, nodePort }) => ({
    containerPort: nodePort,
    hostPort,
    listenAddress: '127.0.0.1',
    protocol: 'TCP',
  }));
  return {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    name,
    // Nobody but this machine speaks with its API server.
    networking: { apiServerAddress: '127.0.0.1' },
    ...(localRegistryOf(images.prefix) === null ? {} : { containerdConfigPatches: [registryPatch] }),
    nodes: [
      { role: 'control-plane', ...common, extraPortMappings },
      ...Array.from({ length: kindWorkers }, () => ({ role: 'worker', ...common })),
    ],
  };
}

/** What a cluster takes besides the components, MiB: control plane, DNS and network on one node, an agent and network on each further one. */
const controlPlaneMiB = 800;
const workerMiB = 300;

export const clusterOverheadMiB = ({ kubernetes }: Profile): number =>
  controlPlaneMiB + workerMiB * kubernetes.kindWorkers;
