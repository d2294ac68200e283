import { Admin, ConfigResourceTypes, Consumer, MessagesStreamModes } from '@platformatic/kafka';
import type { Bootstrap } from '../core/bootstrap.ts';
import { clientOf } from './kafka-brokers.ts';

export interface TopicState {
  partitions: number;
  /** Partitions without a leader, which take and give nothing. */
  offline: readonly number[];
  /** Partitions with fewer replicas in sync than there are. */
  underReplicated: readonly number[];
  /** Of the settings asked for. */
  config: Readonly<Record<string, string | null>>;
}

/** Offset by partition. */
export type Offsets = Readonly<Record<number, number>>;

export interface TailRecord {
  topic: string;
  partition: number;
  offset: number;
  /** ms since 1970. */
  time: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: Readonly<Record<string, string>>;
}

const earliest = -2n;
const latest = -1n;
/** Asks for the record with the greatest time. */
const newestTime = -3n;

/** Looks at a cluster and changes nothing. One connection for all questions; close it. */
export class KafkaInspector {
  private readonly admin: Admin;
  private readonly bootstrap: Bootstrap;

  constructor(bootstrap: Bootstrap) {
    this.bootstrap = bootstrap;
    // No long patience: who inspects wants to know that nothing answers.
    this.admin = new Admin({
      clientId: 'lambdactl-inspect',
      ...clientOf(bootstrap),
      retries: 1,
      retryDelay: 100,
      connectTimeout: 1500,
    });
  }

  close(): Promise<void> {
    return this.admin.close();
  }

  /** @param settings names of the settings to read, by topic @returns only topics that exist */
  async topics(settings: Readonly<Record<string, readonly string[]>>): Promise<ReadonlyMap<string, TopicState>> {
    const present = new Set(await this.admin.listTopics());
    const names = Object.keys(settings).filter((name) => present.has(name));
    if (names.length === 0) return new Map();
    const [metadata, described] = await Promise.all([
      this.admin.metadata({ topics: names, forceUpdate: true }),
      this.admin.describeConfigs({
        resources: names.map((name) => ({
          resourceType: ConfigResourceTypes.TOPIC,
          resourceName: name,
          configurationKeys: [...(settings[name] ?? [])],
        })),
      }),
    ]);
    return new Map(
      names.map((name) => {
        const { partitions = [] } = metadata.topics.get(name) ?? {};
        const indexes = (wrong: (partition: (typeof partitions)[number]) => boolean) =>
          partitions.flatMap((partition, index) => (wrong(partition) ? [index] : []));
        const configs = described.find(({ resourceName }) => resourceName === name)?.configs ?? [];
        return [
          name,
          {
            partitions: partitions.length,
            offline: indexes(({ leader }) => leader < 0),
            underReplicated: indexes(({ isr, replicas }) => isr.length < replicas.length),
            config: Object.fromEntries(configs.map((each) => [each.name, each.value ?? null])),
          },
        ];
      }),
    );
  }

  /** First offset that is still there and offset of the next record, of topics that exist. */
  async ranges(topics: readonly string[]): Promise<Record<string, { first: Offsets; end: Offsets }>> {
    const [first, end] = await Promise.all([this.offsetsAt(topics, earliest), this.offsetsAt(topics, latest)]);
    return Object.fromEntries(
      Object.entries(end).map(([topic, offsets]) => [topic, { first: first[topic] ?? {}, end: offsets }]),
    );
  }

  /** Time of each topic's newest record, ms since 1970; topics without a record are left out. */
  async newest(topics: readonly string[]): Promise<Record<string, number>> {
    const listed = await this.listAt(topics, newestTime);
    return Object.fromEntries(
      listed.flatMap(({ name, partitions }) => {
        const time = Math.max(-1, ...partitions.map(({ timestamp }) => Number(timestamp)));
        return time < 0 ? [] : [[name, time]];
      }),
    );
  }

  /** By topic and partition the offset behind the last record that is older than `time` (ms since 1970). */
  async offsetsBefore(topics: readonly string[], time: number): Promise<Record<string, Offsets>> {
    const [at, end] = await Promise.all([this.offsetsAt(topics, BigInt(time)), this.offsetsAt(topics, latest)]);
    return Object.fromEntries(
      Object.entries(end).map(([topic, ends]) => [
        topic,
        Object.fromEntries(
          Object.entries(ends).map(([partition, last]) => {
            // -1: no record is that new, so all are older.
            const found = at[topic]?.[Number(partition)] ?? -1;
            return [partition, found < 0 ? last : found];
          }),
        ),
      ]),
    );
  }

