import { describe, expect, it } from 'vitest';
import { clusterOptions, plainly, shippedProfile } from '../../../test/support/cluster.ts';
import { controlTopic } from '../../components/connect/connectors.ts';
import { cdcTables, databases, lake, replication, topics } from '../../platform/pipeline.ts';
import { memoryBudgetMiB, type Profile } from '../../platform/profile.ts';
import { clusterContext, renderCluster } from '../../runtimes/kubernetes/render.ts';
import { requestedMiB } from '../../runtimes/kubernetes/requests.ts';
import { catalogue } from '../catalogue.ts';
import { declaredTopics } from '../kafka/topics.ts';
import type { KubernetesObject } from '../kubernetes.ts';
import { addonsOf, comesAfter, operatorOf } from './index.ts';

const full = await shippedProfile('full');
/** Every combination that matters: the small machine by operators too. */
const lite = operated(await shippedProfile('lite'));

function operated(profile: Profile): Profile {
  const { kubernetes } = plainly(profile);
  const delivery = Object.fromEntries(Object.keys(kubernetes.delivery).map((name) => [name, 'operator']));
  return {
    ...profile,
    kubernetes: { ...kubernetes, delivery: delivery as typeof kubernetes.delivery, monitoring: true },
  };
}

async function contextOf(profile: Profile, nodePorts = false) {
  const ports = Object.fromEntries(
    catalogue.flatMap((each) => each.ports(profile).map(({ id, preferred }) => [id, preferred])),
  );
  const outside = nodePorts ? { host: '127.0.0.1', ports } : null;
  return clusterContext(await clusterOptions(profile, { nodePorts, outside }));
}

// Shapes of our own making are looked into.
// biome-ignore lint/suspicious/noExplicitAny: a test of objects that have no types of their own
type Loose = any;
const spec = (object: KubernetesObject | undefined): Loose => object?.spec;
const ofKind = (objects: readonly KubernetesObject[], kind: string) => objects.filter((each) => each.kind === kind);

