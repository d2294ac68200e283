import { protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka';
import { externalError, type LambdaError } from '../../core/errors.ts';
import { named } from '../../probes/kafka-brokers.ts';
import type { Generator, StreamName } from '../generator.ts';
import { type Deliveries, noDeliveries, type OnDelivered, type Sink } from '../sink.ts';
import { Cluster, type ClusterOptions, type KafkaCluster } from './cluster.ts';
import { Lane } from './lane.ts';
import type { Compression } from './record-batch.ts';

export interface KafkaSinkOptions extends ClusterOptions {
  compression: Compression;
  streams: readonly StreamName[];
  /** How long records wait for company, ms. */
  lingerMs: number;
  /** How long a batch is tried before the run fails, ms. */
  deliveryTimeoutMs: number;
  /** Put before the names of both topics; default none. */
  topicPrefix?: string;
  onDelivered?: OnDelivered;
}

const shortestBackoffMs = 50;
const longestBackoffMs = 1000;

/** The broker has this batch already: an answer to an earlier try was lost. */
const alreadyAppended = new Set(['DUPLICATE_SEQUENCE_NUMBER']);
/** The broker forgot this writer, as after a lost log segment; writing goes on under a new identity. */
const forgotten = new Set(['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH']);
/** Not marked as such by the client library. */
const alsoTransient = new Set(['KAFKA_STORAGE_ERROR', 'BROKER_NOT_AVAILABLE']);

/**
 * Writes to Kafka: acks=all, idempotent, one request at a time per broker with a batch of every partition it leads.
 * Keys go to the partitions that Java clients would choose.
 */
export class KafkaSink implements Sink {
  readonly deliveries: Deliveries = noDeliveries();
  private readonly options: KafkaSinkOptions;
  private readonly cluster: KafkaCluster;
  private readonly lanes: Lane[];
  private readonly eventLanes: Lane[];
  private readonly transactionLanes: Lane[];
  private readonly busyLeaders = new Set<number>();
  private lastPoll = 0;
  private backoffMs = shortestBackoffMs;
  private retryTimer: NodeJS.Timeout | undefined;
  private failure: LambdaError | undefined;
  private flushing = false;
  private closed = false;
  private wakeUps: (() => void)[] = [];

  private constructor(options: KafkaSinkOptions, cluster: KafkaCluster, lanes: Lane[]) {
    this.options = options;
    this.cluster = cluster;
    this.lanes = lanes;
    this.eventLanes = lanes.filter((lane) => lane.stream === 'user_events');
    this.transactionLanes = lanes.filter((lane) => lane.stream === 'transactions');
  }

  /** @throws LambdaError KAFKA_UNREACHABLE, KAFKA_TOPIC_MISSING */
  static async open(options: KafkaSinkOptions): Promise<KafkaSink> {
    const topics = options.streams.map((stream) => topicOf(stream, options));
    return await KafkaSink.over(await Cluster.connect(options, topics), options);
  }

  /** A sink over a cluster that is connected already; the sink closes it. */
  static async over(cluster: KafkaCluster, options: KafkaSinkOptions): Promise<KafkaSink> {
    const identity = await cluster.newIdentity();
    const lanes = options.streams.flatMap((stream) => {
      const topic = topicOf(stream, options);
      const partitions = Array.from({ length: cluster.partitionCount(topic) }, (_, partition) => partition);
      return partitions.map((partition) => new Lane(stream, topic, partition, identity));
    });
    return new KafkaSink(options, cluster, lanes);
  }

  /** A lane has no room left, and its previous batch is still on its way. */
  full = false;

  write(generator: Generator): void {
    if (generator.hasTransaction) this.append(this.transactionLanes, generator);
    this.append(this.eventLanes, generator);
  }

  private append(lanes: readonly Lane[], generator: Generator): void {
    const lane = lanes[generator.keyHash % lanes.length];
    if (lane === undefined) return; // the stream is not among those asked for
    lane.append(generator);
    if (lane.hasRoom) return;
    // The others go along: a request costs the same for one partition as for all.
    this.sealAll();
    this.send();
    if (!lane.hasRoom) this.full = true;
  }

  poll(): void {
    const now = performance.now();
    if (now - this.lastPoll < this.options.lingerMs) return;
    this.lastPoll = now;
    this.sealAll();
    this.send();
  }

  private sealAll(): void {
    for (const lane of this.lanes) lane.seal(this.options.compression);
  }

  async room(): Promise<void> {
    while (this.full && this.failure === undefined) await this.change();
    if (this.failure !== undefined) throw this.failure;
  }

  async flush(timeoutMs: number): Promise<void> {
    this.flushing = true;
    const timer = setTimeout(() => this.giveUp(undefined), timeoutMs);
    this.sealAll();
    this.send();
    while (this.failure === undefined && this.lanes.some((lane) => !lane.isEmpty) && !this.closed) await this.change();
    clearTimeout(timer);
    if (this.failure !== undefined) throw this.failure;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.retryTimer);
    await this.cluster.close();
  }

  /** Resolves at the next answer or failure. */
  private change(): Promise<void> {
    return new Promise((resolve) => this.wakeUps.push(resolve));
  }

  private wake(): void {
    const wakeUps = this.wakeUps;
    this.wakeUps = [];
    for (const wakeUp of wakeUps) wakeUp();
  }

  /** Sends what is sealed to every leader that has answered its last request. */
  private send(): void {
    const byLeader = new Map<number, Lane[]>();
    for (const lane of this.lanes) {
      if (lane.sealed === undefined || lane.inFlight || lane.waiting) continue;
      const leader = this.cluster.leaderOf(lane.topic, lane.partition);
      if (leader < 0) this.postpone([lane]);
      else if (!this.busyLeaders.has(leader)) byLeader.set(leader, [...(byLeader.get(leader) ?? []), lane]);
    }
    for (const [leader, lanes] of byLeader) void this.request(leader, lanes);
  }

  private async request(leader: number, lanes: readonly Lane[]): Promise<void> {
    this.busyLeaders.add(leader);
    for (const lane of lanes) lane.inFlight = true;
    const entries = lanes.flatMap(({ topic, partition, sealed }) =>
      sealed === undefined ? [] : [{ topic, partition, bytes: sealed.bytes }],
    );
    const outcomes = await this.cluster.produce(leader, entries).catch(() => []);
    if (this.closed) return;
    this.busyLeaders.delete(leader);
    for (const lane of lanes) {
      lane.inFlight = false;
      const outcome = outcomes.find(({ topic, partition }) => topic === lane.topic && partition === lane.partition);
      this.settle(lane, outcome?.errorCode);
    }
    if (this.flushing || this.lanes.some((lane) => !lane.hasRoom)) this.sealAll();
    this.full = this.lanes.some((lane) => !lane.hasRoom);
    this.send();
    this.wake();
  }

  /** @param errorCode undefined: no answer came, the batch may have been appended or not */
  private settle(lane: Lane, errorCode: number | undefined): void {
    const error = errorCode === undefined ? undefined : nameOf(errorCode);
    if (error === 'NONE' || (error !== undefined && alreadyAppended.has(error))) {
      const arrived = lane.acknowledge();
      const delivery = this.deliveries[lane.stream];
      delivery.sent += arrived?.records ?? 0;
      delivery.bytes += arrived?.payloadBytes ?? 0;
      if (arrived !== undefined)
        this.options.onDelivered?.(lane.stream, arrived.records, arrived.firstMs, arrived.lastMs);
      this.backoffMs = shortestBackoffMs;
    } else if (error === undefined || isTransient(error)) {
      this.postpone([lane]);
    } else if (forgotten.has(error)) {
      lane.needsIdentity = true;
      this.postpone([lane]);
    } else {
      this.giveUp(
        externalError(`Kafka refuses records for ${lane.topic}, partition ${lane.partition}: ${error}.`, {
          code: 'KAFKA_REFUSED',
          details: { topic: lane.topic, partition: lane.partition, error },
          actions: ['See the limits of the topic: max.message.bytes, message.timestamp.after.max.ms, access rights.'],
        }),
      );
    }
  }

  private postpone(lanes: readonly Lane[]): void {
    for (const lane of lanes) lane.waiting = true;
    if (this.retryTimer !== undefined || this.closed) return;
    this.retryTimer = setTimeout(() => void this.retry(), this.backoffMs);
    this.backoffMs = Math.min(longestBackoffMs, this.backoffMs * 2);
  }

  /** Looks up the leaders again, then lets the waiting lanes try once more. */
  private async retry(): Promise<void> {
    this.retryTimer = undefined;
    const waiting = this.lanes.filter((lane) => lane.waiting);
    const oldest = Math.min(...waiting.map((lane) => lane.sealedAt));
    if (performance.now() - oldest > this.options.deliveryTimeoutMs) {
      this.giveUp(undefined);
      return;
    }
    try {
      await this.cluster.refresh();
      for (const lane of waiting.filter((one) => one.needsIdentity)) lane.restart(await this.cluster.newIdentity());
    } catch {
      this.postpone(waiting);
      return;
    }
    for (const lane of waiting) lane.waiting = false;
    this.send();
  }

  /** Counts everything that is not acknowledged as failed; the run ends with the error. */
  private giveUp(error: LambdaError | undefined): void {
    if (this.failure !== undefined) return;
    for (const lane of this.lanes) this.deliveries[lane.stream].failed += lane.pending;
    const failed = this.deliveries.user_events.failed + this.deliveries.transactions.failed;
    this.failure =
      error ??
      externalError(`Kafka at ${named(this.options.bootstrap)} acknowledged ${failed} records too late or never.`, {
        code: 'KAFKA_DELIVERY_TIMEOUT',
        actions: ['See "lambdactl status" and the log of Kafka, then run the generator again with the same --seed.'],
        details: { deliveries: this.deliveries },
        retryable: true,
      });
    this.wake();
  }
}

const topicOf = (stream: StreamName, { topicPrefix = '' }: KafkaSinkOptions): string => `${topicPrefix}${stream}`;

function nameOf(errorCode: number): string {
  const names: Record<number, string> = protocolErrorsCodesById;
  return names[errorCode] ?? `error ${errorCode}`;
}

function isTransient(name: string): boolean {
  const known: Record<string, { canRetry: boolean }> = protocolErrors;
  return alsoTransient.has(name) || (known[name]?.canRetry === true && !forgotten.has(name));
}
