import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { startDockerd, stopDockerd } from './dockerd.ts';
import { paths, rigEnvironment } from './paths.ts';
import { images } from './versions.ts';

export interface RigCluster {
  name: string;
  context: string;
  /** The one node's container. */
  node: string;
  kubectl(...args: string[]): Promise<string>;
  /** kubectl with a manifest on its standard input. */
  feed(manifest: string, ...args: string[]): Promise<string>;
  docker(...args: string[]): Promise<string>;
  /** From the rig's dockerd into the node. */
  loadImage(image: string): Promise<string>;
  delete(): Promise<void>;
}

/** A cluster of one node, Ready; ports of 127.0.0.1 are mapped to NodePorts. Starts dockerd when it does not run. */
export async function createCluster(
  name: string,
  ports: readonly { hostPort: number; nodePort: number }[] = [],
): Promise<RigCluster> {
  await startDockerd();
  mkdirSync(paths.run, { recursive: true });
  const config = join(paths.run, `${name}.yaml`);
  writeFileSync(config, JSON.stringify(configOf(ports)));
  const wait = ['--image', images.node, '--wait', '180s', '--retain'];
  try {
    await call('kind', ['create', 'cluster', '--name', name, '--config', config, ...wait]);
  } finally {
    rmSync(config, { force: true });
  }
  return clusterOf(name);
}

/** A cluster that is there already, made by whom ever. */
export function clusterOf(name: string): RigCluster {
  const context = `kind-${name}`;
  const node = `${name}-control-plane`;
  return {
    name,
    context,
    node,
    kubectl: (...args) => call('kubectl', ['--context', context, ...args]),
    feed: (manifest, ...args) => call('kubectl', ['--context', context, ...args], manifest),
    docker: (...args) => call('docker', args),
    loadImage: (image) => call('kind', ['load', 'docker-image', image, '--name', name]),
    delete: async () => {
      await call('kind', ['delete', 'cluster', '--name', name]);
    },
  };
}

/** Ends everything that the rig runs. */
export const stopRig = (): Promise<void> => stopDockerd();

const configOf = (ports: readonly { hostPort: number; nodePort: number }[]) => ({
  kind: 'Cluster',
  apiVersion: 'kind.x-k8s.io/v1alpha4',
  networking: { apiServerAddress: '127.0.0.1' },
  nodes: [
    {
      role: 'control-plane',
      extraPortMappings: ports.map(({ hostPort, nodePort }) => ({
        hostPort,
        containerPort: nodePort,
        listenAddress: '127.0.0.1',
      })),
    },
  ],
});

async function call(file: string, args: readonly string[], input?: string): Promise<string> {
  const { stdout } = await execa(file, args, {
    env: rigEnvironment(),
    maxBuffer: 50_000_000,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  });
  return stdout;
}
