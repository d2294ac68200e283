import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  clusterOptions,
  plainly,
  podSpecs,
  shippedProfile,
  testSecret,
  testSecretsIn,
  titles,
} from '../../../test/support/cluster.ts';
import { catalogue } from '../../components/catalogue.ts';
import type { KubernetesObject } from '../../components/kubernetes.ts';
import { objectsYaml } from '../../operations/render/yaml.ts';
import type { Profile } from '../../platform/profile.ts';
import { labelNames, specHashAnnotation } from './labels.ts';
import { mebibytesOf, resourcesFor } from './quantities.ts';
import { type ClusterRenderOptions, nodePortOf, renderCluster } from './render.ts';
import { requestedMiB } from './requests.ts';

const lite = await shippedProfile('lite');
const full = plainly(await shippedProfile('full'));
const golden = (name: string) => join(import.meta.dirname, '../../../test/golden/kubernetes', name);

async function objectsOf(profile: Profile, over: Partial<ClusterRenderOptions> = {}): Promise<KubernetesObject[]> {
  const { base, components } = renderCluster(await clusterOptions(profile, over));
  return [...base, ...[...components.values()].flatMap(({ objects }) => objects)];
}

const ofKind = (objects: readonly KubernetesObject[], kind: string) => objects.filter((object) => object.kind === kind);

describe.each([
  ['lite', lite],
  ['full', full],
])('profile %s', async (_, profile) => {
  const objects = await objectsOf(profile);
  const pods = podSpecs(objects);
  const secrets = testSecretsIn(objects.filter(({ kind }) => kind !== 'Secret'));

  it('keeps every secret in Secrets', () => {
    expect(secrets).toEqual([]);
    const hidden = Buffer.from(testSecret('postgres.superuser')).toString('base64').slice(0, 20);
    expect(JSON.stringify(ofKind(objects, 'Secret'))).toContain(hidden);
  });

  it('asks for no more memory than such a cluster has, with the operators that go with it', () => {
    const one = Math.max(profile.components.batch.memoryMiB);
    // Nodes, DNS and network of kind; operators of the full profile (docs/kubernetes-objects.md).
    const besides = profile.name === 'lite' ? 700 : 800 + 576 + 100 + 96 + 256 + 24 + 560;
    expect(requestedMiB(objects) + one + besides).toBeLessThanOrEqual(profile.totalMiB);
    expect(requestedMiB(objects)).toBe(
      catalogue
        .flatMap((each) => each.instances(profile).map(() => each.name))
        .reduce((sum, name) => sum + profile.components[name].memoryMiB, 0),
    );
  });

  it('asks for few enough cores to start on the smallest machine', () => {
    const millicores = pods
      .flatMap(({ pod }) => pod.containers)
      .reduce((sum, { resources }) => sum + Number.parseInt(resources.requests.cpu, 10), 0);
    // Two runs of Airflow's tasks and one of the user's, and kind's own pods.
    const run = Number.parseInt(resourcesFor('job', 0, profile).requests.cpu, 10);
    expect(millicores + 950 + 3 * run).toBeLessThanOrEqual(profile.minimumCores * 1000);
  });

  it('has pods that Pod Security’s level "restricted" lets in, with limits and probes', () => {
    for (const { pod } of pods) {
      expect(pod).toMatchObject({
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, runAsUser: 10_001, seccompProfile: { type: 'RuntimeDefault' } },
      });
      for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
        expect(container.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(mebibytesOf(container.resources.limits.memory ?? '')).toBeGreaterThanOrEqual(
          1.25 * mebibytesOf(container.resources.requests.memory),
        );
        expect(Object.keys(container.resources.limits)).toEqual(['memory']);
      }
      for (const container of pod.containers)
        expect(container).toMatchObject({ startupProbe: {}, readinessProbe: {}, livenessProbe: {} });
    }
  });

  it('refers only to what is there', () => {
    const there = new Map(objects.map((object) => [titles([object])[0], object]));
    const keysOf = (title: string) => Object.keys((there.get(title)?.data as object | undefined) ?? {});
    for (const { pod, namespace } of pods) {
      expect(there.has(`ServiceAccount ${namespace}/${pod.serviceAccountName}`)).toBe(true);
      for (const { projected } of pod.volumes) {
        for (const { configMap, secret } of projected?.sources ?? []) {
          for (const { key } of configMap?.items ?? [])
            expect(keysOf(`ConfigMap ${namespace}/${configMap?.name}`)).toContain(key);
          for (const { key } of secret?.items ?? [])
            expect(keysOf(`Secret ${namespace}/${secret?.name}`)).toContain(key);
        }
      }
      for (const { env, volumeMounts, args } of [...(pod.initContainers ?? []), ...pod.containers]) {
        for (const { valueFrom } of env) {
          if (valueFrom !== undefined)
            expect(keysOf(`Secret ${namespace}/${valueFrom.secretKeyRef.name}`)).toContain(valueFrom.secretKeyRef.key);
        }
        expect(new Set(volumeMounts.map(({ mountPath }) => mountPath)).size).toBe(volumeMounts.length);
        for (const arg of args) {
          for (const [, variable] of arg.matchAll(/(?<!\$)\$\((\w+)\)/g))
            expect(env.map(({ name }) => name)).toContain(variable);
        }
      }
    }
  });

  it('has names that an API server takes, each once, all labelled', () => {
    expect(new Set(titles(objects)).size).toBe(objects.length);
    for (const { metadata } of objects) {
      expect(metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
      expect(metadata.labels).toMatchObject({
        [labelNames.stack]: 'default',
        'app.kubernetes.io/part-of': 'lambdactl',
      });
    }
  });
});

