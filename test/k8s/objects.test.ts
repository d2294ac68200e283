import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/components/kubernetes.ts';
import type { ControlPlane } from '../rig/control-plane/cluster.ts';
import { requestedMiB } from './requests.ts';
import { describeOnCluster, documents, nameOf, rendered, useCluster } from './support.ts';

/** API groups whose definitions come in no Go module or jar: their resources go unchecked unless LAMBDACTL_RIG_CRDS has them. */
const notToBeHad = ['clickhouse.altinity.com', 'clickhouse-keeper.altinity.com'];

const groupOf = ({ apiVersion }: KubernetesObject) => (apiVersion.includes('/') ? apiVersion.split('/')[0] : '');

/** A directory of further definitions, as an operator's release has them. */
async function extraDefinitions(cluster: ControlPlane): Promise<boolean> {
  const dir = process.env.LAMBDACTL_RIG_CRDS;
  if (dir === undefined) return false;
  for (const file of readdirSync(dir)) await cluster.kubectl(['apply', '--server-side', '-f', join(dir, file)]);
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
  return true;
}

describeOnCluster.each([
  { profile: 'lite', flags: [], limitMiB: 8 * 1024 },
  { profile: 'full', flags: [], limitMiB: 16 * 1024 },
  { profile: 'full', flags: ['--values', 'prod'], limitMiB: null },
])('objects of profile $profile $flags', ({ profile, flags, limitMiB }) => {
  const cluster = useCluster({ crds: true, controllers: false });
  let objects: KubernetesObject[] = [];
  let extra = false;

  beforeAll(async () => {
    objects = await rendered(profile, ...flags);
    const namespaces = objects.filter(({ kind }) => kind === 'Namespace');
    await cluster().kubectl(['apply', '--server-side', '-f', '-'], documents(namespaces));
    // Every object that would not run under the strictest level is told by a warning, whichever way it makes its pods.
    const names = namespaces.map(({ metadata }) => metadata.name);
    await cluster().kubectl(['label', 'namespace', ...names, 'pod-security.kubernetes.io/warn=restricted']);
    extra = await extraDefinitions(cluster());
  });

  const checked = () => objects.filter((each) => extra || !notToBeHad.includes(groupOf(each) ?? ''));

  it('are what the API server accepts, without a warning', async () => {
    expect(objects.length).toBeGreaterThan(20);
    const args = [
      'apply',
      '--server-side',
      '--dry-run=server',
      '--validate=strict',
      '--field-manager=lambdactl',
      '-f',
      '-',
    ];
    const { ok, stdout, stderr } = await cluster().tryKubectl(args, documents(checked()));
    expect(stderr).toBe('');
    expect(ok).toBe(true);
    expect(stdout.trimEnd().split('\n')).toHaveLength(checked().length);
  });

  it('are named in namespaces that exist, and carry the labels by which they are found again', () => {
    const known = new Set(objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name));
    const lost = objects.filter(({ metadata: { namespace } }) => namespace !== undefined && !known.has(namespace));
    expect(lost.map(nameOf)).toEqual([]);
    const unlabelled = objects.filter(({ metadata: { labels = {} } }) =>
      ['app.kubernetes.io/managed-by', 'app.kubernetes.io/part-of', 'lambdactl.dev/stack'].some(
        (name) => labels[name] === undefined,
      ),
    );
    expect(unlabelled.map(nameOf)).toEqual([]);
  });

  it('hold every name once', () => {
    const names = objects.map((each) => `${groupOf(each)} ${nameOf(each)}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it.skipIf(limitMiB === null)('ask for no more memory than the profile says, as accepted', async () => {
    const args = ['apply', '--server-side', '--dry-run=server', '--field-manager=lambdactl', '-o', 'json', '-f', '-'];
    const accepted: { items: KubernetesObject[] } = JSON.parse(await cluster().kubectl(args, documents(checked())));
    const unchecked = objects.filter((each) => !checked().includes(each));
    const sum = [...accepted.items, ...unchecked].map(requestedMiB).reduce((total, each) => total + each, 0);
    expect(sum).toBeGreaterThan(1024);
    expect(sum).toBeLessThanOrEqual(limitMiB ?? Number.POSITIVE_INFINITY);
  });

  it('refuse a field that the API does not know', async () => {
    const [first] = objects.filter(({ kind }) => kind === 'StatefulSet' || kind === 'Service');
    const wrong = { ...first, spec: { ...(first?.spec as object), replicass: 1 } };
    const args = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];
    const { ok, stderr } = await cluster().tryKubectl(args, documents([wrong]));
    expect(ok).toBe(false);
    expect(stderr).toContain('replicass');
  });
});
