import { describe, expect, it } from 'vitest';
import { contextFor } from '../../test/support/machine-context.ts';
import { externalError } from '../core/errors.ts';
import { loadProfile } from '../operations/profiles.ts';
import type { ClusterView, ContainerFacts, KubernetesView, NodeFacts, PodFacts, VolumeFacts } from './cluster.ts';
import { checks } from './index.ts';
import type { MachineContext } from './machine.ts';

const ready: NodeFacts = {
  name: 'node-1',
  unschedulable: false,
  conditions: [
    { type: 'Ready', status: 'True', message: 'kubelet is posting ready status' },
    { type: 'MemoryPressure', status: 'False', message: '' },
  ],
};
const running: ContainerFacts = {
  name: 'kafka',
  image: 'lambdactl/kafka:abc',
  restarts: 0,
  waiting: null,
  lastEnd: null,
};
const pod = (container: Partial<ContainerFacts> = {}, given: Partial<PodFacts> = {}): PodFacts => ({
  namespace: 'data',
  name: 'kafka-0',
  component: 'kafka',
  phase: 'Running',
  unschedulable: null,
  containers: [{ ...running, ...container }],
  ...given,
});
const bound: VolumeFacts = {
  namespace: 'data',
  name: 'data-kafka-0',
  phase: 'Bound',
  storageClass: 'standard',
  message: null,
};

const cluster = (given: Partial<ClusterView> = {}): ClusterView => ({
  context: 'kind-lambdactl-default',
  version: async () => 'v1.34.4',
  nodes: async () => [ready],
  pods: async () => [pod()],
  volumes: async () => [bound],
  certificates: async () => ({ client: null, authority: null }),
  ...given,
});

async function run(name: string, given: Partial<KubernetesView> = {}, rest: Partial<MachineContext> = {}) {
  const check = checks.find((each) => each.name === name);
  if (check === undefined) throw new Error(`there is no check ${name}`);
  const context = await contextFor(rest);
  return check.run({ ...context, kubernetes: { ...context.kubernetes, wanted: true, ...given } });
}
const found = async (name: string, given: Partial<ClusterView>) =>
  (await run(name, { cluster: cluster(given) })).findings;

