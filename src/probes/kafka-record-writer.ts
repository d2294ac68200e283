import { ProduceAcks, Producer } from '@platformatic/kafka';
import type { Bootstrap } from '../core/bootstrap.ts';
import { kafkaRefused } from './kafka.ts';
import { clientOf } from './kafka-brokers.ts';

export interface OutgoingRecord {
  topic: string;
  partition: number;
  key: Buffer | null;
  /** null is a tombstone. */
  value: Buffer | null;
  headers: ReadonlyMap<string, Buffer>;
}

/** A writer of records as bytes, to partitions of the caller's choice: idempotent, acks=all. */
export class RecordWriter {
  private readonly producer: Producer<Buffer, Buffer, Buffer, Buffer>;

  constructor(bootstrap: Bootstrap) {
    this.producer = new Producer({
      clientId: 'lambdactl',
      ...clientOf(bootstrap),
      idempotent: true,
      acks: ProduceAcks.ALL,
      // Twice four seconds and the pause between them: after ten seconds nothing of a `send` is sent any more (docs/adr/0021).
      connectTimeout: 4000,
      requestTimeout: 4000,
      timeout: 4000,
      retries: 1,
      retryDelay: 250,
    });
  }

  /**
   * Resolves when the brokers have all of them; returns the offset of the first by "topic/partition".
   * @throws LambdaError KAFKA_REFUSED: some of them may have arrived all the same
   */
  async send(records: readonly OutgoingRecord[]): Promise<Map<string, number>> {
    try {
      const { offsets } = await this.producer.send({
        messages: records.map(({ topic, partition, key, value, headers }) => ({
          topic,
          partition,
          ...(key === null ? {} : { key }),
          ...(value === null ? {} : { value }),
          headers: new Map([...headers].map(([name, content]) => [Buffer.from(name), content])),
        })),
      });
      return new Map((offsets ?? []).map(({ topic, partition, offset }) => [`${topic}/${partition}`, Number(offset)]));
    } catch (error) {
      throw kafkaRefused('Kafka did not take the records', error);
    }
  }

  async close(): Promise<void> {
    await this.producer.close();
  }
}
