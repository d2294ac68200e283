import { setTimeout as sleep } from 'node:timers/promises';
import {
  Admin,
  type ClusterMetadata,
  type Connection,
  ConnectionPool,
  fetchV12,
  protocolErrorsCodesById,
  type Reader,
} from '@platformatic/kafka';
import type { Bootstrap } from '../core/bootstrap.ts';
import { externalError, LambdaError, messageOf } from '../core/errors.ts';
import { RecordCursor as Cursor, type RecordCursor, readBatches } from './kafka-batches.ts';
import { clientOf, named, secured } from './kafka-brokers.ts';

export type { RecordCursor } from './kafka-batches.ts';

/** Topic → partition → offset. */
export type TopicOffsets = Readonly<Record<string, Readonly<Record<number, number>>>>;

export interface ReadOptions {
  bootstrap: Bootstrap;
  /** First offset to read; a partition that is not named is read from 0. */
  from: TopicOffsets;
  /** Offset behind the last to read; what is not named here is not read. */
  to: TopicOffsets;
  signal?: AbortSignal;
}

/** Bytes of one answer, and of one partition in it: enough to keep round trips rare, little enough for memory. */
const answerBytes = 16 * 1024 * 1024;
const partitionBytes = 2 * 1024 * 1024;
/** The broker waits this long where there is nothing to give, ms. */
const maxWaitMs = 500;
/** How long broken connections, moving leaders and silence are put up with, ms. */
const patienceMs = 30_000;
const retryEveryMs = 300;
const committedOnly = 1;

interface Portion {
  topic: string;
  partition: number;
  next: number;
  end: number;
}

interface Fetched {
  topic: string;
  partition: number;
  errorCode: number;
  records: Buffer;
}

/**
 * Reads the records between two sets of offsets once, as fast as the brokers give them, without a consumer group. Batches are
 * taken apart in place: the client library's own consumer makes objects of every record and costs several times the CPU.
 * @param visit called for every record, in order within a partition; keep no reference to its bytes
 * @throws LambdaError KAFKA_UNREACHABLE; KAFKA_RECORDS_GONE where retention was faster; the signal's reason
 */
export async function readTopics(options: ReadOptions, visit: (record: RecordCursor) => void): Promise<void> {
  const portions = portionsOf(options);
  if (portions.length === 0) return;
  const reader = new TopicReader(options, visit);
  try {
    await reader.read(portions);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof LambdaError) throw error;
    throw externalError(`Kafka at ${named(options.bootstrap)} cannot be read: ${messageOf(error)}`, {
      code: 'KAFKA_UNREACHABLE',
      actions: ['lambdactl health', 'lambdactl logs kafka'],
      retryable: true,
      cause: error,
    });
  } finally {
    await reader.close();
  }
}

function portionsOf({ from, to }: ReadOptions): Portion[] {
  return Object.entries(to).flatMap(([topic, partitions]) =>
    Object.entries(partitions)
      .map(([partition, end]) => ({
        topic,
        partition: Number(partition),
        next: from[topic]?.[Number(partition)] ?? 0,
        end,
      }))
      .filter(({ next, end }) => next < end),
  );
}

class TopicReader {
  private readonly visit: (record: RecordCursor) => void;
  private readonly signal: AbortSignal | undefined;
  private readonly admin: Admin;
  private readonly pool: ConnectionPool;
  private readonly cursor = new Cursor();

  constructor({ bootstrap, signal }: ReadOptions, visit: (record: RecordCursor) => void) {
    const shared = { connectTimeout: 5000, requestTimeout: patienceMs, ...secured(bootstrap) };
    this.visit = visit;
    this.signal = signal;
    this.admin = new Admin({ ...shared, clientId: 'lambdactl-reader', ...clientOf(bootstrap), retries: 3 });
    this.pool = new ConnectionPool('lambdactl-reader', shared);
    // The pool listens for the first error of a connection only; a second one must not end the process.
    this.pool.on('connecting', ({ connection }) => connection.on('error', () => undefined));
  }

