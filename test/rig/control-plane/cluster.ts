import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { findRig, type Rig } from './cache.ts';
import { kwokConfig } from './kwok.ts';
import { defaultNodes, type NodeShape, nodeObjects, volumeObjects } from './node-objects.ts';
import { freePorts, makeDirectory, removeDirectory, signingKey } from './own.ts';
import { type RigProcess, startProcess, untilReady } from './processes.ts';

export interface ClusterOptions {
  /** Which sources of crds.json (names) to install; all with true. Default none. */
  crds?: boolean | readonly string[];
  /** Default: two nodes of 16 cores and 32 GiB. */
  nodes?: Partial<NodeShape>;
  /** Volumes of 500 GiB that claims of the class "standard" are bound to. Default 60. */
  volumes?: number;
  /** Without them the API server is alone: enough for dry-runs and questions about rights, and there sooner. Default true. */
  controllers?: boolean;
  /** Lines that every container has in its log. */
  log?: readonly string[];
  /** Local port where a port-forward to any pod ends. */
  forwardTo?: number;
}

export interface KubectlResult {
  ok: boolean;
  stdout: string;
  stderr: string;
}

/** A real API server with its controllers on loopback, and pods that only pretend (kwok.ts). Dies with the process that started it. */
export interface ControlPlane {
  rig: Rig;
  /** Scratch directory, removed by stop(). */
  dir: string;
  /** "https://127.0.0.1:PORT" */
  server: string;
  /** Of a user who may do everything; its only context is `context`. */
  kubeconfig: string;
  context: 'rig';
  adminToken: string;
  /** Certificate of the API server, PEM. */
  caFile: string;
  /** KUBECONFIG, and PATH with the rig's kubectl, helm and kubeseal first. */
  env: { KUBECONFIG: string; PATH: string };
  /** Path of a kubeconfig that acts as another user: for what a user without rights is told. */
  kubeconfigAs(user: string, groups?: readonly string[]): Promise<string>;
  /** @throws Error with what kubectl said. @returns stdout */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  tryKubectl(args: readonly string[], input?: string): Promise<KubectlResult>;
  /** Log of "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler" or "kwok". */
  log(process: string): string;
  /** Runs `work` as one more process of this cluster, ended by stop(). */
  adopt(process: RigProcess): void;
  stop(): Promise<void>;
}

const attempts = 3;

/**
 * Starts the control plane; ready in a few seconds.
 * @throws Error when the rig is not built, or a program does not come up
 */
export async function startControlPlane(options: ClusterOptions = {}): Promise<ControlPlane> {
  const rig = findRig();
  if ('missing' in rig) throw new Error(rig.missing);
  for (let attempt = 1; ; attempt++) {
    const dir = await makeDirectory();
    const processes: RigProcess[] = [];
    try {
      return await start({ rig, dir, processes, options });
    } catch (error) {
      for (const each of processes.toReversed()) await each.stop();
      await removeDirectory(dir);
      // A port that was free a moment ago went to somebody else.
      if (attempt === attempts || !String(error).includes('address already in use')) throw error;
    }
  }
}

interface StartFrame {
  rig: Rig;
  dir: string;
  processes: RigProcess[];
  options: ClusterOptions;
}

async function start(frame: StartFrame): Promise<ControlPlane> {
  const { rig, dir, processes, options } = frame;
  const [etcd = 0, etcdPeer = 0, api = 0, kubelet = 0] = await freePorts(4);
  const adminToken = randomBytes(16).toString('hex');
  const run = async (name: string, args: readonly string[]) => {
    const process = await startProcess({ name, executable: rig.bin(name), args, dir });
    processes.push(process);
    return process;
  };
  await Promise.all([
    writeFile(join(dir, 'tokens.csv'), `${adminToken},admin,admin,system:masters\n`, { mode: 0o600 }),
    signingKey(dir),
  ]);
  const etcdProcess = await run('etcd', etcdArguments(dir, etcd, etcdPeer));
  await untilReady(etcdProcess, async () => (await fetch(`http://127.0.0.1:${etcd}/health`)).ok);
  const apiProcess = await run('kube-apiserver', apiArguments(dir, etcd, api));
  const cluster = await describe(frame, { server: `https://127.0.0.1:${api}`, adminToken });
  await untilReady(apiProcess, () => isReady(cluster));
  if (options.controllers !== false) await startControllers(run, cluster, kubelet, options);
  await populate(cluster, options);
  return cluster;
}

const etcdArguments = (dir: string, client: number, peer: number) => [
  '--name=rig',
  `--data-dir=${join(dir, 'etcd')}`,
  `--listen-client-urls=http://127.0.0.1:${client}`,
  `--advertise-client-urls=http://127.0.0.1:${client}`,
  `--listen-peer-urls=http://127.0.0.1:${peer}`,
  `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
  `--initial-cluster=rig=http://127.0.0.1:${peer}`,
  // Nothing here is worth a write to disk.
  '--unsafe-no-fsync',
  '--log-level=warn',
];

const apiArguments = (dir: string, etcd: number, port: number) => [
  `--etcd-servers=http://127.0.0.1:${etcd}`,
  '--bind-address=127.0.0.1',
  '--advertise-address=127.0.0.1',
  `--secure-port=${port}`,
  `--cert-dir=${join(dir, 'pki')}`,
  `--token-auth-file=${join(dir, 'tokens.csv')}`,
  '--authorization-mode=RBAC',
  `--service-account-key-file=${join(dir, 'sa.pub')}`,
  `--service-account-signing-key-file=${join(dir, 'sa.key')}`,
  '--service-account-issuer=https://kubernetes.default.svc',
  '--service-cluster-ip-range=10.96.0.0/16',
  '--endpoint-reconciler-type=none',
  '--kubelet-preferred-address-types=InternalIP',
  '--profiling=false',
];