it('keeps secrets out of what operators and charts are given, and names every object once', async () => {
  const { base, addons, components } = renderCluster(await clusterOptions(await shippedProfile('full')));
  const parts = [...addons, ...components.values()];
  const objects = [...base, ...parts.flatMap((part) => part.objects)];
  expect(testSecretsIn(objects.filter(({ kind }) => kind !== 'Secret'))).toEqual([]);
  const values = JSON.stringify(parts.flatMap(({ releases }) => releases));
  expect(
    catalogue.flatMap(({ credentials }) => credentials).filter(({ id }) => values.includes(testSecret(id))),
  ).toEqual([]);
  expect(new Set(objects.map(({ apiVersion }, index) => `${apiVersion} ${titles(objects)[index]}`)).size).toBe(
    objects.length,
  );
  for (const { metadata } of objects) expect(metadata.labels).toMatchObject({ [labelNames.stack]: 'default' });
});

it('is what the golden files say', async () => {
  const objects = await objectsOf(lite);
  await expect(`${titles(objects).join('\n')}\n`).toMatchFileSnapshot(golden('lite.txt'));
  await expect(`${titles(await objectsOf(full)).join('\n')}\n`).toMatchFileSnapshot(golden('full-plain.txt'));
  const whole = (name: string) =>
    objects
      .filter(({ metadata, kind }) => kind !== 'Secret' && metadata.labels?.[labelNames.component] === name)
      .map(withoutHash);
  await expect(objectsYaml(whole('postgres'))).toMatchFileSnapshot(golden('postgres.yaml'));
  const lines = ofKind(objects, 'NetworkPolicy').flatMap(policyLines);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(golden('network-policies.txt'));
});

interface Policy {
  podSelector: { matchLabels?: Record<string, string> };
  ingress?: { from: Peer[]; ports: { port: number }[] }[];
  egress?: { to: Peer[]; ports: { port: number }[] }[];
}
interface Peer {
  namespaceSelector?: { matchLabels: Record<string, string> };
  podSelector?: { matchLabels: Record<string, string> };
  ipBlock?: { cidr: string };
}

/** "data/postgres ← processing/connect 15432" */
function policyLines({ metadata: { name, namespace }, spec }: KubernetesObject): string[] {
  // Of our own making.
  const { podSelector, ingress = [], egress = [] } = spec as Policy;
  const who = `${namespace}/${podSelector.matchLabels?.[labelNames.component] ?? '*'}`;
  const peer = ({ namespaceSelector, podSelector: pods, ipBlock }: Peer) =>
    ipBlock?.cidr ??
    `${Object.values(namespaceSelector?.matchLabels ?? {})}/${pods?.matchLabels[labelNames.component] ?? Object.values(pods?.matchLabels ?? {})}`;
  const portsOf = (ports: { port: number }[]) => [...new Set(ports.map(({ port }) => port))].join(', ');
  const lines = [
    ...ingress.map(({ from, ports }) => `${who} ← ${from.map(peer).join(' ')} ${portsOf(ports)}`),
    ...egress.map(({ to, ports }) => `${who} → ${to.map(peer).join(' ')} ${portsOf(ports)}`),
  ];
  return lines.length === 0 ? [`${who} (${name}): nothing`] : lines;
}

