import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../e2e/cli.ts';
import { createCluster, type RigCluster, stopRig } from '../rig/kind/cluster.ts';
import { pidOfDockerd } from '../rig/kind/dockerd.ts';
import { enforcePolicies } from '../rig/kind/policies.ts';
import { rigIsBuilt } from '../rig/kind/rig.ts';
import { baseImage, versions } from '../rig/kind/versions.ts';

const namespace = 'shop';
const nodePort = 30080;

/** Passes Pod Security "restricted", as everything of lambdactl's own does. */
const container = (name: string, command: readonly string[]) => ({
  name,
  image: baseImage.name,
  imagePullPolicy: 'Never',
  command,
  resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '96Mi' } },
  securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
});
const podSpec = (name: string, command: readonly string[]) => ({
  enableServiceLinks: false,
  automountServiceAccountToken: false,
  terminationGracePeriodSeconds: 1,
  securityContext: { runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [container(name, command)],
});
const object = (apiVersion: string, kind: string, name: string, rest: object, labels?: object) => ({
  apiVersion,
  kind,
  metadata: { name, ...(kind === 'Namespace' ? {} : { namespace }), ...(labels === undefined ? {} : { labels }) },
  ...rest,
});

const web = {
  ...podSpec('web', ['python3', '-m', 'http.server', '8080', '--directory', '/data']),
  volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'web' } }],
};
const [server] = web.containers;
const objects = [
  object('v1', 'Namespace', namespace, {}, { 'pod-security.kubernetes.io/enforce': 'restricted' }),
  object('v1', 'PersistentVolumeClaim', 'web', {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }),
  object('apps/v1', 'Deployment', 'web', {
    spec: {
      strategy: { type: 'Recreate' },
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          ...web,
          containers: [
            {
              ...server,
              volumeMounts: [{ name: 'data', mountPath: '/data' }],
              readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  }),
  object('v1', 'Service', 'web', {
    spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080, nodePort }] },
  }),
  object('v1', 'Pod', 'client', { spec: podSpec('client', ['sleep', 'infinity']) }, { role: 'client' }),
];
const listOf = (items: readonly object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

// Ordered: every test goes on from where the one before left the cluster.
describe.skipIf(!rigIsBuilt())('a cluster of the rig', () => {
  const wasUp = pidOfDockerd() !== null;
  let cluster: RigCluster;
  let hostPort: number;

  beforeAll(async () => {
    hostPort = await freePort();
    cluster = await createCluster('lambdactl-rig-test', [{ hostPort, nodePort }]);
    await cluster.loadImage(baseImage.name);
    // A namespace's default service account comes a moment after it, and pods want it.
    await cluster.feed(listOf(objects.slice(0, 1)), 'apply', '-f', '-');
    await until(
      () => cluster.kubectl('-n', namespace, 'get', 'serviceaccounts', '-o', 'name'),
      (names) => names.includes('serviceaccount/default'),
    );
    await cluster.feed(listOf(objects), 'apply', '-f', '-');
    await cluster.kubectl('-n', namespace, 'wait', '--for=condition=Ready', 'pod/client', '--timeout=120s');
    await cluster.kubectl('-n', namespace, 'rollout', 'status', 'deployment/web', '--timeout=120s');
  });
  afterAll(async () => {
    await cluster?.delete();
    if (!wasUp) await stopRig();
  });

  const kubectl = (...args: string[]) => cluster.kubectl('-n', namespace, ...args);
  /** What a program of the client pod sees: the answer's first line, or the name of the error. */
  const fetched = (url: string) =>
    kubectl('exec', 'client', '--', 'python3', '-c', program, url).then((text) => text.trim());
  const program = `
import sys, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())
except OSError as error:
    print(type(getattr(error, 'reason', error)).__name__)
`;
  const outside = () => fetch(`http://127.0.0.1:${hostPort}/hello`).then((answer) => answer.text());

  it('is Kubernetes of the pinned version', async () => {
    const [node] = JSON.parse(await cluster.kubectl('get', 'nodes', '-o', 'json')).items;
    expect(node.status.nodeInfo.kubeletVersion).toBe(versions.kubernetes);
  });

  it('binds a claim, and a Service finds the pod by its name', async () => {
    const claim = await kubectl('get', 'pvc', 'web', '-o', 'jsonpath={.status.phase}');
    expect(claim).toBe('Bound');
    await kubectl('exec', 'deploy/web', '--', 'sh', '-c', 'echo kept > /data/hello');
    expect(await fetched(`http://web.${namespace}.svc/hello`)).toBe('kept');
    expect(await fetched(`http://web.${namespace}.svc.cluster.local/hello`)).toBe('kept');
  });

  it('answers at a port of 127.0.0.1', async () => {
    expect(await outside()).toBe('kept\n');
  });

  it('lets nothing out of the machine', async () => {
    // An address for documentation: refused by the rule, rather than swallowed on its way.
    expect(await fetched('http://198.51.100.1/')).toBe('ConnectionRefusedError');
  });

  it('keeps data when a pod is replaced', async () => {
    await kubectl('delete', 'pod', '-l', 'app=web', '--wait=true');
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=120s');
    // The Service's rules come a moment after the pod's readiness.
    await until(
      () => fetched('http://web/hello'),
      (text) => text === 'kept',
    );
  });

  it('refuses a pod that may do more than "restricted" allows', async () => {
    const pod = object('v1', 'Pod', 'privileged', {
      spec: { containers: [{ name: 'c', image: baseImage.name, securityContext: { privileged: true } }] },
    });
    await expect(cluster.feed(JSON.stringify(pod), 'apply', '-f', '-')).rejects.toThrow(/violates PodSecurity/);
  });

  it('enforces network policies by traffic', async () => {
    const policy = (name: string, spec: object) => object('networking.k8s.io/v1', 'NetworkPolicy', name, { spec });
    const deny = policy('default-deny', { podSelector: {}, policyTypes: ['Ingress'] });
    await cluster.feed(JSON.stringify(deny), 'apply', '-f', '-');
    expect(await enforcePolicies(cluster)).toBe(2);
    expect(await fetched('http://web/hello')).toBe('TimeoutError');
    const allow = policy('web', {
      podSelector: { matchLabels: { app: 'web' } },
      ingress: [{ from: [{ podSelector: { matchLabels: { role: 'client' } } }], ports: [{ port: 8080 }] }],
    });
    await cluster.feed(JSON.stringify(allow), 'apply', '-f', '-');
    await enforcePolicies(cluster);
    expect(await fetched('http://web/hello')).toBe('kept');
    await kubectl('delete', 'networkpolicies', '--all');
    await enforcePolicies(cluster);
  });

  it('ends what takes more memory than its limit', async () => {
    const spec = { ...podSpec('hungry', ['python3', '-c', 'b = bytearray(500_000_000)']), restartPolicy: 'Never' };
    await cluster.feed(JSON.stringify(object('v1', 'Pod', 'hungry', { spec })), 'apply', '-f', '-');
    const state = await until(
      () => kubectl('get', 'pod', 'hungry', '-o', 'jsonpath={.status.containerStatuses[0].state.terminated.reason}'),
      (reason) => reason !== '',
    );
    expect(state).toBe('OOMKilled');
  });

  it('comes back when its node was restarted', async () => {
    await cluster.docker('restart', cluster.node);
    const ready = () => cluster.kubectl('get', 'nodes', '--no-headers').catch(() => '');
    await until(ready, (text) => / Ready /.test(text), 180_000);
    await until(
      () => outside().catch(() => ''),
      (text) => text === 'kept\n',
      180_000,
    );
    expect(await fetched(`http://web.${namespace}.svc/hello`)).toBe('kept');
  });
});