  async read(portions: readonly Portion[]): Promise<void> {
    const topics = [...new Set(portions.map(({ topic }) => topic))];
    let deadline = performance.now() + patienceMs;
    for (;;) {
      const left = portions.filter(({ next, end }) => next < end);
      if (left.length === 0) return;
      this.signal?.throwIfAborted();
      const metadata = await this.admin.metadata({ topics, forceUpdate: true });
      const leaders = Map.groupBy(left, ({ topic, partition }) => leaderOf(metadata, topic, partition));
      const before = remaining(left);
      const outcomes = await Promise.allSettled(
        [...leaders].map(([leader, ofLeader]) => this.readFrom(metadata, leader, ofLeader)),
      );
      if (remaining(left) < before) deadline = performance.now() + patienceMs;
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed === undefined) continue;
      if (failed.reason instanceof LambdaError || performance.now() > deadline) throw failed.reason;
      await sleep(retryEveryMs, undefined, this.signal === undefined ? {} : { signal: this.signal });
    }
  }

  /** Reads what one broker leads, until all is read. @throws Error when its connection or leadership is lost */
  private async readFrom(metadata: ClusterMetadata, leader: number, portions: readonly Portion[]): Promise<void> {
    const broker = metadata.brokers.get(leader);
    if (broker === undefined) throw new Error(`a partition of ${portions[0]?.topic} has no leader`);
    const connection = await this.pool.get(broker);
    let deadline = performance.now() + patienceMs;
    for (let left = portions; left.length > 0; left = left.filter(({ next, end }) => next < end)) {
      this.signal?.throwIfAborted();
      const before = remaining(left);
      for (const fetched of await fetchRecords(connection, left)) this.take(left, fetched);
      if (remaining(left) < before) deadline = performance.now() + patienceMs;
      else if (performance.now() > deadline) throw new Error(`the broker gives nothing up to offset ${left[0]?.end}`);
    }
  }

  private take(portions: readonly Portion[], { topic, partition, errorCode, records }: Fetched): void {
    const portion = portions.find((each) => each.topic === topic && each.partition === partition);
    if (portion === undefined) return;
    if (errorCode !== 0) throw fetchError(portion, errorCode);
    const { cursor, visit } = this;
    cursor.topic = topic;
    cursor.partition = partition;
    readBatches(records, (batch, body) => {
      if (body !== null) cursor.walk(body, batch, portion.next, portion.end, visit);
      portion.next = Math.max(portion.next, batch.nextOffset);
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.admin.close(), this.pool.close()]);
  }
}

const remaining = (portions: readonly Portion[]): number =>
  portions.reduce((sum, { next, end }) => sum + Math.max(0, end - next), 0);

const leaderOf = (metadata: ClusterMetadata, topic: string, partition: number): number =>
  metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1;

function fetchError({ topic, partition, next }: Portion, errorCode: number): Error {
  const names: Record<number, string> = protocolErrorsCodesById;
  const name = names[errorCode] ?? `error ${errorCode}`;
  if (name !== 'OFFSET_OUT_OF_RANGE') return new Error(`${name} for ${topic}, partition ${partition}`);
  return externalError(`${topic}, partition ${partition}, no longer holds the records from offset ${next} on.`, {
    code: 'KAFKA_RECORDS_GONE',
    details: { topic, partition, offset: next },
    actions: ['They are older than the topic keeps records, or the topic was made anew: repeat what wrote them.'],
  });
}

function fetchRecords(connection: Connection, portions: readonly Portion[]): Promise<Fetched[]> {
  const topics = [...Map.groupBy(portions, ({ topic }) => topic)].map(([topicId, ofTopic]) => ({
    topicId, // of this version the name
    partitions: ofTopic.map(({ partition, next }) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(next),
      lastFetchedEpoch: -1,
      partitionMaxBytes: partitionBytes,
    })),
  }));
  const { key, version } = fetchV12.api;
  return new Promise((resolve, reject) => {
    connection.send(
      key,
      version,
      () => fetchV12.createRequest(maxWaitMs, 1, answerBytes, committedOnly, 0, -1, topics, [], ''),
      (_correlation, _key, _version, reader) => parseFetched(reader),
      true,
      true,
      (error, fetched) => (fetched === undefined || fetched === null ? reject(error) : resolve(fetched)),
    );
  });
}

/** Fetch response 12, records left as bytes: throttle time, error, session, topics with partitions. */
function parseFetched(reader: Reader): Fetched[] {
  reader.readInt32();
  const errorCode = reader.readInt16();
  reader.readInt32();
  if (errorCode !== 0) throw new Error(`the broker refused to be read: error ${errorCode}`);
  const topics = reader.readArray((r) => {
    const topic = r.readString();
    return r.readArray((inner) => parsePartition(inner, topic));
  });
  reader.readTaggedFields();
  return topics.flat();
}

function parsePartition(reader: Reader, topic: string): Fetched {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  reader.skip(24); // high watermark, last stable offset, start of the log
  reader.readNullableArray((r) => r.readInt64() + r.readInt64()); // aborted transactions: there are none here
  reader.readInt32();
  const size = Math.max(0, reader.readUnsignedVarInt() - 1);
  const records = reader.buffer.slice(reader.position, reader.position + size);
  reader.skip(size);
  return { topic, partition, errorCode, records };
}
