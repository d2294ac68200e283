import { randomUUID } from 'node:crypto';
import type { DlqReplayReport } from '../../core/dlq-report.ts';
import type { OperationContext } from '../../core/events.ts';
import type { OutgoingRecord } from '../../probes/kafka-record-writer.ts';
import type { Bounds, StoredRecord } from '../../probes/kafka-records.ts';
import type { StackRef } from '../stack.ts';
import { type DeadLetter, deadLetter, replayHeaders } from './letter.ts';
import { bounded, chosenTopics, countFlag, type DlqTools, timeFlag, withDeadLetters } from './open.ts';
import { type Change, patch, readChange } from './patch.ts';
import { OffsetSet, type Position, PositionSet } from './ranges.ts';

export interface ReplayRequest extends StackRef {
  topic: string | undefined;
  /** Error class. */
  reason: string | undefined;
  since: string | undefined;
  limit: number | undefined;
  /** "field=value" each. */
  set: readonly string[];
  dryRun: boolean;
  /** Also what was refused `attemptLimit` times. */
  force: boolean;
}

/** A record that was refused so often is not put back any more without `force`. */
export const attemptLimit = 3;
/** Records of one announcement in the ledger. */
const chunkSize = 500;

/** A dead letter that goes back, and what goes. */
interface Ready {
  letter: DeadLetter;
  source: Position;
  value: Buffer | null;
}

/**
 * Puts dead letters back on their source topics, oldest first: those that were there when it began, each at most once
 * whatever happens (docs/dlq.md).
 * @throws LambdaError NOT_UP, KAFKA_REFUSED, DLQ_BUSY, UNKNOWN_TOPIC, BAD_PATCH, BAD_TIME, BAD_NUMBER
 */
export async function replayDeadLetters(request: ReplayRequest, context: OperationContext): Promise<DlqReplayReport> {
  const topics = chosenTopics(request.topic);
  const limit = countFlag('limit', request.limit) ?? Number.POSITIVE_INFINITY;
  const changes = request.set.map(readChange);
  const since = request.since === undefined ? undefined : timeFlag('since', request.since);
  return withDeadLetters(request, async (tools) => {
    const run = new Replay(tools, request, changes, context);
    await run.open();
    try {
      // All of them before anything is put back: what comes after is not touched, so that no replay feeds itself.
      const beginning = [];
      for (const each of topics) beginning.push({ ...each, partitions: await bounded(tools, each.topic, since) });
      for (const { topic, source, partitions } of beginning) {
        for (const bounds of partitions) await run.partition(topic, source, bounds, limit);
      }
    } finally {
      await run.close();
    }
    return run.report();
  });
}

class Replay {
  private readonly id = randomUUID();
  private readonly tools: DlqTools;
  private readonly request: ReplayRequest;
  private readonly changes: readonly Change[];
  private readonly context: OperationContext;
  private readonly mine = new PositionSet();
  private readonly counts = new Map<string, { source: string; replayed: number }>();
  private readonly skipped = { already: 0, repeated: 0, exhausted: 0, unpatchable: 0, unknownOrigin: 0 };
  private recovered = { found: 0, free: 0 };
  /** Where the next record of a partition of a source topic can lie at the earliest. */
  private readonly ends = new Map<string, number>();
  private readonly partitions = new Map<string, number>();
  private replayed = 0;
  private claimed = false;

  constructor(tools: DlqTools, request: ReplayRequest, changes: readonly Change[], context: OperationContext) {
    this.tools = tools;
    this.request = request;
    this.changes = changes;
    this.context = context;
  }

  async open(): Promise<void> {
    const { ledger } = this.tools;
    if (this.request.dryRun) {
      await ledger.refresh();
      return;
    }
    await ledger.claim(this.id, this.context);
    this.claimed = true;
    this.recovered = await ledger.settle(this.context);
  }

  /** Nothing is lost when this fails: the next replay finds out what arrived. */
  async close(): Promise<void> {
    if (this.claimed) await this.tools.ledger.release().catch(() => undefined);
  }

