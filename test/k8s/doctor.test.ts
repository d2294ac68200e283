import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { doctor } from '../../src/operations/doctor.ts';
import { loadProfile } from '../../src/operations/profiles.ts';
import { updateDesired } from '../../src/state/desired.ts';
import { createStackDirs, stackPaths } from '../../src/state/paths.ts';
import { describeOnCluster, documents, useCluster } from './support.ts';

const labels = (component: string) => ({ 'lambdactl.dev/stack': 'default', 'lambdactl.dev/component': component });
const pod = (component: string, nodeName?: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `${component}-0`, namespace: 'data', labels: labels(component) },
  spec: {
    automountServiceAccountToken: false,
    containers: [{ name: component, image: `lambdactl/${component}:abc` }],
    ...(nodeName === undefined ? {} : { nodeName }),
  },
});
const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'data' } },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'data' } },
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'broken' } },
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'cordoned' }, spec: { unschedulable: true } },
  pod('kafka', 'broken'),
  pod('connect', 'broken'),
  pod('spark'),
  {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data-kafka-0', namespace: 'data', labels: labels('kafka') },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources: { requests: { storage: '1Gi' } } },
  },
  {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'claim', namespace: 'data' },
    involvedObject: { kind: 'PersistentVolumeClaim', name: 'data-kafka-0', namespace: 'data' },
    reason: 'ProvisioningFailed',
    message: 'storageclass.storage.k8s.io "fast" not found',
    type: 'Warning',
    lastTimestamp: '2026-01-01T00:00:00Z',
  },
];
const ready = { type: 'Ready', status: 'True', message: 'kubelet is posting ready status' };
/** As kubelet and scheduler write it; there is none here that would write over it. */
const status: [what: string, namespace: string | null, status: object][] = [
  [
    'node/broken',
    null,
    { conditions: [ready, { type: 'DiskPressure', status: 'True', message: 'kubelet has disk pressure' }] },
  ],
  ['node/cordoned', null, { conditions: [ready] }],
  [
    'pod/kafka-0',
    'data',
    {
      phase: 'Pending',
      containerStatuses: [
        container('kafka', { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image' } }),
      ],
    },
  ],
  [
    'pod/connect-0',
    'data',
    {
      phase: 'Running',
      containerStatuses: [
        {
          ...container('connect', { waiting: { reason: 'CrashLoopBackOff' } }),
          restartCount: 4,
          lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
        },
      ],
    },
  ],
  [
    'pod/spark-0',
    'data',
    {
      phase: 'Pending',
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: '0/2 nodes are available: 2 Insufficient memory.',
        },
      ],
    },
  ],
];

function container(name: string, state: object) {
  return { name, image: `lambdactl/${name}:abc`, imageID: '', ready: false, restartCount: 0, state };
}

describeOnCluster('doctor on a stack in a cluster', () => {
  const cluster = useCluster({ controllers: false, volumes: 0 });
  const home = mkdtempSync(join(tmpdir(), 'lambdactl-d-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  beforeAll(async () => {
    await cluster().kubectl(['apply', '--server-side', '-f', '-'], documents(objects));
    for (const [what, namespace, value] of status) {
      const where = namespace === null ? [] : ['--namespace', namespace];
      await cluster().kubectl([
        'patch',
        what,
        ...where,
        '--subresource=status',
        '--patch',
        JSON.stringify({ status: value }),
      ]);
    }
    const paths = stackPaths(home, 'default');
    await createStackDirs(paths);
    const place = { runtime: 'kubernetes', cluster: { context: cluster().context, kind: null } } as const;
    await updateDesired(paths, { ...place, profile: await loadProfile('lite'), components: ['kafka'] });
  });

  async function look(kubeconfig: string) {
    vi.stubEnv('KUBECONFIG', kubeconfig);
    try {
      const request = { home, stack: 'default', names: ['cluster'], fix: false, timeout: '30s' };
      const { checks } = await doctor(request, { emit: () => {}, signal: new AbortController().signal });
      return new Map(checks.map((check) => [check.name, check]));
    } finally {
      vi.unstubAllEnvs();
    }
  }

  it('names every trouble by exactly the check that should', async () => {
    const checks = await look(cluster().kubeconfig);
    const findings = (name: string) => checks.get(name)?.findings.map(({ what }) => what);
    expect(checks.get('cluster-reachable')?.detail).toMatch(/^rig: v1\.34\.4, /);
    expect(findings('cluster-nodes')).toEqual(
      expect.arrayContaining(['node broken has DiskPressure: kubelet has disk pressure', 'node cordoned is cordoned']),
    );
    expect(findings('cluster-images')).toEqual([
      'pod data/kafka-0 cannot get image lambdactl/kafka:abc: Back-off pulling image',
    ]);
    expect(findings('cluster-volumes')).toEqual([
      'claim data/data-kafka-0 is pending: storageclass.storage.k8s.io "fast" not found',
    ]);
    expect(findings('cluster-pods')).toEqual([
      'connect of pod data/connect-0 was restarted 4 times, the last time by its memory limit',
      'no node takes pod data/spark-0: 0/2 nodes are available: 2 Insufficient memory.',
    ]);
  });

  it('says what a user without rights may not see', async () => {
    const checks = await look(await cluster().kubeconfigAs('nobody'));
    expect(checks.get('cluster-reachable')?.status).toBe('ok');
    expect(checks.get('cluster-pods')).toMatchObject({ status: 'failed', detail: expect.stringContaining('nobody') });
  });

  it('says once that nobody answers', async () => {
    const text = readFileSync(cluster().kubeconfig, 'utf8').replace(cluster().server, 'https://127.0.0.1:1');
    const file = join(home, 'kubeconfig');
    writeFileSync(file, text);
    const checks = await look(file);
    expect([...checks.values()].filter(({ status: each }) => each !== 'ok').map(({ name }) => name)).toEqual([
      'cluster-reachable',
    ]);
  });
});
