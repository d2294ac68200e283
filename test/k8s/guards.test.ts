import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { beforeAll, expect, it, vi } from 'vitest';
import type { KubernetesObject } from '../../src/components/kubernetes.ts';
import { sparkBatchJob } from '../../src/components/spark/batch-job.ts';
import { loadProfile } from '../../src/operations/profiles.ts';
import { renderJob } from '../../src/runtimes/kubernetes/render.ts';
import { clusterOptions } from '../support/cluster.ts';
import { describeOnCluster, documents, rendered, useCluster } from './support.ts';

const account = 'system:serviceaccount:processing:airflow';

interface JobSpec {
  template: { spec: { volumes: object[]; containers: { env?: object[]; envFrom?: object[] }[] } };
}

/** A run's Job with one thing changed in its pod. */
function changed(job: KubernetesObject, change: (pod: JobSpec['template']['spec']) => object, name?: string) {
  const copy = structuredClone(job) as KubernetesObject & { spec: JobSpec };
  Object.assign(copy.spec.template.spec, change(copy.spec.template.spec));
  if (name !== undefined) copy.metadata = { ...copy.metadata, name };
  return copy;
}

describeOnCluster('an account that may start jobs', () => {
  const cluster = useCluster({ controllers: false });
  let run: readonly KubernetesObject[] = [];
  let job: KubernetesObject;

  beforeAll(async () => {
    const objects = await rendered('lite');
    const base = objects.filter(({ kind }) => /^(Namespace|ServiceAccount|Role|RoleBinding|Validating.*)$/.test(kind));
    await cluster().kubectl(['apply', '--server-side', '-f', '-'], documents(base));
    const foreign = ['create', 'secret', 'generic', 'foreign', '--from-literal=key=value', '-n', 'processing'];
    await cluster().kubectl(foreign);
    const binding = ['create', 'rolebinding', 'twin', '--role=airflow-starts-jobs', '--user=twin', '-n', 'processing'];
    await cluster().kubectl(binding);
    run = renderJob(await clusterOptions(await loadProfile('lite')), sparkBatchJob, [], 'aaaaaaaaaa');
    const [found] = run.filter(({ kind }) => kind === 'Job');
    if (found === undefined) throw new Error('a run has a Job');
    job = found;
    // The server takes a new rule up a moment after it was written.
    const isHeld = async () => (await attempt(changed(job, mounts))).stderr.includes('ValidatingAdmissionPolicy');
    await vi.waitUntil(isHeld, { timeout: 60_000, interval: 500 });
  });

  const attempt = (object: object) =>
    cluster().tryKubectl(
      ['apply', '--server-side', '--validate=false', '--dry-run=server', '--as', account, '-f', '-'],
      documents([object]),
    );
  const mounts = ({ volumes }: { volumes: object[] }) => ({
    volumes: [...volumes, { name: 'x', secret: { secretName: 'foreign' } }],
  });
  const projects = ({ volumes }: { volumes: object[] }) => ({
    volumes: [...volumes, { name: 'x', projected: { sources: [{ secret: { name: 'foreign' } }] } }],
  });
  const inContainer = (more: object) => (pod: JobSpec['template']['spec']) => ({
    containers: pod.containers.map((container) => ({ ...container, ...more })),
  });
  const reference = { name: 'X', valueFrom: { secretKeyRef: { name: 'foreign', key: 'key' } } };

  /** Asks the API server itself: kubectl reads an object before it changes it. */
  const ask = (user: string, method: string, type: string, body: object) =>
    new Promise<{ status: number; text: string }>((settle, fail) => {
      const { server, adminToken, caFile } = cluster();
      const headers = { authorization: `Bearer ${adminToken}`, 'content-type': type, 'impersonate-user': user };
      const url = `${server}/api/v1/namespaces/processing/secrets/foreign?dryRun=All`;
      const sent = request(url, { method, headers, ca: readFileSync(caFile), agent: false }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => settle({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
      });
      sent.on('error', fail).end(JSON.stringify(body));
    });

  it('may make a run with its files, as it is rendered', async () => {
    for (const object of run) expect(await attempt(object)).toMatchObject({ ok: true });
  });

  it.each<[string, string, (pod: JobSpec['template']['spec']) => object, string?]>([
    ['a foreign Secret as a volume', 'mounts what is its own', mounts],
    ['a foreign Secret within a projected volume', 'mounts its own Secret', projects],
    ['a variable of a foreign Secret', 'variables of its own Secret', inContainer({ env: [reference] })],
    [
      'all variables of a foreign Secret',
      'variables of its own Secret',
      inContainer({ envFrom: [{ secretRef: { name: 'foreign' } }] }),
    ],
    [
      'a foreign Secret before its start',
      'variables of its own Secret',
      (pod) => ({ initContainers: pod.containers.map((each) => ({ ...each, name: 'first', env: [reference] })) }),
    ],
    [
      'a claim',
      'mounts what is its own',
      ({ volumes }) => ({ volumes: [...volumes, { name: 'x', persistentVolumeClaim: { claimName: 'data-x' } }] }),
    ],
    ['another account', 'account of runs', () => ({ serviceAccountName: 'airflow' })],
    // Its Secrets would be a component's.
    ['a component’s name', 'is a run', () => ({}), 'airflow-scheduler'],
  ])('may not make one with %s', async (_, why, change, name) => {
    const { ok, stderr } = await attempt(changed(job, change, name));
    expect({ ok, stderr }).toEqual({ ok: false, stderr: expect.stringContaining(why) });
  });

  it('does not get a Secret as the answer to a patch that changes nothing', async () => {
    const value = Buffer.from('value').toString('base64');
    const patch = (user: string) => ask(user, 'PATCH', 'application/merge-patch+json', {});
    const { status, text } = await patch(account);
    expect(status).toBe(422);
    expect(text).toContain('files of runs alone');
    expect(text).not.toContain(value);
    // The same rights without the rule: this is what it keeps back.
    expect((await patch('twin')).text).toContain(value);
  });

  it('cannot delete what is not a run’s', async () => {
    const { status, text } = await ask(account, 'DELETE', 'application/json', {});
    expect({ status, text }).toEqual({ status: 422, text: expect.stringContaining('files of runs alone') });
  });

  it('leaves other users alone', async () => {
    const args = ['apply', '--server-side', '--dry-run=server', '-f', '-'];
    expect(await cluster().tryKubectl(args, documents([changed(job, mounts)]))).toMatchObject({ ok: true });
  });
});
