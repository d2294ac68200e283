import type { DlqShowReport } from '../../core/dlq-report.ts';
import { usageError } from '../../core/errors.ts';
import type { Bounds, StoredRecord } from '../../probes/kafka-records.ts';
import type { StackRef } from '../stack.ts';
import { type DeadLetter, deadLetter, letterReport } from './letter.ts';
import { newest, sizeOf } from './list.ts';
import { bounded, chosenTopics, countFlag, type DlqTools, timeFlag, withDeadLetters } from './open.ts';

export interface ShowRequest extends StackRef {
  topic: string | undefined;
  /** Error class. */
  reason: string | undefined;
  since: string | undefined;
  /** "partition:offset" of one record. */
  offset: string | undefined;
  /** Default 10. */
  limit: number | undefined;
  /** Characters of a value; default 2000. */
  width: number | undefined;
}

/** Records looked at in one topic for those that fit; older ones are not looked at. */
const scanLimit = 200_000;
/** Looked at together, from the end backwards. */
const windowSize = 2000;

/**
 * Dead letters with headers and value, newest first.
 * @throws LambdaError NOT_UP, KAFKA_REFUSED, UNKNOWN_TOPIC, BAD_OFFSET, BAD_TIME, BAD_NUMBER
 */
export async function showDeadLetters(request: ShowRequest, signal: AbortSignal): Promise<DlqShowReport> {
  const topics = chosenTopics(request.topic);
  const limit = countFlag('limit', request.limit) ?? 10;
  const width = countFlag('width', request.width) ?? 2000;
  const place = request.offset === undefined ? null : readPlace(request.offset);
  if (place !== null && topics.length !== 1) {
    throw usageError('--offset names a record of one topic.', {
      code: 'BAD_OFFSET',
      actions: ['Name the topic before it.'],
    });
  }
  const since = request.since === undefined ? undefined : timeFlag('since', request.since);
  return withDeadLetters(request, async (tools) => {
    await tools.ledger.refresh();
    const found: DeadLetter[] = [];
    let scanned = 0;
    let more = false;
    for (const { topic } of topics) {
      const bounds = await bounded(tools, topic, since);
      const wanted = place === null ? bounds : at(bounds, place);
      const search = await fitting(tools, topic, wanted, request.reason, limit, signal);
      found.push(...search.letters);
      scanned += search.scanned;
      more ||= search.scanned < sizeOf(wanted);
    }
    const letters = found.sort(newestFirst).slice(0, limit);
    const replayed = ({ source }: DeadLetter) => source !== null && tools.ledger.replayed.has(source);
    return {
      stack: request.stack,
      letters: letters.map((letter) => letterReport(letter, replayed(letter), width)),
      scanned,
      more: more || found.length > limit,
    };
  });
}

const newestFirst = (a: DeadLetter, b: DeadLetter): number =>
  a.time === b.time ? b.record.offset - a.record.offset : a.time < b.time ? 1 : -1;

/** The newest `limit` letters that fit, window by window from the ends of all partitions. */
async function fitting(
  tools: DlqTools,
  topic: string,
  bounds: readonly Bounds[],
  reason: string | undefined,
  limit: number,
  signal: AbortSignal,
): Promise<{ letters: DeadLetter[]; scanned: number }> {
  const letters: DeadLetter[] = [];
  let scanned = 0;
  let left = [...bounds];
  while (left.length > 0 && letters.length < limit && scanned < scanLimit) {
    const window = newest(left, windowSize);
    for (const { partition, begin, end } of window) {
      const records: StoredRecord[] = [];
      for await (const lump of tools.reader.read(topic, partition, begin, end)) records.push(...lump);
      signal.throwIfAborted();
      scanned += records.length;
      letters.push(
        ...records.map(deadLetter).filter(({ errorClass }) => reason === undefined || errorClass === reason),
      );
    }
    left = left
      .map((each) => ({
        ...each,
        end: window.find(({ partition }) => partition === each.partition)?.begin ?? each.begin,
      }))
      .filter(({ begin, end }) => end > begin);
  }
  return { letters, scanned };
}

function at(bounds: readonly Bounds[], { partition, offset }: { partition: number; offset: number }): Bounds[] {
  const found = bounds.find((each) => each.partition === partition && each.begin <= offset && offset < each.end);
  if (found !== undefined) return [{ partition, begin: offset, end: offset + 1 }];
  throw usageError(`There is no record ${partition}:${offset}.`, {
    code: 'BAD_OFFSET',
    actions: [
      `There are: ${
        bounds
          .filter(({ begin, end }) => end > begin)
          .map((each) => `${each.partition}:${each.begin}–${each.end - 1}`)
          .join(', ') || 'none'
      }`,
    ],
  });
}

function readPlace(text: string): { partition: number; offset: number } {
  const [, partition, offset] = /^(\d{1,5}):(\d{1,15})$/.exec(text) ?? [];
  if (partition !== undefined && offset !== undefined) return { partition: Number(partition), offset: Number(offset) };
  throw usageError(`--offset ${text}: expected PARTITION:OFFSET, e.g. 2:118.`, {
    code: 'BAD_OFFSET',
    actions: ['`lambdactl dlq list` has an example of every class.'],
  });
}
