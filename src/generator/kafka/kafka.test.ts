import { protocolErrorsCodesById, Reader, readRecordsBatch } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import { createGenerator } from '../generator.ts';
import type { KafkaCluster, ProduceEntry, ProduceOutcome } from './cluster.ts';
import { KafkaSink, type KafkaSinkOptions } from './kafka-sink.ts';
import { compressions, RecordBatchBuilder, stamp } from './record-batch.ts';

const startTime = Date.UTC(2026, 0, 5, 9);
const source = { seed: 4, rate: 1000, startTime, count: 600, bad: { duplicate: 0.1, malformed_json: 0.05 } };
const codes = Object.fromEntries(Object.entries(protocolErrorsCodesById).map(([code, name]) => [name, Number(code)]));

const decode = (bytes: Buffer) => readRecordsBatch(Reader.from(bytes));

describe('record batches', () => {
  it.each(compressions)('are read by the client library as they were made: %s', (compression) => {
    const builder = new RecordBatchBuilder();
    const generator = createGenerator(source);
    while (generator.next()) builder.append(generator, false);
    const sealed = builder.seal(compression);
    stamp(sealed, { id: 77n, epoch: 3 }, 1234);
    const batch = decode(Buffer.from(sealed.bytes));
    expect(batch).toMatchObject({
      magic: 2,
      producerId: 77n,
      producerEpoch: 3,
      firstSequence: 1234,
      lastOffsetDelta: 599,
    });
    const expected = createGenerator(source)
      .batch(600)
      .filter((record) => record.topic === 'user_events');
    expect(batch.records.map(({ key, value }) => `${key} ${value}`)).toEqual(
      expected.map(({ key, value }) => `${key} ${value}`),
    );
    expect(batch.records.map(({ timestampDelta }) => batch.firstTimestamp + timestampDelta)).toEqual(
      expected.map(({ timestampMs }) => BigInt(Math.floor(timestampMs))),
    );
    expect(batch.records.map(({ offsetDelta }) => offsetDelta)).toEqual(expected.map((_, i) => i));
    expect(batch.maxTimestamp).toBe(BigInt(startTime + 599));
    expect(sealed.payloadBytes).toBe(expected.reduce((sum, { key, value }) => sum + key.length + value.length, 0));
    expect(builder.records).toBe(0);
  });
});

const ownWays = new Set(['as usual', 'silent', 'lost answer', 'forget']);

/** Two brokers in memory: they append, refuse or fall silent as told, and drop a batch they have already, as Kafka does. */
class MemoryCluster implements KafkaCluster {
  readonly partitions = 3;
  identities = 0;
  refreshes = 0;
  closed = false;
  readonly log = new Map<string, string[]>();
  private readonly lastSequence = new Map<string, number>();
  private readonly plan: string[];

  /** @param plan what happens to the first requests: an error name for every entry, or one of `ownWays` */
  constructor(plan: string[] = []) {
    this.plan = plan;
  }

  async refresh() {
    this.refreshes++;
  }

  partitionCount() {
    return this.partitions;
  }

  leaderOf(_topic: string, partition: number) {
    return partition % 2;
  }

  async newIdentity() {
    return { id: BigInt(++this.identities), epoch: 0 };
  }

  async produce(_leader: number, entries: readonly ProduceEntry[]): Promise<ProduceOutcome[]> {
    const planned = this.plan.shift() ?? 'as usual';
    if (planned === 'silent') throw new Error('connection lost');
    if (planned === 'forget') this.lastSequence.clear();
    const outcomes = entries.map(({ topic, partition, bytes }) => {
      const name = ownWays.has(planned) ? this.append(`${topic}-${partition}`, bytes) : planned;
      return { topic, partition, errorCode: codes[name] ?? -1 };
    });
    if (planned === 'lost answer') throw new Error('connection lost');
    return outcomes;
  }

  private append(partition: string, bytes: Buffer): string {
    const batch = decode(Buffer.from(bytes));
    const writer = `${partition} ${batch.producerId}`;
    const expected = this.lastSequence.get(writer) ?? 0;
    if (batch.firstSequence < expected) return 'DUPLICATE_SEQUENCE_NUMBER';
    if (batch.firstSequence > expected) return 'OUT_OF_ORDER_SEQUENCE_NUMBER';
    this.lastSequence.set(writer, expected + batch.records.length);
    this.log.set(partition, [
      ...(this.log.get(partition) ?? []),
      ...batch.records.map(({ value }) => value?.toString() ?? ''),
    ]);
    return 'NONE';
  }

