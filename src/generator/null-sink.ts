import type { Generator } from './generator.ts';
import { recordRoom } from './render.ts';
import { noDeliveries, type Sink } from './sink.ts';

/** Renders every record and throws it away: what generating alone costs. */
export class NullSink implements Sink {
  readonly full = false;
  readonly deliveries = noDeliveries();
  private readonly buffer = Buffer.allocUnsafe(64 * 1024);
  private position = 0;

  write(generator: Generator): void {
    const { user_events, transactions } = this.deliveries;
    // Walks through the buffer as a sink with batches does.
    if (this.position > this.buffer.length - 2 * recordRoom) this.position = 0;
    let start = this.position;
    if (generator.hasTransaction) {
      this.position = generator.writeTransaction(this.buffer, start);
      transactions.sent++;
      transactions.bytes += this.position - start;
      start = this.position;
    }
    this.position = generator.writeEvent(this.buffer, start);
    user_events.sent++;
    user_events.bytes += this.position - start;
  }

  async room(): Promise<void> {}

  poll(): void {}

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}