  async partition(topic: string, source: string, { partition, begin, end }: Bounds, limit: number): Promise<void> {
    if (this.replayed >= limit) return;
    for await (const records of this.tools.reader.read(topic, partition, begin, end)) {
      this.context.signal.throwIfAborted();
      const ready = records.flatMap((record) => this.examine(record, source)).slice(0, limit - this.replayed);
      for (const group of Map.groupBy(ready, ({ source: { partition: from } }) => from).values()) {
        for (let at = 0; at < group.length; at += chunkSize)
          await this.put(topic, source, group.slice(at, at + chunkSize));
      }
      if (this.replayed >= limit) return;
    }
  }

  report(): DlqReplayReport {
    return {
      stack: this.request.stack,
      run: this.request.dryRun ? null : this.id,
      dryRun: this.request.dryRun,
      replayed: this.replayed,
      topics: [...this.counts].map(([topic, each]) => ({ topic, ...each })),
      skipped: this.skipped,
      attemptLimit,
      recovered: this.recovered,
    };
  }

  /** The record as it goes back; nothing when it does not, which is counted. */
  private examine(record: StoredRecord, sourceTopic: string): Ready[] {
    const letter = deadLetter(record);
    const { source } = letter;
    if (this.request.reason !== undefined && letter.errorClass !== this.request.reason) return [];
    const skip = (why: keyof Replay['skipped']) => {
      this.skipped[why]++;
      return [];
    };
    // Headers are anybody's to write: a letter goes back to the topic of its dead letter topic or nowhere.
    if (source === null || source.topic !== sourceTopic) return skip('unknownOrigin');
    if (this.mine.has(source)) return skip('repeated');
    if (this.tools.ledger.replayed.has(source)) return skip('already');
    if (letter.attempt >= attemptLimit && !this.request.force) return skip('exhausted');
    const value = this.changes.length === 0 ? record.value : patch(record.value, this.changes);
    if (value === null && this.changes.length > 0) return skip('unpatchable');
    this.mine.add(source);
    return [{ letter, source, value }];
  }

  /** Letters of one partition of the source topic. */
  private async put(topic: string, sourceTopic: string, letters: readonly Ready[]): Promise<void> {
    this.context.signal.throwIfAborted();
    if (!this.request.dryRun) await this.send(sourceTopic, letters);
    this.replayed += letters.length;
    const count = this.counts.get(topic) ?? { source: sourceTopic, replayed: 0 };
    this.counts.set(topic, { ...count, replayed: count.replayed + letters.length });
    this.context.emit({ type: 'progress', id: 'replay', done: this.replayed, unit: 'events', detail: topic });
  }

  private async send(topic: string, letters: readonly Ready[]): Promise<void> {
    const partition = letters[0]?.source.partition ?? 0;
    const offsets = new OffsetSet();
    for (const { source } of letters) offsets.add(source.offset);
    const { target, scanFrom } = await this.target(topic, partition);
    const records = letters.map(
      ({ letter, value }): OutgoingRecord => ({
        topic,
        partition: target,
        key: letter.record.key,
        value,
        headers: replayHeaders(letter, this.id),
      }),
    );
    await this.tools.ledger.put({ topic, partition, target, scanFrom }, offsets, async () => {
      const first = (await this.tools.writer.send(records)).get(`${topic}/${target}`);
      if (first !== undefined) this.ends.set(`${topic}/${target}`, first);
    });
  }

  /** The partition that it came from; its key belongs there. */
  private async target(topic: string, partition: number): Promise<{ target: number; scanFrom: number }> {
    if (!this.partitions.has(topic)) {
      const bounds = await this.tools.reader.bounds(topic);
      this.partitions.set(topic, bounds.length);
      for (const each of bounds) this.ends.set(`${topic}/${each.partition}`, each.end);
    }
    const target = partition % Math.max(1, this.partitions.get(topic) ?? 1);
    return { target, scanFrom: this.ends.get(`${topic}/${target}`) ?? 0 };
  }
}
