import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { type BadKind, badKinds } from './bad-data.ts';
import { Generator } from './generator.ts';
import { KafkaSink } from './kafka/kafka-sink.ts';
import { LineSink, openFile } from './line-sink.ts';
import { NullSink } from './null-sink.ts';
import { type ResolvedOptions, type RunOptions, resolveOptions, type SinkOptions } from './options.ts';
import type { Deliveries, OnDelivered, Sink } from './sink.ts';

export interface GeneratorProgress {
  /** Records handed to the sink (user_events). */
  generated: number;
  /** Acknowledged by the receiver. */
  sent: number;
  elapsedMs: number;
  /** Sent a second since the start. */
  rate: number;
  /** How far behind its schedule the run is now. */
  lateMs: number;
}

export interface GeneratorResult {
  /** Records on user_events that the receiver acknowledged: valid + bad + duplicates - failed. */
  sent: number;
  /** Distinct clean events. */
  valid: number;
  /** By kind; without duplicates. */
  bad: Record<BadKind, number>;
  /** Exact re-sends of valid events. */
  duplicates: number;
  /** Records on transactions. */
  transactions: number;
  /** Of all keys and values sent, before compression. */
  bytes: number;
  /** Records given up, both streams. */
  failed: number;
  /** By stream. */
  deliveries: Deliveries;
  /** sent per second of the run. */
  achievedRate: number;
  /** Most that a record was handed over behind its schedule; 0 where nothing keeps to the clock. */
  lateMsMax: number;
  /** CPU time of the process during the run. */
  cpuSeconds: number;
  elapsedMs: number;
  /** With startTime and the options, all that is needed to repeat the run. */
  seed: number;
  /** Event time of the first event, ISO 8601. */
  startTime: string;
  /** Event time of the last record's schedule, ISO 8601. */
  endTime: string;
  /** Users beyond the registered ones: userAt(users) and on. */
  newUsers: number;
  /** Stopped by the signal or by a reader that went away. */
  aborted: boolean;
}

export interface RunHooks {
  /** Stops the run in order: what was generated is delivered (for five seconds at most), and the result tells it. */
  signal?: AbortSignal;
  /** Called about once a second. */
  onProgress?: (progress: GeneratorProgress) => void;
  /** Called for every batch that Kafka has acknowledged. */
  onDelivered?: OnDelivered;
}

/** Records between two looks at the clock. */
const chunk = 2048;
/** Pauses are no shorter than this: batches are cheaper than punctuality below a hundredth of a second. */
const tickMs = 20;
const longestPauseMs = 250;
const progressEveryMs = 1000;
const flushTimeoutMs = 120_000;
const flushAfterAbortMs = 5000;

/**
 * Generates events into a sink until count, duration or signal end it.
 * @throws LambdaError GENERATE_OPTIONS_INVALID, DURATION_INVALID (usage); KAFKA_UNREACHABLE, KAFKA_TOPIC_MISSING,
 *   KAFKA_REFUSED, KAFKA_DELIVERY_TIMEOUT, GENERATE_WRITE_FAILED (external)
 */
export async function runGenerator(options: RunOptions, hooks: RunHooks = {}): Promise<GeneratorResult> {
  const resolved = resolveOptions(options);
  const readerGone = new AbortController();
  const signal = AbortSignal.any([readerGone.signal, ...(hooks.signal === undefined ? [] : [hooks.signal])]);
  const sink = await openSink(resolved.sink, () => readerGone.abort(), hooks.onDelivered);
  try {
    return await new Run(resolved, sink, signal, hooks.onProgress).complete();
  } finally {
    await sink.close();
  }
}

async function openSink(
  options: SinkOptions,
  onReaderGone: () => void,
  onDelivered: OnDelivered | undefined,
): Promise<Sink> {
  switch (options.type) {
    case 'kafka':
      return await KafkaSink.open({
        ...options,
        clientId: 'lambdactl-generator',
        ...(onDelivered === undefined ? {} : { onDelivered }),
      });
    case 'file':
      return new LineSink(await openFile(options.path), { ...options, ownsStream: true, onReaderGone });
    case 'stdout':
      return new LineSink(process.stdout, { ...options, ownsStream: false, onReaderGone });
    default:
      return new NullSink();
  }
}

