import { beforeAll, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/components/kubernetes.ts';
import { describeOnCluster, documents, isWorkload, nameOf, rendered, useCluster } from './support.ts';

interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: Record<string, unknown>;
}

/** The pod's part of what makes pods; its shape is the API's, which has accepted it in another test. */
function templateOf({ kind, spec }: KubernetesObject): PodTemplate {
  const own = kind === 'CronJob' ? (spec as { jobTemplate: { spec: unknown } }).jobTemplate.spec : spec;
  return (own as { template: PodTemplate }).template;
}

/** Our own delivery runs as it is rendered: nodes pretend, everything else is real (scheduling, volumes, quotas, Pod Security). */
describeOnCluster('a stack of profile lite in a cluster', () => {
  const cluster = useCluster();
  let objects: KubernetesObject[] = [];
  let workloads: KubernetesObject[] = [];

  beforeAll(async () => {
    objects = await rendered('lite');
    workloads = objects.filter(isWorkload);
  });

  it('is applied as it was rendered, in its order', async () => {
    const { ok, stderr } = await cluster().tryKubectl(['apply', '--server-side', '-f', '-'], documents(objects));
    expect(stderr).toBe('');
    expect(ok).toBe(true);
  });

  it('is enforced to be restricted, and no pod is refused', async () => {
    for (const { metadata } of objects.filter(({ kind }) => kind === 'Namespace')) {
      expect(metadata.labels?.['pod-security.kubernetes.io/enforce'], metadata.name).toBe('restricted');
    }
    for (const workload of workloads) {
      const { metadata, spec } = templateOf(workload);
      const { name, namespace } = workload.metadata;
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: `${name}-try`, namespace }, spec };
      const { stderr } = await cluster().tryKubectl(['create', '--dry-run=server', '-f', '-'], documents([pod]));
      expect(stderr, nameOf(workload)).not.toMatch(/violates PodSecurity/);
    }
  });

  it('gets ready: every pod is scheduled and every volume bound', async () => {
    expect(workloads.length).toBeGreaterThan(5);
    for (const { kind, metadata, spec } of workloads.filter((each) => each.kind === 'StatefulSet')) {
      const replicas = Number((spec as { replicas?: number }).replicas ?? 1);
      const target = `${kind.toLowerCase()}/${metadata.name}`;
      const condition = `--for=jsonpath={.status.readyReplicas}=${replicas}`;
      await cluster().kubectl(['wait', condition, '--timeout=60s', target, '-n', metadata.namespace ?? '']);
    }
    const claims = JSON.parse(await cluster().kubectl(['get', 'pvc', '-A', '-o', 'json']));
    expect(claims.items.filter((claim: { status: { phase: string } }) => claim.status.phase !== 'Bound')).toEqual([]);
  });

  it('reaches every Service through a pod', async () => {
    const services = objects.filter(({ kind }) => kind === 'Service');
    const slices = JSON.parse(await cluster().kubectl(['get', 'endpointslices', '-A', '-o', 'json']));
    const behind = new Set(
      slices.items
        .filter(({ endpoints }: { endpoints?: unknown[] | null }) => (endpoints ?? []).length > 0)
        .map(
          ({ metadata }: { metadata: { namespace: string; labels: Record<string, string> } }) =>
            `${metadata.namespace}/${metadata.labels['kubernetes.io/service-name']}`,
        ),
    );
    const lost = services.filter(({ metadata }) => !behind.has(`${metadata.namespace}/${metadata.name}`));
    expect(lost.map(nameOf)).toEqual([]);
  });

  it('is the same when it is applied again', async () => {
    const versions = async () => {
      const kinds = [...new Set(objects.map(({ kind, apiVersion }) => `${kind}.${apiVersion.replace(/^v1$/, 'v1.')}`))];
      const names = kinds.map((each) => each.split('.')[0]?.toLowerCase()).join(',');
      const answer = await cluster().kubectl([
        'get',
        names,
        '-A',
        '-l',
        'app.kubernetes.io/part-of=lambdactl',
        '-o',
        'json',
      ]);
      const items: KubernetesObject[] = JSON.parse(answer).items;
      // The generation counts changes of what was wanted; status changes it not.
      return items.map((each) => `${nameOf(each)} ${(each.metadata as { generation?: number }).generation ?? ''}`);
    };
    const before = await versions();
    await cluster().kubectl(['apply', '--server-side', '-f', '-'], documents(objects));
    expect(await versions()).toEqual(before);
  });

  it('refuses a pod that wants more than restricted allows', async () => {
    const namespace = objects.find(({ kind }) => kind === 'Namespace')?.metadata.name ?? 'data';
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'root', namespace },
      spec: { containers: [{ name: 'main', image: 'lambdactl/postgres:1', securityContext: { runAsUser: 0 } }] },
    };
    const { ok, stderr } = await cluster().tryKubectl(['create', '--dry-run=server', '-f', '-'], documents([pod]));
    expect(ok).toBe(false);
    expect(stderr).toContain('violates PodSecurity "restricted');
  });
});
