import type { Generator, StreamName } from '../generator.ts';
import {
  type Compression,
  type ProducerIdentity,
  RecordBatchBuilder,
  type SealedBatch,
  stamp,
} from './record-batch.ts';

/** Sequence numbers wrap to 0 behind 2^31 - 1. */
const sequenceMask = 0x7fffffff;

/**
 * The way of one partition: a batch that fills and at most one that is on its way. One at a time keeps order and makes
 * any number of retries append it once.
 */
export class Lane {
  readonly stream: StreamName;
  readonly topic: string;
  readonly partition: number;
  /** The batch on its way, until it is acknowledged. */
  sealed: SealedBatch | undefined;
  /** Since when (performance.now) `sealed` wants to be delivered. */
  sealedAt = 0;
  /** A request with `sealed` awaits its answer. */
  inFlight = false;
  /** `sealed` was refused and waits for its next try. */
  waiting = false;
  /** The broker lost track of this writer here: the next try needs a new identity. */
  needsIdentity = false;
  private readonly builder = new RecordBatchBuilder();
  private identity: ProducerIdentity;
  private sequence = 0;

  constructor(stream: StreamName, topic: string, partition: number, identity: ProducerIdentity) {
    this.stream = stream;
    this.topic = topic;
    this.partition = partition;
    this.identity = identity;
  }

  get hasRoom(): boolean {
    return this.builder.hasRoom;
  }

  get isEmpty(): boolean {
    return this.sealed === undefined && this.builder.records === 0;
  }

  /** Records that are not acknowledged yet. */
  get pending(): number {
    return this.builder.records + (this.sealed?.records ?? 0);
  }

  append(generator: Generator): void {
    this.builder.append(generator, this.stream === 'transactions');
  }

  /** Closes the batch that fills, if there is something in it and none is on its way. */
  seal(compression: Compression): void {
    if (this.sealed !== undefined || this.builder.records === 0) return;
    this.sealed = this.builder.seal(compression);
    this.sealedAt = performance.now();
    stamp(this.sealed, this.identity, this.sequence);
  }

  /** The batch on its way has arrived. */
  acknowledge(): SealedBatch | undefined {
    const arrived = this.sealed;
    this.sequence = (this.sequence + (arrived?.records ?? 0)) & sequenceMask;
    this.sealed = undefined;
    return arrived;
  }

  /** Starts anew as another writer; the batch on its way becomes its first. */
  restart(identity: ProducerIdentity): void {
    this.identity = identity;
    this.sequence = 0;
    this.needsIdentity = false;
    if (this.sealed !== undefined) stamp(this.sealed, identity, 0);
  }
}
