import { once } from 'node:events';
import { Writable } from 'node:stream';
import { externalError, messageOf } from '../core/errors.ts';
import { openAppend, writeAtomic } from '../system/files.ts';
import type { Generator, StreamName } from './generator.ts';
import { recordRoom } from './render.ts';
import { type Delivery, noDeliveries, type Sink } from './sink.ts';

const chunkSize = 64 * 1024;
const newline = 10;

/**
 * A new file to write to; one that is there is replaced.
 * @throws LambdaError GENERATE_WRITE_FAILED
 */
export async function openFile(path: string): Promise<Writable> {
  try {
    await writeAtomic(path, '');
    const file = await openAppend(path);
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => void file.write(chunk.toString('utf8')).then(() => done(), done),
      final: (done) => void file.close().then(() => done(), done),
    });
  } catch (error) {
    throw writeError(error);
  }
}

function writeError(error: unknown) {
  return externalError(`Could not write events: ${messageOf(error)}`, { code: 'GENERATE_WRITE_FAILED', cause: error });
}

/**
 * JSON Lines to a stream: the values of both topics as they come, a transaction right before its purchase, or of the
 * chosen ones only. A reader that goes away (EPIPE) ends the run in order: `head -5` is no failure.
 */
export class LineSink implements Sink {
  readonly deliveries = noDeliveries();
  private readonly stream: Writable;
  private readonly streams: ReadonlySet<StreamName>;
  private readonly ownsStream: boolean;
  private readonly onReaderGone: () => void;
  private buffer = Buffer.allocUnsafe(chunkSize);
  private position = 0;
  private blocked = false;
  private failure: Error | undefined;
  private readonly onError = (error: NodeJS.ErrnoException) => this.fail(error);

  /** @param options.ownsStream end the stream on close (a file), or leave it open (stdout) */
  constructor(
    stream: Writable,
    options: { streams: readonly StreamName[]; ownsStream: boolean; onReaderGone: () => void },
  ) {
    this.stream = stream;
    this.streams = new Set(options.streams);
    this.ownsStream = options.ownsStream;
    this.onReaderGone = options.onReaderGone;
    stream.on('error', this.onError);
  }

  get full(): boolean {
    return this.blocked || this.failure !== undefined;
  }

  write(generator: Generator): void {
    if (generator.hasTransaction && this.streams.has('transactions')) {
      this.endLine(generator.writeTransaction(this.buffer, this.position), this.deliveries.transactions);
    }
    if (this.streams.has('user_events')) {
      this.endLine(generator.writeEvent(this.buffer, this.position), this.deliveries.user_events);
    }
  }

  private endLine(end: number, delivery: Delivery): void {
    delivery.sent++;
    delivery.bytes += end - this.position;
    this.buffer[end] = newline;
    this.position = end + 1;
    if (this.position > chunkSize - 2 * recordRoom) this.poll();
  }

  poll(): void {
    if (this.position === 0 || this.failure !== undefined) return;
    const chunk = this.buffer.subarray(0, this.position);
    this.buffer = Buffer.allocUnsafe(chunkSize);
    this.position = 0;
    this.blocked = !this.stream.write(chunk);
  }

  async room(): Promise<void> {
    if (this.failure === undefined && this.stream.writableNeedDrain) {
      // An error while waiting is recorded by onError; once() must not throw it a second time.
      await once(this.stream, 'drain').catch(() => undefined);
    }
    this.blocked = false;
    this.throwFailure();
  }

  async flush(): Promise<void> {
    this.poll();
    if (this.failure === undefined) await new Promise<void>((resolve) => this.stream.write('', () => resolve()));
    this.throwFailure();
  }

  async close(): Promise<void> {
    if (this.ownsStream && !this.stream.destroyed) {
      await new Promise<void>((resolve) => this.stream.end(resolve));
    }
    this.stream.off('error', this.onError);
  }

  private fail(error: NodeJS.ErrnoException): void {
    this.failure = error;
    if (error.code === 'EPIPE') this.onReaderGone();
  }

  private throwFailure(): void {
    if (this.failure === undefined || (this.failure as NodeJS.ErrnoException).code === 'EPIPE') return; // errno of a stream
    throw writeError(this.failure);
  }
}
