import { expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/components/kubernetes.ts';
import { type ApplyResult, applyComponent } from '../../src/runtimes/kubernetes/apply.ts';
import { ClusterClient } from '../../src/runtimes/kubernetes/client.ts';
import { Inventory } from '../../src/runtimes/kubernetes/inventory.ts';
import { waitUntilReady } from '../../src/runtimes/kubernetes/wait.ts';
import { describeOnCluster, documents, useCluster } from './support.ts';

const stack = 'applied';
const component = 'postgres';
const never = new AbortController().signal;
const labels = {
  'app.kubernetes.io/part-of': 'lambdactl',
  'app.kubernetes.io/managed-by': 'lambdactl',
  'lambdactl.dev/stack': stack,
  'lambdactl.dev/component': component,
};

/** A small component in a namespace of its own, so that the tests do not see each other. */
function smallComponent(namespace: string) {
  const meta = (name: string) => ({ name, namespace, labels });
  const settings = (data: Record<string, string> = { 'a.conf': '1' }): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: meta('settings'),
    data,
  });
  const service: KubernetesObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: meta('db'),
    spec: { selector: { app: 'db' }, ports: [{ name: 'sql', port: 5432 }] },
  };
  const workload = (image = 'lambdactl/postgres:1', change: Record<string, unknown> = {}): KubernetesObject => ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: meta('db'),
    spec: {
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: {
        metadata: { labels: { app: 'db', ...labels } },
        spec: {
          containers: [{ name: 'db', image, resources: { requests: { cpu: '10m', memory: '16Mi' } } }],
          securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } },
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
      ...change,
    },
  });
  return { settings, service, workload };
}

