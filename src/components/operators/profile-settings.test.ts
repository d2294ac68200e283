import { expect, it } from 'vitest';
import { clusterOptions, plainly, shippedProfile } from '../../../test/support/cluster.ts';
import { componentName } from '../../operations/selection.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { resourcesFor } from '../../runtimes/kubernetes/quantities.ts';
import { clusterContext } from '../../runtimes/kubernetes/render.ts';
import type { KubernetesObject } from '../kubernetes.ts';
import { operatorOf } from './index.ts';

const full = await shippedProfile('full');
const lite = plainly(await shippedProfile('lite'));
const contextOf = async (profile: Profile) => clusterContext(await clusterOptions(profile));

// Shapes of our own making are looked into.
// biome-ignore lint/suspicious/noExplicitAny: a test of objects that have no types of their own
const spec = (object: KubernetesObject | undefined): any => object?.spec;

it('replaces charts and images, and leaves out what the cluster has', async () => {
  const { kubernetes } = full;
  const profile: Profile = {
    ...full,
    kubernetes: {
      ...kubernetes,
      charts: { strimzi: '/charts/strimzi', 'cloudnative-pg': 'installed' },
      images: {
        ...kubernetes.images,
        overrides: {
          strimzi: 'registry.example.com:5000/mirror/strimzi/operator:1.2.0@sha256:ab',
          postgres: 'pg:18',
          airflow: 'r.example.com/a/airflow:1',
        },
      },
      nodeSelector: { pool: 'data' },
      imagePullSecrets: ['mirror'],
      storageClass: 'fast',
      postgresInstances: 3,
      dagRepository: 'https://git.example.com/dags.git',
    },
  };
  const context = await contextOf(profile);
  expect(operatorOf('postgres')?.releases(context)).toEqual([]);
  const [strimzi] = operatorOf('kafka')?.releases(context) ?? [];
  expect(strimzi).toMatchObject({ name: 'strimzi', chart: '/charts/strimzi' });
  expect(strimzi?.values.image).toEqual({
    registry: 'registry.example.com:5000',
    repository: 'mirror/strimzi',
    name: 'operator',
    tag: '1.2.0@sha256:ab',
  });
  const cluster = operatorOf('postgres')
    ?.objects(context)
    .find(({ kind }) => kind === 'Cluster');
  expect(spec(cluster)).toMatchObject({
    instances: 3,
    imageName: 'pg:18',
    affinity: { nodeSelector: { pool: 'data' } },
    imagePullSecrets: [{ name: 'mirror' }],
    storage: { storageClass: 'fast' },
  });
  const kafka = operatorOf('kafka')
    ?.objects(context)
    .find(({ kind }) => kind === 'Kafka');
  expect(JSON.stringify(spec(kafka).kafka.template.pod.affinity)).toContain('"values":["data"]');
  const [airflow] = operatorOf('airflow')?.releases(context) ?? [];
  expect(airflow?.values).toMatchObject({
    executor: 'KubernetesExecutor',
    images: { airflow: { repository: 'r.example.com/a/airflow', tag: '1' } },
    dags: { gitSync: { repo: 'https://git.example.com/dags.git' } },
    config: { core: { parallelism: '2' } },
  });
  expect(
    operatorOf('airflow')
      ?.objects(context)
      .filter(({ kind }) => kind === 'StatefulSet'),
  ).toEqual([]);
});

it('lets an operator in from any namespace where somebody else has installed it, and from its own where not', async () => {
  const policies = async (charts: Record<string, string>) => {
    const objects = operatorOf('postgres')?.objects(
      await contextOf({ ...full, kubernetes: { ...full.kubernetes, charts } }),
    );
    return new Map(
      objects?.filter(({ kind }) => kind === 'NetworkPolicy').map((each) => [each.metadata.name, spec(each)]),
    );
  };
  const podSelector = { matchLabels: { 'app.kubernetes.io/name': 'cloudnative-pg' } };
  const peers = (policy: { ingress: { from: object[] }[] } | undefined) => policy?.ingress.flatMap(({ from }) => from);
  const elsewhere = await policies({ 'cloudnative-pg': 'installed' });
  expect(peers(elsewhere.get('postgres-cluster'))).toContainEqual({ namespaceSelector: {}, podSelector });
  expect(elsewhere.has('cloudnative-pg')).toBe(false);
  const ours = await policies({});
  expect(peers(ours.get('postgres-cluster'))).toContainEqual({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'data' } },
    podSelector,
  });
  expect(ours.has('cloudnative-pg')).toBe(true);
});

it('asks for the cores that plain delivery asks for, which is what a small machine has', async () => {
  const context = await contextOf(lite);
  const ofKind = (component: ComponentName, kind: string) =>
    spec(
      operatorOf(component)
        ?.objects(context)
        .find((each) => each.kind === kind),
    );
  const plain = (component: ComponentName) => resourcesFor(component, 0, lite).requests.cpu;
  expect(ofKind('postgres', 'Cluster').resources.requests.cpu).toBe(plain('postgres'));
  expect(ofKind('connect', 'KafkaConnect').resources.requests.cpu).toBe(plain('connect'));
  expect(ofKind('spark', 'SparkApplication').driver.coreRequest).toBe(plain('spark'));
});

it('says rightly which operators run our own images', async () => {
  const context = await contextOf(full);
  for (const component of Object.keys(full.kubernetes.delivery).map(componentName)) {
    const delivery = operatorOf(component);
    const asked = JSON.stringify([delivery?.objects(context), delivery?.releases(context)]);
    expect(asked.includes(`lambdactl/${component}`), component).toBe(delivery?.ownImage);
  }
});

it('uses the executor that the machine can carry', async () => {
  const [release] = operatorOf('airflow')?.releases(await contextOf(lite)) ?? [];
  expect(release?.values.executor).toBe('LocalExecutor');
});

it('brings the operator with Connect where brokers are ours', async () => {
  const delivery = { ...full.kubernetes.delivery, kafka: 'plain' as const };
  const context = await contextOf({ ...full, kubernetes: { ...full.kubernetes, delivery } });
  expect(
    operatorOf('connect')
      ?.releases(context)
      .map(({ name }) => name),
  ).toEqual(['strimzi']);
});