  async close() {
    this.closed = true;
  }
}

const options: KafkaSinkOptions = {
  bootstrap: ['memory:1'],
  clientId: 'test',
  compression: 'none',
  streams: ['user_events', 'transactions'],
  lingerMs: 0,
  deliveryTimeoutMs: 60_000,
};

async function deliver(cluster: MemoryCluster, changes: Partial<KafkaSinkOptions> = {}, count = 5000) {
  const sink = await KafkaSink.over(cluster, { ...options, ...changes });
  const generator = createGenerator({ ...source, count });
  try {
    for (let i = 0; generator.next(); i++) {
      if (sink.full) await sink.room();
      sink.write(generator);
      if (i % 500 === 0) {
        sink.poll();
        await new Promise(setImmediate);
      }
    }
    await sink.flush(10_000);
  } finally {
    await sink.close();
  }
  return sink.deliveries;
}

const expected = createGenerator({ ...source, count: 5000 }).batch(5000);
const linesOf = (topic: string) =>
  expected.filter((record) => record.topic === topic).map(({ value }) => value.toString());

describe('the Kafka sink', () => {
  it.each([
    ['all goes well', []],
    ['an answer is lost', ['lost answer', 'lost answer']],
    ['a connection breaks', ['silent', 'silent', 'silent']],
    ['a leader moves', ['NOT_LEADER_OR_FOLLOWER', 'LEADER_NOT_AVAILABLE']],
    ['replicas lag', ['NOT_ENOUGH_REPLICAS', 'REQUEST_TIMED_OUT']],
    ['the broker forgets the writers', ['as usual', 'as usual', 'as usual', 'as usual', 'forget']],
  ])('delivers every record once and in order when %s', async (_name, plan) => {
    const cluster = new MemoryCluster(plan);
    const deliveries = await deliver(cluster);
    for (const topic of ['user_events', 'transactions'] as const) {
      const stored = [0, 1, 2].map((partition) => cluster.log.get(`${topic}-${partition}`) ?? []);
      expect(stored.flat().sort()).toEqual(linesOf(topic).sort());
      const order = new Map(linesOf(topic).map((line, i) => [line, i]));
      if (topic === 'transactions') {
        for (const lines of stored) {
          const positions = lines.map((line) => order.get(line) ?? -1);
          expect(positions).toEqual([...positions].sort((a, b) => a - b));
        }
      }
      expect(deliveries[topic]).toMatchObject({ sent: linesOf(topic).length, failed: 0 });
    }
    expect(cluster.closed).toBe(true);
    if (plan.length > 0) expect(cluster.refreshes).toBeGreaterThan(0);
  });

  it('puts a key into the partition that Java clients choose', async () => {
    const cluster = new MemoryCluster();
    await deliver(cluster);
    const users = [0, 1, 2].map(
      (p) => new Set((cluster.log.get(`transactions-${p}`) ?? []).map((line) => JSON.parse(line).user_id)),
    );
    const [a = new Set(), b = new Set(), c = new Set()] = users;
    expect([...a].filter((user) => b.has(user) || c.has(user))).toEqual([]);
    expect([...b].filter((user) => c.has(user))).toEqual([]);
  });

  it('ends with what was refused for good', async () => {
    const refused = deliver(new MemoryCluster(Array(100).fill('INVALID_TIMESTAMP')));
    await expect(refused).rejects.toMatchObject({ code: 'KAFKA_REFUSED', details: { error: 'INVALID_TIMESTAMP' } });
  });

  it('gives up when nothing arrives in time, and counts what is lost', async () => {
    const cluster = new MemoryCluster(Array(10_000).fill('silent'));
    const failed = deliver(cluster, { deliveryTimeoutMs: 150 });
    await expect(failed).rejects.toMatchObject({ code: 'KAFKA_DELIVERY_TIMEOUT', retryable: true });
    const error = await failed.catch((reason) => reason);
    expect(error.details.deliveries.user_events.failed).toBeGreaterThan(0);
    expect(error.details.deliveries.user_events.sent).toBe(0);
  });

  it('writes one stream alone', async () => {
    const cluster = new MemoryCluster();
    const deliveries = await deliver(cluster, { streams: ['user_events'] });
    expect(deliveries.transactions.sent).toBe(0);
    expect(deliveries.user_events.sent).toBe(5000);
    expect([...cluster.log.keys()].every((partition) => partition.startsWith('user_events'))).toBe(true);
  });
});
