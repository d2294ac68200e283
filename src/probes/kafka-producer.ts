import { ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka';
import type { Bootstrap } from '../core/bootstrap.ts';
import { kafkaRefused } from './kafka.ts';
import { clientOf } from './kafka-brokers.ts';

export interface TextRecord {
  key: string;
  value: string;
}

/** A simple writer of text records: idempotent, acks=all, lz4. The generator has its own, faster one. */
export class RecordProducer {
  private readonly producer: Producer<string, string, string, string>;
  private readonly topic: string;

  constructor(bootstrap: Bootstrap, topic: string) {
    this.topic = topic;
    this.producer = new Producer({
      clientId: 'lambdactl-ingest',
      ...clientOf(bootstrap),
      serializers: stringSerializers,
      idempotent: true,
      acks: ProduceAcks.ALL,
      compression: 'lz4',
      retries: 10,
      retryDelay: 250,
    });
  }

  /** Resolves when the broker has all of them. @throws LambdaError KAFKA_REFUSED */
  async send(records: readonly TextRecord[]): Promise<void> {
    try {
      await this.producer.send({ messages: records.map((record) => ({ topic: this.topic, ...record })) });
    } catch (error) {
      throw kafkaRefused(`Kafka did not take the records for ${this.topic}`, error);
    }
  }

  async close(): Promise<void> {
    await this.producer.close();
  }
}
