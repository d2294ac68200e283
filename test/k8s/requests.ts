import type { KubernetesObject } from '../../src/components/kubernetes.ts';

type Tree = Readonly<Record<string, unknown>>;

const tree = (value: unknown): Tree => (typeof value === 'object' && value !== null ? (value as Tree) : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const unitMiB: Record<string, number> = {
  '': 1 / 1024 ** 2,
  k: 1000 / 1024 ** 2,
  Ki: 1 / 1024,
  M: 1000 ** 2 / 1024 ** 2,
  Mi: 1,
  m: 1,
  G: 1000 ** 3 / 1024 ** 2,
  g: 1024,
  Gi: 1024,
};

/** A quantity of memory as Kubernetes or (m, g) Spark writes it, MiB. */
export function mebibytes(quantity: unknown): number {
  const [, number = '0', unit = ''] = /^([\d.]+)([A-Za-z]*)$/.exec(String(quantity ?? '0')) ?? [];
  const factor = unitMiB[unit];
  if (factor === undefined) throw new Error(`unknown unit in ${quantity}`);
  return Number(number) * factor;
}

const memoryOf = (resources: unknown): number => mebibytes(tree(tree(resources).requests).memory);

/** What the scheduler counts: containers run together, init containers one after another before them. */
function podMiB(spec: unknown): number {
  const { containers, initContainers } = tree(spec);
  const sum = list(containers).reduce<number>((total, each) => total + memoryOf(tree(each).resources), 0);
  return Math.max(sum, ...list(initContainers).map((each) => memoryOf(tree(each).resources)));
}

const podOf = (spec: Tree): unknown => tree(spec.template).spec;
const times = (value: unknown): number => (value === undefined ? 1 : Number(value));

/** Memory that an object's pods ask for together, MiB; 0 of what has none. One-shot jobs run when others rest, and do not count. */
export function requestedMiB(object: KubernetesObject): number {
  const spec = tree(object.spec);
  const read = readers[object.kind];
  return read === undefined ? 0 : read(spec);
}

const readers: Readonly<Record<string, (spec: Tree) => number>> = {
  StatefulSet: (spec) => times(spec.replicas) * podMiB(podOf(spec)),
  Deployment: (spec) => times(spec.replicas) * podMiB(podOf(spec)),
  // CloudNativePG
  Cluster: (spec) => times(spec.instances) * memoryOf(spec.resources),
  Pooler: (spec) => times(spec.instances) * podMiB(podOf(spec)),
  // Strimzi
  KafkaNodePool: (spec) => times(spec.replicas) * memoryOf(spec.resources),
  KafkaConnect: (spec) => times(spec.replicas) * memoryOf(spec.resources),
  Kafka: ({ entityOperator }) => {
    const { topicOperator, userOperator } = tree(entityOperator);
    return memoryOf(tree(topicOperator).resources) + memoryOf(tree(userOperator).resources);
  },
  // Spark operator: memory is written as the JVM's, and the pod asks for the overhead besides.
  SparkApplication: ({ driver, executor }) =>
    sparkMiB(driver) + times(tree(executor).instances ?? 0) * sparkMiB(executor),
  // Altinity: every shard's replica is a pod of the first template.
  ClickHouseInstallation: clickhouseMiB,
  ClickHouseKeeperInstallation: clickhouseMiB,
};

function sparkMiB(part: unknown): number {
  const { memory, memoryOverhead } = tree(part);
  const own = mebibytes(memory);
  return own + (memoryOverhead === undefined ? Math.max(384, own / 10) : mebibytes(memoryOverhead));
}

function clickhouseMiB({ configuration, templates }: Tree): number {
  const [template] = list(tree(templates).podTemplates);
  const clusters = list(tree(configuration).clusters).map((each) => tree(tree(each).layout));
  const pods = clusters.reduce((sum, layout) => sum + times(layout.shardsCount) * times(layout.replicasCount), 0);
  return pods * podMiB(tree(template).spec);
}
