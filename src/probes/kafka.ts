import { setTimeout as sleep } from 'node:timers/promises';
import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes } from '@platformatic/kafka';
import type { Bootstrap } from '../core/bootstrap.ts';
import { externalError, type LambdaError, messageOf } from '../core/errors.ts';
import { clientOf, named } from './kafka-brokers.ts';

export interface TopicSpec {
  name: string;
  partitions: number;
  replicas: number;
  config: Readonly<Record<string, string>>;
}

export interface TopicChanges {
  created: string[];
  altered: string[];
  /** Have more partitions than wanted; a topic cannot shrink. */
  larger: string[];
}

/**
 * Creates what is missing, alters settings that differ, adds partitions; never removes any.
 * @throws LambdaError KAFKA_REFUSED
 */
export async function ensureTopics(bootstrap: Bootstrap, wanted: readonly TopicSpec[]): Promise<TopicChanges> {
  return withAdmin({ bootstrap, retries: 10, refusal: 'refused the topics' }, async (admin) => {
    const present = new Set(await admin.listTopics());
    const missing = wanted.filter(({ name }) => !present.has(name));
    await Promise.all(missing.map((topic) => create(admin, topic)));
    const existing = wanted.filter(({ name }) => present.has(name));
    const { grown, larger } = await fitPartitions(admin, existing);
    const altered = await fitConfigs(admin, existing);
    return { created: missing.map(({ name }) => name), altered: [...new Set([...grown, ...altered])], larger };
  });
}

/** Topics that do not exist are left alone; returns when the brokers know them no more. @throws LambdaError KAFKA_REFUSED */
export async function removeTopics(bootstrap: Bootstrap, topics: readonly string[]): Promise<void> {
  return withAdmin({ bootstrap, retries: 5, refusal: 'refused to delete topics' }, async (admin) => {
    const there = async () => {
      const present = new Set(await admin.listTopics());
      return topics.filter((name) => present.has(name));
    };
    const present = await there();
    if (present.length === 0) return;
    await admin.deleteTopics({ topics: present });
    for (let tries = 0; tries < 50 && (await there()).length > 0; tries++) await sleep(200);
  });
}

/** Offset of the next record by partition, of every topic that exists; an absent topic is left out. @throws LambdaError KAFKA_REFUSED */
export async function endOffsets(
  bootstrap: Bootstrap,
  topics: readonly string[],
): Promise<Record<string, Record<number, number>>> {
  return withAdmin({ bootstrap, retries: 5, refusal: 'does not tell its offsets' }, async (admin) => {
    const present = new Set(await admin.listTopics());
    const wanted = topics.filter((name) => present.has(name));
    if (wanted.length === 0) return {};
    const metadata = await admin.metadata({ topics: wanted });
    const latest = -1n;
    const listed = await admin.listOffsets({
      topics: wanted.map((name) => ({
        name,
        partitions: Array.from({ length: metadata.topics.get(name)?.partitionsCount ?? 0 }, (_, partitionIndex) => ({
          partitionIndex,
          timestamp: latest,
        })),
      })),
    });
    return Object.fromEntries(
      listed.map(({ name, partitions }) => [
        name,
        Object.fromEntries(partitions.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)])),
      ]),
    );
  });
}

interface AdminUse {
  bootstrap: Bootstrap;
  /** Attempts after the first, 200 ms apart. */
  retries: number;
  /** What Kafka did when it fails, e.g. "refused the topics". */
  refusal: string;
}

/** An admin client for one use, closed whatever comes. @throws LambdaError KAFKA_REFUSED */
async function withAdmin<T>({ bootstrap, retries, refusal }: AdminUse, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: 'lambdactl', ...clientOf(bootstrap), retries, retryDelay: 200 });
  try {
    return await use(admin);
  } catch (error) {
    throw kafkaRefused(`Kafka at ${named(bootstrap)} ${refusal}`, error);
  } finally {
    await admin.close();
  }
}

/** Kafka did not do what it was asked for. @param message ends without a full stop: the cause's own words follow it */
export function kafkaRefused(message: string, cause: unknown): LambdaError {
  return externalError(`${message}: ${messageOf(cause)}`, {
    code: 'KAFKA_REFUSED',
    actions: ['lambdactl health', 'lambdactl logs kafka'],
    retryable: true,
    cause,
  });
}

async function create(admin: Admin, { name, partitions, replicas, config }: TopicSpec): Promise<void> {
  const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
  await admin.createTopics({ topics: [name], partitions, replicas, configs });
}

async function fitPartitions(admin: Admin, topics: readonly TopicSpec[]) {
  if (topics.length === 0) return { grown: [], larger: [] };
  const metadata = await admin.metadata({ topics: topics.map(({ name }) => name) });
  const countOf = (name: string) => metadata.topics.get(name)?.partitionsCount ?? 0;
  const small = topics.filter(({ name, partitions }) => countOf(name) < partitions);
  if (small.length > 0) {
    await admin.createPartitions({ topics: small.map(({ name, partitions }) => ({ name, count: partitions })) });
  }
  const larger = topics.filter(({ name, partitions }) => countOf(name) > partitions).map(({ name }) => name);
  return { grown: small.map(({ name }) => name), larger };
}

async function fitConfigs(admin: Admin, topics: readonly TopicSpec[]): Promise<string[]> {
  if (topics.length === 0) return [];
  const described = await admin.describeConfigs({
    resources: topics.map(({ name, config }) => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName: name,
      configurationKeys: Object.keys(config),
    })),
  });
  const resources = topics.flatMap(({ name, config }) => {
    const present = described.find(({ resourceName }) => resourceName === name)?.configs ?? [];
    const differing = Object.entries(config).filter(
      ([key, value]) => present.find((each) => each.name === key)?.value !== value,
    );
    const configs = differing.map(([key, value]) => ({
      name: key,
      value,
      configOperation: IncrementalAlterConfigOperationTypes.SET,
    }));
    return configs.length === 0 ? [] : [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configs }];
  });
  if (resources.length > 0) await admin.incrementalAlterConfigs({ resources });
  return resources.map(({ resourceName }) => resourceName);
}