describeOnCluster('what the runtime applies', () => {
  const cluster = useCluster();

  async function place(namespace: string) {
    await cluster().kubectl(['create', 'namespace', namespace]);
    const client = await ClusterClient.open(cluster().context, cluster().kubeconfig);
    const inventory = new Inventory(client, stack, namespace);
    const apply = (objects: readonly KubernetesObject[], signal = never): Promise<ApplyResult> =>
      applyComponent(client, inventory, { stack, component, objects }, signal);
    const ready = (objects: readonly KubernetesObject[], startTimeoutMs = 60_000) =>
      waitUntilReady(
        client,
        { stack, component, namespace, objects, startTimeoutMs },
        { emit: () => {}, signal: never },
      );
    const get = async (kind: string, name: string) => {
      const args = ['get', kind, name, '-n', namespace, '-o', 'json', '--ignore-not-found'];
      const text = await cluster().kubectl(args);
      return text === '' ? null : JSON.parse(text);
    };
    const names = async (kind: string): Promise<string[]> => {
      const answer = await cluster().kubectl([
        'get',
        kind,
        '-n',
        namespace,
        '-o',
        'jsonpath={.items[*].metadata.name}',
      ]);
      return answer.split(' ').filter(Boolean);
    };
    return { client, apply, ready, get, names, ...smallComponent(namespace) };
  }

  it('is made, gets ready, and a second run changes nothing', async () => {
    const { apply, ready, get, settings, service, workload } = await place('again');
    const objects = [settings(), service, workload()];
    const first = await apply(objects);
    expect(first.created).toHaveLength(3);
    await ready(objects);
    const before = await get('statefulset', 'db');
    const second = await apply(objects);
    expect(second).toMatchObject({ created: [], changed: [], unchanged: 3, pruned: [] });
    expect((await get('statefulset', 'db')).metadata.generation).toBe(before.metadata.generation);
  });

  it('loses what it has no more, and keeps data', async () => {
    const { apply, ready, names, settings, service, workload } = await place('less');
    const objects = [settings(), service, workload()];
    await apply(objects);
    await ready(objects);
    const { pruned } = await apply([settings()]);
    expect(pruned.toSorted()).toEqual(['Service less/db', 'StatefulSet less/db']);
    expect(await names('service')).toEqual([]);
    expect(await names('persistentvolumeclaim')).toEqual(['data-db-0']);
  });

  it('loses single keys, and leaves those that somebody else set', async () => {
    const { apply, get, settings } = await place('keys');
    await apply([settings({ 'a.conf': '1', 'b.conf': '2' })]);
    const patch = '{"data":{"theirs":"x"},"metadata":{"annotations":{"note":"kept"}}}';
    await cluster().kubectl(['patch', 'configmap', 'settings', '-n', 'keys', '--type=merge', '-p', patch]);
    await apply([settings({ 'a.conf': '3' })]);
    const { data, metadata } = await get('configmap', 'settings');
    expect(data).toEqual({ 'a.conf': '3', theirs: 'x' });
    expect(metadata.annotations.note).toBe('kept');
  });

  it('comes back where somebody changed it by hand', async () => {
    const { apply, get, settings } = await place('drift');
    await apply([settings()]);
    const patch = '{"data":{"a.conf":"by hand"}}';
    await cluster().kubectl(['patch', 'configmap', 'settings', '-n', 'drift', '--type=merge', '-p', patch]);
    expect((await apply([settings()])).changed).toEqual(['ConfigMap drift/settings']);
    expect((await get('configmap', 'settings')).data).toEqual({ 'a.conf': '1' });
  });

  it('never touches what it did not make', async () => {
    const { apply, get, settings, service, workload } = await place('foreign');
    const theirs = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace: 'foreign' },
      data: { x: 'y' },
    };
    const other = {
      ...theirs,
      metadata: { name: 'other', namespace: 'foreign', labels: { ...labels, 'lambdactl.dev/stack': 'another' } },
    };
    await cluster().kubectl(['create', '-f', '-'], documents([theirs, other]));
    await expect(apply([service, workload(), settings()])).rejects.toMatchObject({ code: 'NAME_TAKEN' });
    expect(await get('service', 'db')).toBeNull();
    expect((await get('configmap', 'settings')).data).toEqual({ x: 'y' });
    // Nor by pruning: an object of ours that was deleted and made anew by somebody else is theirs.
    await apply([service]);
    await cluster().kubectl(['delete', 'service', 'db', '-n', 'foreign']);
    await cluster().kubectl(['create', 'service', 'clusterip', 'db', '--tcp=80', '-n', 'foreign']);
    expect((await apply([workload()])).pruned).toEqual([]);
    expect(await get('service', 'db')).not.toBeNull();
    expect((await get('configmap', 'other')).data).toEqual({ x: 'y' });
  });

  it('converges after an apply that was interrupted anywhere', async () => {
    const { client, apply, ready, names, settings, service, workload } = await place('broken-off');
    const old = [settings(), service];
    const wanted = [workload(), settings({ 'a.conf': '2' })];
    for (let after = 0; after <= wanted.length; after++) {
      await apply(old);
      const stop = new AbortController();
      let applied = 0;
      // The real client; the run is broken off just after its nth object.
      const breaking = Object.create(client, {
        apply: {
          value: async (...args: Parameters<typeof client.apply>) => {
            const result = await client.apply(...args);
            if (args[0].metadata.labels?.['lambdactl.dev/component'] === component && ++applied > after) stop.abort();
            return result;
          },
        },
      });
      const inventory = new Inventory(client, stack, 'broken-off');
      const request = { stack, component, objects: wanted };
      await applyComponent(breaking, inventory, request, stop.signal).catch(() => {});
      await apply(wanted);
      expect(await names('service')).toEqual([]);
      expect(await names('statefulset')).toEqual(['db']);
    }
    await ready(wanted);
  });

  it('is replaced where a field cannot be changed, without losing data', async () => {
    const { apply, ready, get, names, workload } = await place('fixed');
    await apply([workload()]);
    await ready([workload()]);
    const { uid } = (await get('persistentvolumeclaim', 'data-db-0')).metadata;
    const other = [workload('lambdactl/postgres:1', { podManagementPolicy: 'Parallel' })];
    await apply(other);
    await ready(other);
    expect((await get('statefulset', 'db')).spec.podManagementPolicy).toBe('Parallel');
    expect(await names('persistentvolumeclaim')).toEqual(['data-db-0']);
    expect((await get('persistentvolumeclaim', 'data-db-0')).metadata.uid).toBe(uid);
  });

  it('is upgraded and rolled back, also out of a version that never got ready', async () => {
    const { apply, ready, get, workload } = await place('rolled');
    const image = async () => (await get('pod', 'db-0')).spec.containers[0].image;
    const good = [workload('lambdactl/postgres:1')];
    await apply(good);
    await ready(good);
    const next = [workload('lambdactl/postgres:2')];
    await apply(next);
    await ready(next);
    expect(await image()).toBe('lambdactl/postgres:2');
    const bad = [workload('lambdactl/crashing:3')];
    await apply(bad);
    await expect(ready(bad)).rejects.toMatchObject({ code: 'CRASH_LOOP' });
    await apply(good);
    await ready(good);
    expect(await image()).toBe('lambdactl/postgres:1');
  });
});

