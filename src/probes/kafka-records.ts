import { Admin, type ClusterMetadata, ConnectionPool, fetchV17, type RecordsBatch } from '@platformatic/kafka';
import type { Bootstrap } from '../core/bootstrap.ts';
import { kafkaRefused } from './kafka.ts';
import { clientOf, named } from './kafka-brokers.ts';

/** A record as the broker holds it; bytes are nobody's business here. */
export interface StoredRecord {
  topic: string;
  partition: number;
  offset: number;
  /** Epoch ms, as its producer set it. */
  timestampMs: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: readonly (readonly [string, Buffer | null])[];
}

/** First offset and the one behind the last, of one partition. */
export interface Bounds {
  partition: number;
  begin: number;
  end: number;
}

const earliest = -2n;
const latest = -1n;
const readUncommitted = 0;
/** A fetch session of its own would be kept by the broker: -1 asks for none. */
const noSession = -1;
const isControl = 0b10_0000;

/**
 * Reads records by offset without a consumer group, and deletes from the old end.
 * Every method @throws LambdaError KAFKA_REFUSED.
 */
export class RecordReader {
  private readonly bootstrap: Bootstrap;
  private readonly admin: Admin;
  private readonly pool: ConnectionPool;

  constructor(bootstrap: Bootstrap) {
    const shared = { connectTimeout: 5000, requestTimeout: 20_000 };
    this.bootstrap = bootstrap;
    this.admin = new Admin({
      ...shared,
      clientId: 'lambdactl',
      ...clientOf(bootstrap),
      retries: 5,
      retryDelay: 200,
    });
    this.pool = new ConnectionPool('lambdactl', shared);
    // The pool listens for the first error of a connection only; a second one must not end the process.
    this.pool.on('connecting', ({ connection }) => connection.on('error', () => undefined));
  }

  /** Bounds of every partition; a topic that does not exist has none. */
  async bounds(topic: string): Promise<Bounds[]> {
    const [begins, ends] = [await this.offsets(topic, earliest), await this.offsets(topic, latest)];
    return [...begins].map(([partition, begin]) => ({ partition, begin, end: ends.get(partition) ?? begin }));
  }

  /** Of each partition the first offset whose record is at or after a time; its end where there is none. */
  async offsetsAt(topic: string, timeMs: number): Promise<Map<number, number>> {
    const [found, ends] = [await this.offsets(topic, BigInt(Math.max(0, timeMs))), await this.offsets(topic, latest)];
    return new Map(
      [...ends].map(([partition, end]) => [
        partition,
        (found.get(partition) ?? -1) < 0 ? end : (found.get(partition) ?? end),
      ]),
    );
  }

  /** Records of [from, to) in order, in lumps of at most about `maxBytes`; those that are gone by now are left out. */
  async *read(
    topic: string,
    partition: number,
    from: number,
    to: number,
    maxBytes = 4 << 20,
  ): AsyncGenerator<StoredRecord[]> {
    for (let at = from; at < to; ) {
      const batches = await this.guarded(() => this.fetch(topic, partition, at, maxBytes));
      const records = batches
        .flatMap((batch) => recordsOf(batch, topic, partition))
        .filter(({ offset }) => offset >= at && offset < to);
      const next = Math.max(
        at,
        ...batches.map(({ firstOffset, lastOffsetDelta }) => Number(firstOffset) + lastOffsetDelta + 1),
      );
      // Nothing at an offset below the end: the broker drops it this moment.
      if (next === at) return;
      at = next;
      if (records.length > 0) yield records;
    }
  }

  /** Deletes every record before an offset, by partition. */
  async deleteBefore(topic: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    if (offsets.size === 0) return;
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: BigInt(offset) }));
    await this.guarded(() => this.admin.deleteRecords({ topics: [{ name: topic, partitions }] }));
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.admin.close(), this.pool.close()]);
  }

  private async offsets(topic: string, timestamp: bigint): Promise<Map<number, number>> {
    return this.guarded(async () => {
      if (!(await this.admin.listTopics()).includes(topic)) return new Map();
      const count = (await this.metadata(topic)).topics.get(topic)?.partitionsCount ?? 0;
      const partitions = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp }));
      const [listed] = await this.admin.listOffsets({ topics: [{ name: topic, partitions }] });
      const pairs = (listed?.partitions ?? []).map(({ partitionIndex, offset }): [number, number] => [
        partitionIndex,
        Number(offset),
      ]);
      return new Map(pairs.sort(([a], [b]) => a - b));
    });
  }

  private metadata(topic: string): Promise<ClusterMetadata> {
    return this.admin.metadata({ topics: [topic] });
  }

  private async fetch(topic: string, partition: number, from: number, maxBytes: number): Promise<RecordsBatch[]> {
    const metadata = await this.metadata(topic);
    const found = metadata.topics.get(topic);
    const broker = metadata.brokers.get(found?.partitions[partition]?.leader ?? -1);
    if (found === undefined || broker === undefined) throw new Error(`${topic}/${partition} has no leader`);
    const connection = await this.pool.get(broker);
    const wanted = [
      {
        topicId: found.id,
        partitions: [
          {
            partition,
            currentLeaderEpoch: -1,
            fetchOffset: BigInt(from),
            lastFetchedEpoch: -1,
            partitionMaxBytes: maxBytes,
          },
        ],
      },
    ];
    const answer = await fetchV17.api.async(
      connection,
      500,
      1,
      maxBytes,
      readUncommitted,
      0,
      noSession,
      wanted,
      [],
      '',
    );
    return answer.responses.flatMap(({ partitions }) => partitions.flatMap(({ records }) => records ?? []));
  }

  private async guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw kafkaRefused(`Kafka at ${named(this.bootstrap)} refused`, error);
    }
  }
}

function recordsOf(batch: RecordsBatch, topic: string, partition: number): StoredRecord[] {
  if ((batch.attributes & isControl) !== 0) return [];
  return batch.records.map(({ offsetDelta, timestampDelta, key, value, headers }) => ({
    topic,
    partition,
    offset: Number(batch.firstOffset) + offsetDelta,
    timestampMs: Number(batch.firstTimestamp + timestampDelta),
    key,
    value,
    headers: headers.map(([name, content]) => [String(name ?? ''), content] as const),
  }));
}