/** Self-signed, its key thrown away. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBdjCCARugAwIBAgIUQzGS96wuj+EafPZE5RwY6b8JncYwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFYWRtaW4wHhcNMjYxMTIxMjMwMDAzWhcNMjcxMTIxMjMwMDAz
WjAQMQ4wDAYDVQQDDAVhZG1pbjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABK32
tTrW8Y6fgznvYMnKg+Bl8R7bBUiV4nw8IwlBozBXKbYkdWALWQaGgVx2PK4QkH5x
fMv8aLELBZjR01xkFi+jUzBRMB0GA1UdDgQWBBSfy9sEpRmTl9C60BU0edQtwz8S
xzAfBgNVHSMEGDAWgBSfy9sEpRmTl9C60BU0edQtwz8SxzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0kAMEYCIQDAaLPxXYvKPeUPb4Lw+/oJ8nU9jr2y3FQm
G85p+/EdOgIhAN6OS2FIJoS/PR5Pqptzj9UOPqdnHsm3KrwvxbJ1SBBi
-----END CERTIFICATE-----`;
const certificateEnd = Date.parse('Nov 21 23:00:03 2027 GMT');

it('says nothing unasked of a stack that is on no cluster', async () => {
  const context = await contextFor();
  const speaking = checks.filter(({ applies }) => applies?.(context) ?? true).map(({ name }) => name);
  expect(speaking.filter((name) => /^cluster-|container-engine|kubernetes/.test(name))).toEqual([]);
});

it('finds nothing where nothing is wrong, and tells the facts', async () => {
  const details = new Map<string, string>();
  for (const { name } of checks.filter((check) => check.applies !== undefined)) {
    const { findings, detail } = await run(name, { cluster: cluster() });
    expect(findings, name).toEqual([]);
    details.set(name, detail);
  }
  expect(details.get('cluster-reachable')).toMatch(/^kind-lambdactl-default: v1\.34\.4, \d+ ms$/);
  expect(details.get('cluster-nodes')).toBe('1 of 1 ready');
  expect(details.get('cluster-pods')).toBe('1 of 1 run, 0 restarts');
  expect(details.get('cluster-volumes')).toBe('1 of 1 bound');
  expect(details.get('container-engine')).toBe('docker 29.0.0, 32768 MiB');
});

describe('on this machine', () => {
  it('names why no engine answers', async () => {
    const engine = async () => ({ reason: 'docker: not found on PATH' });
    expect((await run('container-engine', { engine })).findings).toMatchObject([
      { severity: 'error', what: 'no container engine answers: docker: not found on PATH' },
    ]);
    expect((await run('container-engine', { engine, kind: false })).findings).toEqual([]);
  });

  it('sees that the engine has less memory than the profile needs', async () => {
    const engine = async () => ({ kind: 'docker', version: '29', memoryBytes: 2 * 2 ** 30, rootless: false });
    expect((await run('container-engine', { engine })).findings).toMatchObject([
      {
        severity: 'warning',
        what: expect.stringMatching(/^docker has 2048 MiB of memory; profile lite needs \d+ MiB/),
      },
    ]);
  });

  it('asks for the tools that the profile needs', async () => {
    const tool = async () => ({
      found: null,
      rejected: ['/usr/bin/kind is version 0.20.0; at least 0.30.0 is needed'],
    });
    const { findings } = await run('kubernetes-tools', { tool });
    expect(findings).toMatchObject([
      { severity: 'error', what: expect.stringContaining('0.20.0') },
      { severity: 'warning', what: expect.stringContaining('no kubectl fits') },
    ]);
  });

  it('asks for kubeseal where secrets are sealed, or an account’s are to be', async () => {
    const tool: KubernetesView['tool'] = async (name) => ({
      found: name === 'kubeseal' ? null : { path: `/usr/bin/${name}`, version: '1.34.4' },
      rejected: [],
    });
    const lacking = [{ severity: 'warning', what: 'kubeseal was not found on PATH' }];
    expect((await run('kubernetes-tools', { tool })).findings).toEqual([]);
    expect((await run('kubernetes-tools', { tool, seals: async () => true })).findings).toMatchObject(lacking);
    const lite = await loadProfile('lite');
    const storage = { kind: 's3', bucket: 'b', region: 'eu-central-1', prefix: '' } as const;
    const profile = { ...lite, lake: { ...lite.lake, storage } };
    expect((await run('kubernetes-tools', { tool }, { profile })).findings).toMatchObject(lacking);
  });
});

describe('of the cluster', () => {
  it('is told once when it does not answer', async () => {
    const version = () =>
      Promise.reject(
        externalError('Cluster X does not answer.', { code: 'CLUSTER_UNREACHABLE', actions: ['Start it.'] }),
      );
    expect(await found('cluster-reachable', { version })).toMatchObject([
      { what: 'Cluster X does not answer.', why: expect.stringContaining('Start it.') },
    ]);
    expect(await found('cluster-pods', { version })).toEqual([]);
  });

  it.each<[name: string, given: Partial<ClusterView>, what: RegExp]>([
    [
      'cluster-nodes',
      {
        nodes: async () => [
          { ...ready, conditions: [{ type: 'Ready', status: 'Unknown', message: 'Kubelet stopped posting' }] },
        ],
      },
      /^node node-1 is not ready: Kubelet stopped/,
    ],
    [
      'cluster-nodes',
      {
        nodes: async () => [
          { ...ready, conditions: [...ready.conditions, { type: 'DiskPressure', status: 'True', message: 'full' }] },
        ],
      },
      /^node node-1 has DiskPressure: full/,
    ],
    ['cluster-nodes', { nodes: async () => [{ ...ready, unschedulable: true }] }, /is cordoned/],
    [
      'cluster-pods',
      {
        pods: async () => [
          pod({}, { phase: 'Pending', unschedulable: '0/1 nodes: Insufficient memory.', containers: [] }),
        ],
      },
      /^no node takes pod data\/kafka-0: 0\/1 nodes: Insufficient memory/,
    ],
    [
      'cluster-pods',
      {
        pods: async () => [
          pod({
            restarts: 5,
            waiting: { reason: 'CrashLoopBackOff', message: '' },
            lastEnd: { reason: 'Error', exitCode: 3 },
          }),
        ],
      },
      /restarted 5 times, the last time by exit code 3/,
    ],
    [
      'cluster-pods',
      { pods: async () => [pod({ restarts: 1, lastEnd: { reason: 'OOMKilled', exitCode: 137 } })] },
      /its memory limit/,
    ],
    [
      'cluster-pods',
      {
        pods: async () => [
          pod({ waiting: { reason: 'CreateContainerConfigError', message: 'secret "kafka" not found' } }),
        ],
      },
      /secret "kafka" not found/,
    ],
    [
      'cluster-images',
      { pods: async () => [pod({ waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image' } })] },
      /cannot get image lambdactl\/kafka:abc: Back-off/,
    ],
    [
      'cluster-volumes',
      { volumes: async () => [{ ...bound, phase: 'Pending', message: 'no persistent volumes available' }] },
      /^claim data\/data-kafka-0 is pending: no persistent volumes/,
    ],
    ['cluster-volumes', { volumes: async () => [{ ...bound, phase: 'Lost' }] }, /is lost/],
  ])('%s', async (name, given, what) => {
    expect(await found(name, given)).toMatchObject([{ what: expect.stringMatching(what) }]);
  });

  it('loads an image of ours into a kind cluster, and names the profile’s key elsewhere', async () => {
    const waiting = { reason: 'ErrImagePull', message: 'not found' };
    const view = { cluster: cluster({ pods: async () => [pod({ waiting })] }) };
    expect((await run('cluster-images', view)).findings[0]?.fix).toEqual({
      command: 'lambdactl images load kafka',
      safe: true,
    });
    expect((await run('cluster-images', { ...view, kind: false })).findings).toMatchObject([
      { fix: null, why: expect.stringContaining('kubernetes.images.prefix') },
    ]);
  });

  it('waits with a volume for its first pod', async () => {
    const message = 'waiting for first consumer to be created before binding';
    expect(await found('cluster-volumes', { volumes: async () => [{ ...bound, phase: 'Pending', message }] })).toEqual(
      [],
    );
  });

  it('warns before the certificate expires', async () => {
    const view = { cluster: cluster({ certificates: async () => ({ client: certificate, authority: null }) }) };
    const daysBefore = (days: number) => run('cluster-certificate', view, { now: certificateEnd - days * 86_400_000 });
    expect((await daysBefore(300)).findings).toEqual([]);
    expect((await daysBefore(10)).findings).toMatchObject([
      {
        severity: 'warning',
        what: expect.stringMatching(/client certificate of context .* expires on .*, in 10 days/),
      },
    ]);
    expect((await daysBefore(-1)).findings).toMatchObject([
      { severity: 'error', what: expect.stringContaining('expired on') },
    ]);
  });
});