async function startControllers(
  run: (name: string, args: readonly string[]) => Promise<RigProcess>,
  cluster: ControlPlane,
  kubelet: number,
  { log = [], forwardTo }: ClusterOptions,
): Promise<void> {
  const { dir, kubeconfig, caFile } = cluster;
  const at = (name: string) => join(dir, name);
  const logFile = at('container.log');
  await writeFile(logFile, log.map((line) => `2026-01-01T00:00:00.000000000Z stdout F ${line}\n`).join(''));
  await writeFile(at('kwok.yaml'), kwokConfig({ logFile, forwardTo: forwardTo ?? null }));
  const common = [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0'];
  await run('kube-controller-manager', [
    ...common,
    '--controllers=*,-node-ipam-controller,-cloud-node-lifecycle-controller',
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${at('sa.key')}`,
    `--root-ca-file=${caFile}`,
    // Volumes are bound at the next look; in a cluster with two users that may be sooner.
    '--pvclaimbinder-sync-period=1s',
  ]);
  await run('kube-scheduler', common);
  await run('kwok', [
    `--kubeconfig=${kubeconfig}`,
    `--config=${at('kwok.yaml')}`,
    '--manage-all-nodes=true',
    '--node-lease-duration-seconds=40',
    '--cidr=10.244.0.0/16',
    '--node-ip=127.0.0.1',
    `--node-port=${kubelet}`,
    `--server-address=127.0.0.1:${kubelet}`,
    // The kubelet's certificate is checked by nobody; any will do.
    `--tls-cert-file=${caFile}`,
    `--tls-private-key-file=${at('pki/apiserver.key')}`,
  ]);
}

async function populate(
  cluster: ControlPlane,
  { crds = false, controllers = true, nodes, volumes = 60 }: ClusterOptions,
): Promise<void> {
  const objects = [...nodeObjects({ ...defaultNodes, ...nodes }), ...volumeObjects(volumes)];
  await cluster.kubectl(['create', '-f', '-'], objects.map((each) => stringify(each)).join('---\n'));
  // No pod is let in before its namespace has an account, which a controller makes.
  const account = ['wait', '--for=create', 'serviceaccount/default', '--namespace=default', '--timeout=60s'];
  if (controllers) await cluster.kubectl(account);
  const sources = cluster.rig.crds();
  const wanted = crds === true ? [...sources.keys()] : crds === false ? [] : crds;
  if (wanted.length === 0) return;
  const files = wanted.flatMap((name) => ['-f', sources.get(name) ?? `no source ${name} in crds.json`]);
  await cluster.kubectl(['apply', '--server-side', ...files]);
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
}

async function describe(
  { rig, dir, processes }: StartFrame,
  { server, adminToken }: { server: string; adminToken: string },
): Promise<ControlPlane> {
  const caFile = join(dir, 'pki', 'apiserver.crt');
  const kubeconfig = join(dir, 'kubeconfig');
  const env = { KUBECONFIG: kubeconfig, PATH: [join(rig.dir, 'bin'), process.env.PATH].join(delimiter) };
  const writeConfig = async (path: string, user: object) => {
    await writeFile(path, stringify(kubeconfigOf(server, caFile, user)), { mode: 0o600 });
    return path;
  };
  await writeConfig(kubeconfig, { token: adminToken });
  const tryKubectl = async (args: readonly string[], input = '') => {
    const result = await execa(rig.bin('kubectl'), [...args], { reject: false, input, env: { ...env, HOME: dir } });
    return { ok: !result.failed, stdout: result.stdout, stderr: result.stderr };
  };
  return {
    ...{ rig, dir, server, kubeconfig, context: 'rig', adminToken, caFile, env, tryKubectl },
    kubeconfigAs: (user, groups = []) =>
      writeConfig(join(dir, `kubeconfig-${user.replaceAll(/\W+/g, '-')}`), {
        token: adminToken,
        as: user,
        'as-groups': ['system:authenticated', ...groups],
      }),
    kubectl: async (args, input) => {
      const { ok, stdout, stderr } = await tryKubectl(args, input);
      if (!ok) throw new Error(`kubectl ${args.join(' ')}: ${stderr || stdout}`);
      return stdout;
    },
    log: (name) => readFileSync(join(dir, `${name}.log`), 'utf8'),
    adopt: (process) => void processes.push(process),
    stop: async () => {
      for (const each of processes.splice(0).toReversed()) await each.stop();
      await removeDirectory(dir);
    },
  };
}

const kubeconfigOf = (server: string, caFile: string, user: object) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'rig', cluster: { server, 'certificate-authority': caFile } }],
  users: [{ name: 'rig', user }],
  contexts: [{ name: 'rig', context: { cluster: 'rig', user: 'rig' } }],
  'current-context': 'rig',
});

function isReady({ server, adminToken, caFile }: ControlPlane): Promise<boolean> {
  return new Promise((settle, fail) => {
    const headers = { authorization: `Bearer ${adminToken}` };
    request(`${server}/readyz`, { headers, ca: readFileSync(caFile), agent: false, timeout: 2_000 }, (response) => {
      response.resume();
      settle(response.statusCode === 200);
    })
      .once('timeout', () => fail(new Error('no answer')))
      .once('error', fail)
      .end();
  });
}
