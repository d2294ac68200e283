import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ControlPlane } from './cluster.ts';
import { freePorts } from './own.ts';
import { startProcess, untilReady } from './processes.ts';

export interface SealedSecrets {
  /** PEM file that `kubeseal --cert` and `lambdactl secrets seal --cert` take. */
  certificate: string;
  namespace: 'kube-system';
  /** Ends the controller; what it made stays. */
  stop(): Promise<void>;
}

export interface SealedSecretsOptions {
  /** Make a new sealing key at the start, as the controller does every 30 days; those that there are keep opening. */
  renew?: boolean;
}

/** Runs where /var/run/secrets is its own: the controller takes its credentials from there and nowhere else. */
const inItsOwnMounts = `
set -e
mount -t tmpfs none /run
mkdir -p /run/secrets/kubernetes.io
cp -r "$1" /run/secrets/kubernetes.io/serviceaccount
shift
exec "$@"`;

/**
 * Installs the sealed-secrets chart (definitions, roles, service account) and runs its real controller under that account,
 * with the rights it has in a cluster; the pod of its Deployment only pretends. Linux only.
 */
export async function startSealedSecrets(
  cluster: ControlPlane,
  { renew = false }: SealedSecretsOptions = {},
): Promise<SealedSecrets> {
  const namespace = 'kube-system';
  const name = 'sealed-secrets-controller';
  const chart = cluster.rig.chart('sealed-secrets');
  if (chart === null) throw new Error('the rig has no chart of sealed-secrets');
  const helm = ['upgrade', '--install', name, chart, '--namespace', namespace, '--set', `fullnameOverride=${name}`];
  await execa(cluster.rig.bin('helm'), helm, { env: { ...cluster.env, HOME: cluster.dir } });
  const account = join(cluster.dir, 'sealed-secrets');
  await execa('mkdir', ['-p', account]);
  // Keys older than this seal no more; of this second's it is not sure.
  const cutoff = new Date(Date.now() + 2_000).toUTCString().replace('GMT', '+0000');
  const token = await cluster.kubectl(['create', 'token', name, '--namespace', namespace, '--duration=4h']);
  await writeFile(join(account, 'token'), token, { mode: 0o600 });
  await writeFile(join(account, 'namespace'), namespace);
  await execa('cp', [cluster.caFile, join(account, 'ca.crt')]);
  const [port = 0, metrics = 0] = await freePorts(2);
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const controller = await startProcess({
    name,
    executable: 'unshare',
    args: [
      ...[...user, '--mount', '--propagation', 'private', '--'],
      // Entering a user namespace clears the signal that the outer setpriv asked for.
      ...['setpriv', '--pdeathsig', 'KILL', '--', 'sh', '-c', inItsOwnMounts, 'sh', account],
      cluster.rig.bin(name),
      ...['--key-size=2048', `--listen-addr=127.0.0.1:${port}`, `--listen-metrics-addr=127.0.0.1:${metrics}`],
      ...(renew ? [`--key-cutoff-time=${cutoff}`] : []),
    ],
    dir: cluster.dir,
    env: {
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: new URL(cluster.server).port,
      POD_NAMESPACE: namespace,
    },
  });
  cluster.adopt(controller);
  const certificate = join(cluster.dir, 'sealing.pem');
  await untilReady(controller, async () => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/cert.pem`);
    if (response.ok) await writeFile(certificate, await response.text());
    return response.ok;
  });
  return { certificate, namespace, stop: () => controller.stop() };
}