class Run {
  private readonly options: ResolvedOptions;
  private readonly sink: Sink;
  private readonly signal: AbortSignal;
  private readonly onProgress: RunHooks['onProgress'];
  private readonly generator: Generator;
  private readonly startTime: number;
  private readonly started = performance.now();
  private readonly cpuAtStart = process.cpuUsage();
  private readonly counts = new Map<string, number>();
  private generated = 0;
  private endOffsetMs = 0;
  private lateMs = 0;
  private lateMsMax = 0;
  private progressAt = progressEveryMs;
  /** The generator is at a record that is not written yet. */
  private pending = false;

  constructor(options: ResolvedOptions, sink: Sink, signal: AbortSignal, onProgress: RunHooks['onProgress']) {
    this.options = options;
    this.sink = sink;
    this.signal = signal;
    this.onProgress = onProgress;
    this.startTime = options.startTime ?? Date.now();
    this.generator = new Generator({ ...options.engine, startTime: this.startTime });
  }

  async complete(): Promise<GeneratorResult> {
    const { sink, signal, options } = this;
    while (!signal.aborted) {
      if (sink.full) await sink.room();
      const elapsed = this.elapsedMs();
      if (options.clockLimitMs !== undefined && elapsed >= options.clockLimitMs) break;
      const isOver = this.writeChunk(options.paced ? elapsed : Number.POSITIVE_INFINITY);
      sink.poll();
      this.report(elapsed);
      if (isOver) break;
      await this.pause();
    }
    await sink.flush(signal.aborted ? flushAfterAbortMs : flushTimeoutMs);
    return this.result();
  }

  private elapsedMs(): number {
    return performance.now() - this.started;
  }

  /** Writes what is due `elapsed` ms after the start. @returns true at the end of the run */
  private writeChunk(elapsed: number): boolean {
    const { generator, sink, counts } = this;
    this.lateMs = 0;
    for (let i = 0; i < chunk && !sink.full; i++) {
      if (!this.pending && !generator.next()) return true;
      this.pending = generator.offsetMs > elapsed;
      if (this.pending) return false;
      if (i === 0 && this.options.paced) this.noteLateness(elapsed - generator.offsetMs);
      sink.write(generator);
      this.generated++;
      if (generator.kind !== 'valid') counts.set(generator.kind, (counts.get(generator.kind) ?? 0) + 1);
      this.endOffsetMs = generator.offsetMs;
    }
    return false;
  }

  private noteLateness(lateMs: number): void {
    this.lateMs = lateMs;
    this.lateMsMax = Math.max(this.lateMsMax, lateMs);
  }

  /** Until the next record is due, or for a turn of the event loop where there is more to do. */
  private async pause(): Promise<void> {
    if (!this.pending) {
      await setImmediate();
      return;
    }
    const untilDue = this.generator.offsetMs - this.elapsedMs();
    const pause = Math.min(Math.max(untilDue, tickMs), longestPauseMs);
    await sleep(pause, undefined, { signal: this.signal }).catch(() => undefined);
  }

  private report(elapsedMs: number): void {
    if (this.onProgress === undefined || elapsedMs < this.progressAt) return;
    this.progressAt = elapsedMs + progressEveryMs;
    const { sent } = this.sink.deliveries.user_events;
    const { generated, lateMs } = this;
    this.onProgress({ generated, sent, elapsedMs, rate: (sent * 1000) / elapsedMs, lateMs });
  }

  private result(): GeneratorResult {
    const { deliveries } = this.sink;
    const { user_events, transactions } = deliveries;
    const elapsedMs = this.elapsedMs();
    const cpu = process.cpuUsage(this.cpuAtStart);
    const bad = Object.fromEntries(badKinds.map((kind) => [kind, this.counts.get(kind) ?? 0])) as Record<
      BadKind,
      number
    >; // one entry a kind
    const badTotal = Object.values(bad).reduce((sum, count) => sum + count, 0);
    const duplicates = this.counts.get('duplicate') ?? 0;
    return {
      sent: user_events.sent,
      valid: this.generated - badTotal - duplicates,
      bad,
      duplicates,
      transactions: transactions.sent,
      bytes: user_events.bytes + transactions.bytes,
      failed: user_events.failed + transactions.failed,
      deliveries,
      achievedRate: (user_events.sent * 1000) / elapsedMs,
      lateMsMax: this.lateMsMax,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      elapsedMs,
      seed: this.options.engine.seed,
      startTime: new Date(this.startTime).toISOString(),
      endTime: new Date(this.startTime + this.endOffsetMs).toISOString(),
      newUsers: this.generator.newUsers,
      aborted: this.signal.aborted,
    };
  }
}
