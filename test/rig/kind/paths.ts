import { homedir } from 'node:os';
import { join } from 'node:path';

/** Directory of the rig's sources. */
export const sources = import.meta.dirname;

const cache = process.env.LAMBDACTL_RIG_CACHE ?? join(homedir(), '.cache', 'lambdactl-rig');
/** Everything that the rig makes; may be deleted when it is down. */
export const root = join(cache, 'kind');

export const paths = {
  /** Programs built here, and links to those of Debian; first on the PATH of everything that the rig starts. */
  bin: join(root, 'bin'),
  /** helm, kubeseal and the operators: only for the tests of these, because lambdactl takes what it finds on the PATH. */
  operatorBin: join(root, 'operators', 'bin'),
  stamps: join(root, 'stamps'),
  logs: join(root, 'log'),
  /** Rootfs of a kind node. */
  nodeRootfs: join(root, 'node-rootfs'),
  /** Layers and archives of images. */
  images: join(root, 'images'),
  /** dockerd's data: images and containers. */
  dockerData: join(root, 'docker'),
  run: join(root, 'run'),
  /** Client configuration of docker: an empty one, so that the user's own is neither read nor changed. */
  dockerConfig: join(root, 'docker-config'),
  dockerPid: join(root, 'run', 'docker.pid'),
  dockerSocket: join(root, 'run', 'docker.sock'),
  kubeconfig: join(root, 'run', 'kubeconfig'),
} as const;

/** What programs must see to use the rig's docker and its tools, and nobody else's. */
export function rigEnvironment(): Record<string, string> {
  return {
    PATH: `${paths.bin}:${process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin'}`,
    DOCKER_HOST: `unix://${paths.dockerSocket}`,
    DOCKER_CONFIG: paths.dockerConfig,
    // dockerd of Debian 12 has no buildx.
    DOCKER_BUILDKIT: '0',
    KUBECONFIG: paths.kubeconfig,
    KIND_EXPERIMENTAL_PROVIDER: 'docker',
  };
}
