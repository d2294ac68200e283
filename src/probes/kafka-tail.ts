import { Consumer, type MessagesStream, MessagesStreamModes } from '@platformatic/kafka';
import type { Bootstrap } from '../core/bootstrap.ts';
import { kafkaRefused } from './kafka.ts';
import { clientOf, named } from './kafka-brokers.ts';

/** A record as it arrives. */
export interface TailedRecord {
  topic: string;
  key: string | null;
  headers: ReadonlyMap<string, string>;
}

/** How long the broker may hold back an answer while there is nothing, ms. */
const longestWaitMs = 200;

/** Follows topics from given offsets on, without a consumer group and committing nothing; cheap enough to measure latencies with. */
export class TopicTail {
  private readonly consumer: Consumer<Buffer, Buffer, Buffer, Buffer>;
  private readonly bootstrap: Bootstrap;
  private stream: MessagesStream<Buffer, Buffer, Buffer, Buffer> | null = null;
  private failure: unknown = null;

  constructor(bootstrap: Bootstrap) {
    this.bootstrap = bootstrap;
    this.consumer = new Consumer({
      clientId: 'lambdactl-tail',
      // Never joined: partitions are read by hand.
      groupId: `lambdactl-tail-${process.pid}`,
      ...clientOf(bootstrap),
      retries: 10,
      retryDelay: 200,
    });
  }

  /**
   * @param offsets where to begin, by topic and partition
   * @param onRecord called for every record, those of a partition in order
   * @throws LambdaError KAFKA_REFUSED
   */
  async follow(
    offsets: Readonly<Record<string, Readonly<Record<number, number>>>>,
    onRecord: (record: TailedRecord) => void,
  ): Promise<void> {
    const starts = Object.entries(offsets).flatMap(([topic, partitions]) =>
      Object.entries(partitions).map(([partition, offset]) => ({
        topic,
        partition: Number(partition),
        offset: BigInt(offset),
      })),
    );
    try {
      this.stream = await this.consumer.consume({
        topics: Object.keys(offsets),
        mode: MessagesStreamModes.MANUAL,
        offsets: starts,
        autocommit: false,
        minBytes: 1,
        maxWaitTime: longestWaitMs,
        highWaterMark: 8192,
      });
    } catch (error) {
      throw this.refused(error);
    }
    this.stream.on('error', (error) => {
      this.failure = error;
    });
    this.stream.on('data', ({ topic, key, headers }) => {
      const texts = new Map([...headers].map(([name, value]) => [String(name), String(value)]));
      onRecord({ topic, key: key == null ? null : key.toString('utf8'), headers: texts });
    });
  }

  /** @throws LambdaError KAFKA_REFUSED when the reading has failed: what is missing may be there all the same */
  check(): void {
    if (this.failure !== null) throw this.refused(this.failure);
  }

  async close(): Promise<void> {
    await this.stream?.close().catch(() => undefined);
    await this.consumer.close(true);
  }

  private refused(error: unknown) {
    return kafkaRefused(`Kafka at ${named(this.bootstrap)} could not be read`, error);
  }
}