/** Everything that ships is in the hash: the golden files would change with every edit. */
const withoutHash = (object: KubernetesObject): KubernetesObject =>
  JSON.parse(JSON.stringify(object, (key, value) => (key === specHashAnnotation ? '…' : value)));

it('restarts a pod when a file or a secret of it changed, and no other', async () => {
  const hashes = async (over: Partial<ClusterRenderOptions>, profile = lite) =>
    new Map(
      ofKind(await objectsOf(profile, over), 'StatefulSet').map(({ metadata }) => [
        metadata.name,
        metadata.annotations?.[specHashAnnotation],
      ]),
    );
  const { credentials } = await clusterOptions(lite);
  const before = await hashes({});
  expect(await hashes({})).toEqual(before);
  const changed = async (after: Promise<Map<string, string | undefined>>) =>
    [...(await after)].filter(([name, hash]) => before.get(name) !== hash).map(([name]) => name);
  // Airflow's tasks know the whole stack.
  const other = { ...credentials, 'clickhouse.speed': { user: 'speed', secret: 'Another' } };
  expect(await changed(hashes({ credentials: other }))).toEqual(['clickhouse', 'spark', 'airflow']);
  const slower = { ...lite, speed: { ...lite.speed, triggerMs: 3000 } };
  expect(await changed(hashes({}, slower))).toEqual(['spark', 'airflow']);
});

it('opens the ports of a kind cluster’s nodes for users alone, and Kafka’s listener for them', async () => {
  const ports = { 'kafka.broker': 19_092 };
  const objects = await objectsOf(lite, { nodePorts: true, outside: { host: '127.0.0.1', ports } });
  const services = ofKind(objects, 'Service').filter(({ metadata }) => metadata.name.endsWith('-outside'));
  const numbers = services.flatMap(({ spec }) =>
    (spec as { ports: { nodePort: number }[] }).ports.map(({ nodePort }) => nodePort),
  );
  expect(new Set(numbers).size).toBe(numbers.length);
  const kafka = services.find(({ metadata }) => metadata.name === 'kafka-outside');
  expect(kafka?.spec).toMatchObject({
    type: 'NodePort',
    ports: [{ name: 'broker', targetPort: 29_092, nodePort: nodePortOf('kafka.broker', lite, catalogue) }],
  });
  const config = ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata.name === 'kafka-conf');
  expect(JSON.stringify(config)).toContain('OUTSIDE://127.0.0.1:19092');
  expect(nodePortOf('kafka.broker', lite, [])).toBe(nodePortOf('kafka.broker', lite, catalogue));
});

it('delivers no stand-in of the warehouse where there is a real one', async () => {
  const profile: Profile = {
    ...lite,
    warehouse: { target: 'snowflake', account: 'a', user: 'u', role: 'r', warehouse: 'w', database: 'LAMBDA' },
  };
  const found = titles(await objectsOf(profile)).filter((title) => title.includes('/warehouse'));
  expect(found).toEqual([]);
});

it('keeps accounts and flows of components that are there from before, when others are brought up', async () => {
  const only = (name: string) => catalogue.filter((each) => each.name === name);
  const options = await clusterOptions(lite, { components: only('clickhouse') });
  const ofKafka = (present: typeof catalogue) =>
    titles(renderCluster(options, present).base).filter((title) => title.endsWith('data/kafka'));
  expect(ofKafka([])).toEqual([]);
  expect(ofKafka(only('kafka'))).toEqual(['ServiceAccount data/kafka', 'NetworkPolicy data/kafka']);
  expect(renderCluster(options, only('kafka')).components.has('kafka')).toBe(false);
});