  /** Records whose time is at or after `since` (ms since 1970), by topic. */
  async countSince(topics: readonly string[], since: number): Promise<Record<string, number>> {
    const [from, end] = await Promise.all([this.offsetsBefore(topics, since), this.offsetsAt(topics, latest)]);
    return Object.fromEntries(
      Object.entries(end).map(([topic, ends]) => [
        topic,
        Object.entries(ends).reduce(
          (sum, [partition, last]) => sum + Math.max(0, last - (from[topic]?.[Number(partition)] ?? last)),
          0,
        ),
      ]),
    );
  }

  /** What consumer groups have committed: group → topic → offsets; nothing for a group that never committed. */
  async committed(groups: readonly string[]): Promise<Record<string, Record<string, Offsets>>> {
    const listed = await this.admin.listConsumerGroupOffsets({ groups: [...groups] });
    return Object.fromEntries(
      listed.map(({ groupId, topics }) => [
        groupId,
        Object.fromEntries(
          topics.map(({ name, partitions }) => [
            name,
            Object.fromEntries(partitions.map((each) => [each.partitionIndex, Number(each.committedOffset)])),
          ]),
        ),
      ]),
    );
  }

  /** Names of all consumer groups. */
  async groups(): Promise<string[]> {
    return [...(await this.admin.listGroups()).keys()];
  }

  /** Up to `each` last records of every partition. @param waitMs ends the reading when less comes than offsets promise */
  async tail(topics: readonly string[], each: number, waitMs: number): Promise<TailRecord[]> {
    const ranges = await this.ranges(topics);
    const starts = Object.entries(ranges).flatMap(([topic, { first, end }]) =>
      Object.entries(end).flatMap(([partition, last]) => {
        const from = Math.max(first[Number(partition)] ?? 0, last - each);
        return [{ topic, partition: Number(partition), from, last }];
      }),
    );
    const wanted = starts.reduce((sum, { from, last }) => sum + last - from, 0);
    if (wanted === 0) return [];
    return this.read(starts, wanted, waitMs);
  }

  private async read(
    starts: readonly { topic: string; partition: number; from: number }[],
    wanted: number,
    waitMs: number,
  ): Promise<TailRecord[]> {
    const consumer = new Consumer({
      clientId: 'lambdactl-inspect',
      // Never joined: partitions are read by hand, and nothing is committed.
      groupId: `lambdactl-inspect-${process.pid}`,
      ...clientOf(this.bootstrap),
      retries: 1,
    });
    const records: TailRecord[] = [];
    try {
      const stream = await consumer.consume({
        topics: [...new Set(starts.map(({ topic }) => topic))],
        mode: MessagesStreamModes.MANUAL,
        offsets: starts.map(({ topic, partition, from }) => ({ topic, partition, offset: BigInt(from) })),
        autocommit: false,
        maxWaitTime: 200,
      });
      const timer = setTimeout(() => stream.destroy(), waitMs);
      try {
        for await (const { topic, partition, offset, timestamp, key, value, headers } of stream) {
          records.push({
            topic,
            partition,
            offset: Number(offset),
            time: Number(timestamp),
            key,
            value,
            headers: Object.fromEntries([...headers].map(([name, text]) => [String(name), String(text)])),
          });
          if (records.length >= wanted) break;
        }
      } catch (error) {
        // Destroyed by the timer: what came until then is what there is.
        if (!stream.destroyed) throw error;
      } finally {
        clearTimeout(timer);
      }
    } finally {
      await consumer.close(true);
    }
    return records;
  }

  private async offsetsAt(topics: readonly string[], timestamp: bigint): Promise<Record<string, Offsets>> {
    const listed = await this.listAt(topics, timestamp);
    return Object.fromEntries(
      listed.map(({ name, partitions }) => [
        name,
        Object.fromEntries(partitions.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)])),
      ]),
    );
  }

  private async listAt(topics: readonly string[], timestamp: bigint) {
    const present = new Set(await this.admin.listTopics());
    const names = topics.filter((name) => present.has(name));
    if (names.length === 0) return [];
    const metadata = await this.admin.metadata({ topics: names });
    return this.admin.listOffsets({
      topics: names.map((name) => ({
        name,
        partitions: Array.from({ length: metadata.topics.get(name)?.partitionsCount ?? 0 }, (_, partitionIndex) => ({
          partitionIndex,
          timestamp,
        })),
      })),
    });
  }
}

/** Opens an inspector for one use. @throws what `use` throws; the client's own error when nothing answers */
export async function inspectKafka<T>(bootstrap: Bootstrap, use: (kafka: KafkaInspector) => Promise<T>): Promise<T> {
  const kafka = new KafkaInspector(bootstrap);
  try {
    return await use(kafka);
  } finally {
    await kafka.close();
  }
}