describe.each([
  ['full', full],
  ['lite', lite],
])('what operators deliver in %s', async (_, profile) => {
  const context = await contextOf(profile, true);
  const deliveries = catalogue.flatMap(({ name }) => {
    const delivery = operatorOf(name);
    return delivery === null ? [] : [{ name, delivery }];
  });
  const objects = deliveries.flatMap(({ delivery }) => delivery.objects(context));
  const addons = addonsOf(context);
  const releases = [
    ...deliveries.flatMap(({ delivery }) => delivery.releases(context)),
    ...addons.flatMap((each) => each.releases),
  ];

  it('has every topic once', () => {
    const made = ofKind(objects, 'KafkaTopic');
    const names = made.map((each) => spec(each).topicName);
    const wanted = [...declaredTopics(profile), controlTopic(profile)].map(({ name }) => name);
    expect(names.toSorted()).toEqual([...wanted, 'connect-configs', 'connect-offsets', 'connect-status'].toSorted());
    for (const { name } of topics) expect(names).toContain(name);
    const objectNames = made.map(({ metadata }) => metadata.name);
    expect(new Set(objectNames).size).toBe(names.length);
    for (const name of objectNames) expect(name).toMatch(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);
    for (const each of declaredTopics(profile)) {
      const found = made.find((topic) => spec(topic).topicName === each.name);
      expect(spec(found)).toMatchObject({ partitions: each.partitions, replicas: each.replicas, config: each.config });
    }
  });

  it('has every role, database and captured table once', () => {
    const [cluster] = ofKind(objects, 'Cluster');
    const { initdb } = spec(cluster).bootstrap;
    const made = [initdb.database, ...ofKind(objects, 'Database').map((each) => spec(each).name)];
    expect(made.toSorted()).toEqual(Object.keys(databases).toSorted());
    const roles = [initdb.owner, ...spec(cluster).managed.roles.map(({ name }: { name: string }) => name)];
    expect(roles.toSorted()).toEqual([...Object.keys(databases), 'debezium'].toSorted());
    expect(spec(cluster).postgresql.parameters).toMatchObject({ wal_level: 'logical', sync_replication_slots: 'on' });
    const [publication] = ofKind(objects, 'Publication');
    expect(spec(publication).name).toBe(replication.publication);
    const tables = spec(publication).target.objects.map(({ table }: Loose) => `${table.schema}.${table.name}`);
    expect(tables).toEqual([...cdcTables.map(({ table }) => `public.${table}`), 'lambda.heartbeat']);
  });

  it('has every connector once, with addresses inside the cluster', () => {
    const made = ofKind(objects, 'KafkaConnector');
    expect(made.map(({ metadata }) => metadata.name)).toEqual([replication.connector, lake.connector]);
    expect(spec(made[0]).config['database.hostname']).toBe('postgres.data.svc');
    expect(spec(made[0]).config['database.port']).toBe('5432');
    expect(JSON.stringify(made)).not.toMatch(/127\.0\.0\.1|"connector\.class"|"tasks\.max"/);
    expect(JSON.parse(spec(made[1]).config['lake.declaration']).tables).toHaveLength(lake.tables.length);
  });

  it('leaves to Strimzi what Strimzi sets', () => {
    const { config, listeners } = spec(ofKind(objects, 'Kafka')[0]).kafka;
    const refused = Object.keys(config).filter((key) =>
      /^(listeners|advertised|listener\.|node\.id|process\.roles|log\.dir|inter\.broker\.listener|controller\.quorum\.voters|controller\.listener)/.test(
        key,
      ),
    );
    expect(refused).toEqual([]);
    expect(config).toMatchObject({ 'auto.create.topics.enable': 'false', 'broker.session.timeout.ms': '6000' });
    const outside = listeners.find(({ name }: Loose) => name === 'outside');
    expect(outside).toMatchObject({ port: 29_092, type: 'nodeport' });
    expect(outside.configuration.brokers).toHaveLength(profile.kafka.brokers);
    expect(outside.configuration.brokers[0]).toMatchObject({
      broker: 0,
      advertisedHost: '127.0.0.1',
      advertisedPort: 19_092,
    });
    const worker = spec(ofKind(objects, 'KafkaConnect')[0]);
    expect(
      Object.keys(worker.config).filter((key) => /^(group\.id|rest\.|listeners|plugin\.path|bootstrap)/.test(key)),
    ).toEqual([]);
    expect(worker).toMatchObject({ groupId: 'connect-lambda', offsetStorageTopic: 'connect-offsets' });
    const { env } = worker.template.connectContainer;
    expect(env.find(({ name }: Loose) => name === 'CLASSPATH').value).toContain('/opt/lambdactl/artifacts/debezium/');
  });

  it('keeps secrets in Secrets', () => {
    const clear = /Sealed-/;
    for (const object of [...objects, ...addons.flatMap((each) => each.objects)]) {
      if (object.kind !== 'Secret')
        expect(`${object.kind} ${object.metadata.name} ${JSON.stringify(object)}`).not.toMatch(clear);
    }
    for (const { name, values } of releases) expect(`${name} ${JSON.stringify(values)}`).not.toMatch(clear);
  });

  it('names only Secrets that it makes, with their keys', () => {
    const keys = new Set(
      ofKind(objects, 'Secret').flatMap(({ metadata, data }) =>
        Object.keys(data as object).map((key) => `${metadata.namespace}/${metadata.name}/${key}`),
      ),
    );
    const secrets = new Set([...keys].map((key) => key.slice(0, key.lastIndexOf('/'))));
    const missing: string[] = [];
    const look = (namespace: string, value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [field, inner] of Object.entries(value)) {
        if (field === 'secretKeyRef') {
          if (!keys.has(`${namespace}/${inner.name}/${inner.key}`))
            missing.push(`${namespace}/${inner.name}/${inner.key}`);
        } else if (
          /^(secretName|metadataSecretName|fernetKeySecretName|apiSecretKeySecretName|jwtSecretName)$/.test(field)
        ) {
          if (!secrets.has(`${namespace}/${inner}`)) missing.push(`${namespace}/${inner}`);
        } else if (/^(passwordSecret|superuserSecret)$/.test(field)) {
          if (!secrets.has(`${namespace}/${inner.name}`)) missing.push(`${namespace}/${inner.name}`);
        } else if (field.endsWith('k8s_secret_password_sha256_hex')) {
          if (!keys.has(`${namespace}/${inner}`)) missing.push(`${namespace}/${inner}`);
        }
        look(namespace, inner);
      }
    };
    for (const object of objects) look(object.metadata.namespace ?? '', object.spec);
    for (const { namespace, values } of releases) look(namespace, values);
    expect(missing).toEqual([]);
  });

  it('has a Service for every instance and every port that others use', () => {
    for (const { name, delivery } of deliveries) {
      const component = catalogue.find((each) => each.name === name);
      const services = ofKind(delivery.objects(context), 'Service');
      const needs = component?.ports(profile).filter(({ id }) => !id.endsWith('.controller')) ?? [];
      for (const { id, instance } of needs) {
        const service = services.find(({ metadata }) => metadata.name === delivery.service(instance));
        expect(
          spec(service).ports.map(({ port }: Loose) => port),
          id,
        ).toContain(context.port(id));
        if (name === 'kafka') continue;
        const outside = services.find(({ metadata }) => metadata.name === `${instance}-outside`);
        expect(
          spec(outside).ports.map(({ nodePort }: Loose) => nodePort),
          id,
        ).toContain(context.nodePort(id));
      }
    }
  });

  it('knows what waits for a release, and what a release waits for', () => {
    for (const { name, delivery } of deliveries) {
      const [made, installed] = [delivery.objects(context), delivery.releases(context)];
      const first = made.filter(
        (object) => !comesAfter(object, [...installed, ...(operatorOf('kafka')?.releases(context) ?? [])]),
      );
      expect(
        first.every(({ apiVersion }) => !isCustom({ apiVersion } as KubernetesObject)),
        name,
      ).toBe(true);
      expect(ofKind(first, 'Secret').length).toBe(ofKind(made, 'Secret').length);
    }
    const monitors = ofKind(
      addons.flatMap((each) => each.objects),
      'PodMonitor',
    );
    expect(monitors.every((each) => comesAfter(each, releases))).toBe(true);
  });

  it('makes no object twice, nor one that the cluster has anyway', async () => {
    const { base, components } = renderCluster(await clusterOptions(profile));
    const all = [
      ...base,
      ...[...components.values()].flatMap((each) => each.objects),
      ...addons.flatMap((each) => each.objects),
    ];
    const names = all.map(
      ({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.namespace}/${metadata.name}`,
    );
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    for (const { metadata, kind } of all)
      expect(`${kind} ${metadata.labels?.['lambdactl.dev/stack']}`).toBe(`${kind} default`);
  });

  it('asks for no more memory than the profile has', async () => {
    const { components } = renderCluster(await clusterOptions(profile));
    const ours = [...components.values()].flatMap((each) => each.objects);
    // Of what the charts' values name, tasks of Airflow and their copies of git-sync come and go.
    const charts = releases.map(({ values }) => ({ ...values, workers: {}, dags: {} }));
    const total = requestedMiB(ours) + sum(ours.filter(isCustom)) + sum(charts);
    const batch = profile.components.batch.memoryMiB;
    // What DNS, the network and etcd ask for in a cluster that kind makes.
    const cluster = 512;
    expect(total + batch + cluster).toBeLessThanOrEqual(16_384);
    expect(total).toBeGreaterThan(memoryBudgetMiB(profile) - profile.components.supervisor.memoryMiB - batch);
    for (const object of [...ours, ...charts]) {
      for (const { request, limit } of requestsIn(object)) expect(limit).toBeGreaterThanOrEqual(request);
    }
  });
});

const isCustom = ({ apiVersion }: KubernetesObject) =>
  /cnpg\.io|strimzi\.io|altinity\.com|sparkoperator/.test(apiVersion);

const sum = (objects: readonly object[]): number =>
  objects.flatMap((each) => requestsIn(each)).reduce((total, { request, copies }) => total + request * copies, 0);

/** Every request of memory in an object with its limit, MiB, and how many pods it is for. */
function requestsIn(object: object, copies = 1): { request: number; limit: number; copies: number }[] {
  const { requests, limits, replicas = 1, instances = 1, memory, memoryOverhead } = object as Loose;
  const more = copies * Math.max(Number(replicas), Number(instances) || 1);
  const own =
    requests?.memory === undefined
      ? []
      : [{ request: parseInt(requests.memory, 10), limit: parseInt(limits.memory, 10), copies }];
  const driver = memoryOverhead === undefined ? [] : [parseInt(memory, 10) + parseInt(memoryOverhead, 10)];
  const inner = Object.values(object).filter((value) => typeof value === 'object' && value !== null);
  return [
    ...own,
    ...driver.map((each) => ({ request: each, limit: each, copies })),
    ...inner.flatMap((each) => requestsIn(each, more)),
  ];
}
