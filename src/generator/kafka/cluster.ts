import { setTimeout as sleep } from 'node:timers/promises';
import {
  Admin,
  type ClusterMetadata,
  type Connection,
  ConnectionPool,
  findErrorBy,
  initProducerIdV4,
  produceV9,
  ResponseError,
  Writer,
} from '@platformatic/kafka';
import type { Bootstrap } from '../../core/bootstrap.ts';
import { externalError, messageOf } from '../../core/errors.ts';
import { clientOf, named, secured } from '../../probes/kafka-brokers.ts';
import type { ProducerIdentity } from './record-batch.ts';

export interface ClusterOptions {
  bootstrap: Bootstrap;
  clientId: string;
}

/** One partition's part of a produce request. */
export interface ProduceEntry {
  topic: string;
  partition: number;
  bytes: Buffer;
}

/** A broker's answer for one partition; code 0 is success (kafka.apache.org/protocol#protocol_error_codes). */
export interface ProduceOutcome {
  topic: string;
  partition: number;
  errorCode: number;
}

const allInSyncReplicas = -1;
const requestTimeoutMs = 30_000;
const connectTimeoutMs = 10_000;
const retryEveryMs = 250;

const isMissingTopic = (error: unknown) =>
  error instanceof Error && findErrorBy(error, 'apiId', 'UNKNOWN_TOPIC_OR_PARTITION') !== null;

function connectError(error: unknown, address: string, topics: readonly string[]) {
  if (isMissingTopic(error)) {
    return externalError(`Kafka at ${address} lacks one of the topics ${topics.join(', ')}.`, {
      code: 'KAFKA_TOPIC_MISSING',
      actions: ['Create the topics: "lambdactl up" does.'],
      cause: error,
    });
  }
  return externalError(`Kafka at ${address} cannot be reached: ${messageOf(error)}`, {
    code: 'KAFKA_UNREACHABLE',
    actions: ['Check that Kafka runs ("lambdactl status") and that the address is right (--bootstrap).'],
    retryable: true,
    cause: error,
  });
}

/** What the sink needs of Kafka. */
export interface KafkaCluster {
  /** Asks for the partitions and their leaders again. */
  refresh(): Promise<void>;
  partitionCount(topic: string): number;
  /** Node id of a partition's leader; -1 while there is none. */
  leaderOf(topic: string, partition: number): number;
  /** A fresh identity for idempotent writing. */
  newIdentity(): Promise<ProducerIdentity>;
  /** Sends one request to a leader and waits until all in-sync replicas have it. Rejects if the answer never came. */
  produce(leader: number, entries: readonly ProduceEntry[]): Promise<ProduceOutcome[]>;
  close(): Promise<void>;
}

/** KafkaCluster over the client library's connections; produce requests take ready-made record batches. */
export class Cluster implements KafkaCluster {
  private readonly admin: Admin;
  private readonly pool: ConnectionPool;
  private readonly topics: string[];
  private metadata: ClusterMetadata | undefined;

  private constructor(options: ClusterOptions, topics: readonly string[]) {
    const shared = { connectTimeout: 5000, requestTimeout: requestTimeoutMs, ...secured(options.bootstrap) };
    this.topics = [...topics];
    this.admin = new Admin({
      ...shared,
      clientId: options.clientId,
      ...clientOf(options.bootstrap),
      retries: 0,
    });
    this.pool = new ConnectionPool(options.clientId, shared);
    // The pool listens for the first error of a connection only; a second one must not end the process.
    this.pool.on('connecting', ({ connection }) => connection.on('error', () => undefined));
  }

  /**
   * Connects and learns the partitions of `topics`. A broker that is still starting gets ten seconds, until it gives
   * out identities too.
   * @throws LambdaError KAFKA_UNREACHABLE, KAFKA_TOPIC_MISSING
   */
  static async connect(options: ClusterOptions, topics: readonly string[]): Promise<Cluster> {
    const cluster = new Cluster(options, topics);
    const deadline = performance.now() + connectTimeoutMs;
    for (;;) {
      try {
        await cluster.refresh();
        await cluster.newIdentity();
        return cluster;
      } catch (error) {
        if (performance.now() < deadline && !isMissingTopic(error)) {
          await sleep(retryEveryMs);
          continue;
        }
        await cluster.close();
        throw connectError(error, named(options.bootstrap), topics);
      }
    }
  }

  async refresh(): Promise<void> {
    this.metadata = await this.admin.metadata({ topics: this.topics, forceUpdate: true });
  }

  partitionCount(topic: string): number {
    return this.metadata?.topics.get(topic)?.partitionsCount ?? 0;
  }

  leaderOf(topic: string, partition: number): number {
    return this.metadata?.topics.get(topic)?.partitions[partition]?.leader ?? -1;
  }

  /** A fresh identity for idempotent writing, from any broker. */
  async newIdentity(): Promise<ProducerIdentity> {
    const brokers = [...(this.metadata?.brokers.values() ?? [])];
    const connection = await this.pool.getFirstAvailable(brokers);
    const { producerId, producerEpoch } = await initProducerIdV4.api.async(connection, null, requestTimeoutMs);
    return { id: producerId, epoch: producerEpoch };
  }

  async produce(leader: number, entries: readonly ProduceEntry[]): Promise<ProduceOutcome[]> {
    const broker = this.metadata?.brokers.get(leader);
    if (broker === undefined) throw new Error(`Kafka has no broker ${leader}.`);
    const connection = await this.pool.get(broker);
    return await sendProduce(connection, entries);
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.admin.close(), this.pool.close()]);
  }
}

function sendProduce(connection: Connection, entries: readonly ProduceEntry[]): Promise<ProduceOutcome[]> {
  return new Promise((resolve, reject) => {
    connection.send(
      produceV9.api.key,
      produceV9.api.version,
      () => produceRequest(entries),
      parseOutcomes,
      true,
      true,
      (error, outcomes) => (outcomes === undefined || outcomes === null ? reject(error) : resolve(outcomes)),
    );
  });
}

/** Produce request 9: transactional id, acks, timeout, topics with partitions with records. */
function produceRequest(entries: readonly ProduceEntry[]): Writer {
  const byTopic = [...Map.groupBy(entries, (entry) => entry.topic)];
  return Writer.create()
    .appendString(null)
    .appendInt16(allInSyncReplicas)
    .appendInt32(requestTimeoutMs)
    .appendArray(byTopic, (writer, [topic, ofTopic]) => {
      writer.appendString(topic).appendArray(ofTopic, (inner, { partition, bytes }) => {
        inner
          .appendInt32(partition)
          .appendUnsignedVarInt(bytes.length + 1)
          .append(bytes);
      });
    })
    .appendTaggedFields();
}

const parseOutcomes = (...parameters: Parameters<typeof produceV9.parseResponse>): ProduceOutcome[] =>
  responseOf(parameters).responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses.map(({ index, errorCode }) => ({ topic: name, partition: index, errorCode })),
  );

/** The library throws where any partition failed; every partition's own code is wanted here. */
function responseOf(parameters: Parameters<typeof produceV9.parseResponse>): produceV9.ProduceResponse {
  try {
    return produceV9.parseResponse(...parameters);
  } catch (error) {
    // The library's ResponseError carries the parsed response, but does not declare it.
    if (error instanceof ResponseError) return (error as unknown as { response: produceV9.ProduceResponse }).response;
    throw error;
  }
}
