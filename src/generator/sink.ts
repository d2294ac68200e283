import type { Generator, StreamName } from './generator.ts';

/** What a sink delivered of one stream. */
export interface Delivery {
  /** Records that the receiver has acknowledged; of files and pipes, that were handed to the system. */
  sent: number;
  /** Records given up. */
  failed: number;
  /** Of keys and values, before compression and framing, of the records sent. */
  bytes: number;
}

/**
 * A batch was acknowledged.
 * @param firstMs lowest event time in it, ms since 1970
 * @param lastMs highest
 */
export type OnDelivered = (stream: StreamName, records: number, firstMs: number, lastMs: number) => void;

export type Deliveries = Record<StreamName, Delivery>;

/** Where records go. Sinks own buffers and deliver in the background; a failure for good is thrown by the next room or flush. */
export interface Sink {
  /** Takes the record the generator is at, with its transaction if it has one; only while not full. */
  write(generator: Generator): void;
  /** True: no further write before `room` has resolved. */
  readonly full: boolean;
  /** Resolves when the sink takes records again. */
  room(): Promise<void>;
  /** Called every few milliseconds: hands on what has waited long enough. */
  poll(): void;
  /** Resolves when everything written is delivered, or after `timeoutMs`; what is then left counts as failed. */
  flush(timeoutMs: number): Promise<void>;
  /** Lets go of connections and files. */
  close(): Promise<void>;
  readonly deliveries: Deliveries;
}

export function noDeliveries(): Deliveries {
  return {
    user_events: { sent: 0, failed: 0, bytes: 0 },
    transactions: { sent: 0, failed: 0, bytes: 0 },
  };
}
