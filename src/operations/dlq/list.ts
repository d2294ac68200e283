import type { DlqClassReport, DlqListReport, DlqTopicReport } from '../../core/dlq-report.ts';
import type { Bounds } from '../../probes/kafka-records.ts';
import type { StackRef } from '../stack.ts';
import { type DeadLetter, deadLetter } from './letter.ts';
import { bounded, chosenTopics, countFlag, type DlqTools, timeFlag, withDeadLetters } from './open.ts';
import { type Position, PositionSet } from './ranges.ts';
import { attemptLimit } from './replay.ts';

export interface ListRequest extends StackRef {
  topic: string | undefined;
  since: string | undefined;
  /** Records read at most of each topic, the newest; default 100,000. */
  limit: number | undefined;
}

/**
 * What lies in the dead letter topics, by error class. Counts of records are the broker's own; classes are those of the newest
 * `limit` records of each topic.
 * @throws LambdaError NOT_UP, KAFKA_REFUSED, UNKNOWN_TOPIC, BAD_TIME, BAD_NUMBER
 */
export async function listDeadLetters(request: ListRequest, signal: AbortSignal): Promise<DlqListReport> {
  const topics = chosenTopics(request.topic);
  const limit = countFlag('limit', request.limit) ?? 100_000;
  const since = request.since === undefined ? undefined : timeFlag('since', request.since);
  return withDeadLetters(request, async (tools) => {
    await tools.ledger.refresh();
    const reports: DlqTopicReport[] = [];
    for (const { topic, source } of topics) {
      const bounds = await bounded(tools, topic, since);
      const tally = new Tally(tools.ledger.replayed);
      const oldest = await oldestTime(tools, topic, bounds);
      for (const part of newest(bounds, limit)) {
        for await (const records of tools.reader.read(topic, part.partition, part.begin, part.end)) {
          signal.throwIfAborted();
          for (const record of records) tally.add(deadLetter(record));
        }
      }
      reports.push({ topic, source, records: sizeOf(bounds), oldest, ...tally.report() });
    }
    return {
      stack: request.stack,
      since: since === undefined ? null : new Date(since).toISOString(),
      limit,
      topics: reports,
    };
  });
}

/** The last `limit` records of a topic: as many of each partition as it holds, the rest of the share going to the fuller ones. */
export function newest(bounds: readonly Bounds[], limit: number): Bounds[] {
  let left = limit;
  const bySize = bounds.toSorted((a, b) => a.end - a.begin - (b.end - b.begin));
  return bySize.map((each, index) => {
    const share = Math.min(each.end - each.begin, Math.ceil(left / (bySize.length - index)));
    left -= share;
    return { ...each, begin: each.end - share };
  });
}

export const sizeOf = (bounds: readonly Bounds[]): number =>
  bounds.reduce((sum, { begin, end }) => sum + end - begin, 0);

async function oldestTime({ reader }: DlqTools, topic: string, bounds: readonly Bounds[]): Promise<string | null> {
  const times: string[] = [];
  for (const { partition, begin, end } of bounds) {
    const first = await reader.read(topic, partition, begin, Math.min(end, begin + 1), 1 << 16).next();
    const record = first.done === true ? undefined : first.value[0];
    if (record !== undefined) times.push(deadLetter(record).time);
  }
  return times.toSorted()[0] ?? null;
}

type Counted = { -readonly [K in keyof DlqClassReport]: DlqClassReport[K] };

/** Counts letters by class; a letter that a repeated micro-batch wrote again counts once. */
class Tally {
  private readonly replayed: { has(position: Position): boolean };
  private readonly seen = new PositionSet();
  private readonly classes = new Map<string, Counted>();
  private read = 0;
  private repeated = 0;
  private newest: string | null = null;

  constructor(replayed: { has(position: Position): boolean }) {
    this.replayed = replayed;
  }

  add(letter: DeadLetter): void {
    const { source, errorClass, errorText, record, time } = letter;
    this.read++;
    if (this.newest === null || time > this.newest) this.newest = time;
    if (source !== null && this.seen.has(source)) {
      this.repeated++;
      return;
    }
    if (source !== null) this.seen.add(source);
    const example = { text: errorText, partition: record.partition, offset: record.offset };
    const counted = this.classes.get(errorClass) ?? { errorClass, count: 0, replayed: 0, exhausted: 0, example };
    const replayed = source !== null && this.replayed.has(source);
    counted.count++;
    if (replayed) counted.replayed++;
    else if (letter.attempt >= attemptLimit) counted.exhausted++;
    this.classes.set(errorClass, counted);
  }

  report(): Pick<DlqTopicReport, 'read' | 'repeated' | 'replayed' | 'newest' | 'classes'> {
    const classes = [...this.classes.values()].sort((a, b) => b.count - a.count);
    const replayed = classes.reduce((sum, each) => sum + each.replayed, 0);
    return { read: this.read, repeated: this.repeated, replayed, newest: this.newest, classes };
  }
}