describeOnCluster('what does not get ready', () => {
  const cluster = useCluster({ log: ['starting', 'FATAL: no such database'], volumes: 8 });

  async function attempt(
    namespace: string,
    change: (objects: ReturnType<typeof smallComponent>) => KubernetesObject[],
  ) {
    await cluster().tryKubectl(['create', 'namespace', namespace]);
    const client = await ClusterClient.open(cluster().context, cluster().kubeconfig);
    const inventory = new Inventory(client, stack, namespace);
    const objects = change(smallComponent(namespace));
    const context = { emit: () => {}, signal: never };
    await applyComponent(client, inventory, { stack, component, objects }, never);
    await waitUntilReady(client, { stack, component, namespace, objects, startTimeoutMs: 10_000 }, context);
  }

  it('says which image is missing, and what to do', async () => {
    const error = attempt('pull', ({ workload }) => [workload('example.com/missing:7')]);
    await expect(error).rejects.toMatchObject({
      code: 'IMAGE_PULL',
      message: expect.stringContaining('example.com/missing:7'),
      actions: expect.arrayContaining([expect.stringContaining('images load')]),
    });
  });

  it('shows the last lines of what crashes', async () => {
    const error = attempt('crash', ({ workload }) => [workload('lambdactl/crashing:1')]);
    await expect(error).rejects.toMatchObject({
      code: 'CRASH_LOOP',
      message: expect.stringContaining('FATAL: no such database'),
    });
  });

  it('gives up on what runs and never gets ready', async () => {
    const error = attempt('hang', ({ workload }) => [workload('lambdactl/hanging:1')]);
    await expect(error).rejects.toMatchObject({ code: 'COMPONENT_FAILED' });
  });

  it('names the quota', async () => {
    await cluster().kubectl(['create', 'namespace', 'quota']);
    await cluster().kubectl(['create', 'quota', 'small', '--hard=requests.memory=1Mi', '-n', 'quota']);
    const error = attempt('quota', ({ workload }) => [workload()]);
    await expect(error).rejects.toMatchObject({ code: 'QUOTA', message: expect.stringContaining('small') });
  });

  it('names what Pod Security does not let in', async () => {
    await cluster().kubectl(['create', 'namespace', 'strict']);
    await cluster().kubectl(['label', 'namespace', 'strict', 'pod-security.kubernetes.io/enforce=restricted']);
    const error = attempt('strict', ({ workload }) => [workload()]);
    await expect(error).rejects.toMatchObject({
      code: 'POD_SECURITY',
      message: expect.stringContaining('allowPrivilegeEscalation'),
    });
  });

  it('says what the nodes lack', async () => {
    const big = (object: KubernetesObject): KubernetesObject =>
      JSON.parse(JSON.stringify(object).replaceAll('"memory":"16Mi"', '"memory":"900Gi"'));
    const error = attempt('big', ({ workload }) => [big(workload())]);
    await expect(error).rejects.toMatchObject({ code: 'UNSCHEDULABLE', message: expect.stringContaining('memory') });
  });

  it('converges once the cause is gone', async () => {
    await cluster().kubectl(['delete', 'quota', 'small', '-n', 'quota']);
    await attempt('quota', ({ workload }) => [workload()]);
    await attempt('pull', ({ workload }) => [workload('lambdactl/postgres:1')]);
    await attempt('crash', ({ workload }) => [workload('lambdactl/postgres:1')]);
  }, 180_000);

  it('says which right is missing, or that nobody answers', async () => {
    const kubeconfig = await cluster().kubeconfigAs('reader');
    const forbidden = await ClusterClient.open(cluster().context, kubeconfig);
    const [object] = [smallComponent('pull').settings()];
    await expect(forbidden.apply(object, never)).rejects.toMatchObject({
      code: 'CLUSTER_FORBIDDEN',
      message: expect.stringMatching(/"reader" may not patch configmaps in namespace pull/),
    });
    await expect(ClusterClient.open('elsewhere', kubeconfig)).rejects.toMatchObject({ code: 'CONTEXT_UNKNOWN' });
  });
});
