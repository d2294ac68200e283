import type { DlqPurgeReport } from '../../core/dlq-report.ts';
import { LambdaError, usageError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import type { Bounds } from '../../probes/kafka-records.ts';
import type { StackRef } from '../stack.ts';
import { deadLetter } from './letter.ts';
import { sizeOf } from './list.ts';
import { chosenTopics, type DlqTools, timeFlag, withDeadLetters } from './open.ts';

export interface PurgeRequest extends StackRef {
  topic: string | undefined;
  /** Only what was refused before this time. */
  before: string | undefined;
  /** Only what was put back. */
  replayed: boolean;
  all: boolean;
  /** Error class; taken only where these are the oldest records. */
  reason: string | undefined;
  /** Whether somebody said yes; asked only when there is something to delete. */
  confirm: (question: string) => Promise<boolean>;
}

/** What to delete of one topic: everything before an offset, by partition. */
interface Cut {
  topic: string;
  before: Map<number, number>;
  deleted: number;
  left: number;
  /** Replayed records that stay because one that was not replayed is older; null when not asked for. */
  replayedLeft: number | null;
}

/**
 * Deletes dead letters from the old end of their topics; Kafka can delete nothing else, so a choice that is not the old end of a
 * partition is cut short (`replayed`) or refused (`reason`), and never more is deleted than was asked for.
 * @throws LambdaError CONFIRMATION_NEEDED, DLQ_NOT_THE_OLDEST, BAD_USAGE, NOT_UP, KAFKA_REFUSED, UNKNOWN_TOPIC, BAD_TIME
 */
export async function purgeDeadLetters(request: PurgeRequest, { signal }: OperationContext): Promise<DlqPurgeReport> {
  const topics = chosenTopics(request.topic);
  const before = request.before === undefined ? undefined : timeFlag('before', request.before);
  const chosen = [before !== undefined, request.replayed, request.all, request.reason !== undefined].filter(
    Boolean,
  ).length;
  if (chosen !== 1) {
    throw usageError('Say what to delete: one of --before, --replayed, --reason, --all.', {
      code: 'BAD_USAGE',
      actions: ['lambdactl dlq list'],
    });
  }
  return withDeadLetters(request, async (tools) => {
    await tools.ledger.refresh();
    const cuts: Cut[] = [];
    for (const { topic } of topics) cuts.push(await cutOf(tools, topic, request, before, signal));
    const deleted = cuts.reduce((sum, cut) => sum + cut.deleted, 0);
    if (deleted > 0 && !(await request.confirm(`Delete ${deleted} dead letters of stack "${request.stack}"?`))) {
      throw new LambdaError(`Deleting ${deleted} dead letters needs a yes.`, {
        code: 'CONFIRMATION_NEEDED',
        category: 'confirmation',
        details: { deleted },
        actions: ['The same command with --yes'],
      });
    }
    for (const { topic, before: offsets } of cuts) await tools.reader.deleteBefore(topic, offsets);
    return {
      stack: request.stack,
      deleted,
      topics: cuts.map(({ topic, deleted: gone, left, replayedLeft }) => ({
        topic,
        deleted: gone,
        left,
        replayedLeft,
      })),
    };
  });
}

async function cutOf(
  tools: DlqTools,
  topic: string,
  request: PurgeRequest,
  before: number | undefined,
  signal: AbortSignal,
): Promise<Cut> {
  const bounds = await tools.reader.bounds(topic);
  if (request.all) return cut(topic, bounds, new Map(bounds.map(({ partition, end }) => [partition, end])), null);
  if (before !== undefined) return cut(topic, bounds, await tools.reader.offsetsAt(topic, before), null);
  const until = new Map<number, number>();
  let behind = 0;
  for (const each of bounds) {
    const prefix = await prefixOf(tools, topic, each, request.reason, signal);
    until.set(each.partition, prefix.until);
    behind += prefix.behind;
  }
  if (request.reason !== undefined && behind > 0) throw notTheOldest(topic, request.reason, behind);
  return cut(topic, bounds, until, request.reason === undefined ? behind : null);
}

function cut(
  topic: string,
  bounds: readonly Bounds[],
  until: ReadonlyMap<number, number>,
  replayedLeft: number | null,
): Cut {
  const gone = bounds.flatMap(({ partition, begin, end }) => {
    const to = Math.min(end, Math.max(begin, until.get(partition) ?? begin));
    return to > begin ? [{ partition, begin, end: to }] : [];
  });
  const deleted = sizeOf(gone);
  return {
    topic,
    before: new Map(gone.map(({ partition, end }) => [partition, end])),
    deleted,
    left: sizeOf(bounds) - deleted,
    replayedLeft,
  };
}

/** Up to where all records of a partition fit, and how many fit behind the first that does not. */
async function prefixOf(
  { reader, ledger }: DlqTools,
  topic: string,
  { partition, begin, end }: Bounds,
  reason: string | undefined,
  signal: AbortSignal,
): Promise<{ until: number; behind: number }> {
  let until: number | null = null;
  let behind = 0;
  for await (const records of reader.read(topic, partition, begin, end)) {
    signal.throwIfAborted();
    for (const record of records) {
      const { source, errorClass } = deadLetter(record);
      const fits = reason === undefined ? source !== null && ledger.replayed.has(source) : errorClass === reason;
      if (!fits) until ??= record.offset;
      else if (until !== null) behind++;
    }
  }
  return { until: until ?? end, behind };
}

function notTheOldest(topic: string, reason: string, behind: number): LambdaError {
  return usageError(
    `${behind} records of class ${reason} in ${topic} are newer than one of another class; nothing was deleted.`,
    {
      code: 'DLQ_NOT_THE_OLDEST',
      details: { topic, behind },
      actions: [
        'Kafka deletes a partition from its oldest record on, never from the middle.',
        'Delete by time: lambdactl dlq purge --before 2h',
        'Replay them and delete what was replayed: lambdactl dlq replay, then lambdactl dlq purge --replayed',
      ],
    },
  );
}
