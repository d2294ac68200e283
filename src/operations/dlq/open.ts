import { usageError } from '../../core/errors.ts';
import { parseDuration } from '../../core/units.ts';
import { deadLetterTopics, replayLedger } from '../../platform/pipeline.ts';
import { RecordWriter } from '../../probes/kafka-record-writer.ts';
import { type Bounds, RecordReader } from '../../probes/kafka-records.ts';
import { brokersOf } from '../brokers.ts';
import { openStack, type StackRef } from '../stack.ts';
import { ReplayLedger } from './ledger.ts';

export interface DlqTools {
  reader: RecordReader;
  writer: RecordWriter;
  ledger: ReplayLedger;
}

/**
 * Opens what all `dlq` operations work with, and closes it again.
 * @throws LambdaError NOT_UP, KAFKA_REFUSED
 */
export async function withDeadLetters<T>(ref: StackRef, work: (tools: DlqTools) => Promise<T>): Promise<T> {
  const stack = await openStack(ref);
  await stack.requireUp();
  const bootstrap = await brokersOf(stack.runtime);
  const reader = new RecordReader(bootstrap);
  const writer = new RecordWriter(bootstrap);
  try {
    return await work({ reader, writer, ledger: new ReplayLedger(replayLedger.name, reader, writer) });
  } finally {
    await Promise.allSettled([reader.close(), writer.close()]);
  }
}

/** The dead letter topics that a name stands for: itself, its source topic, or all. @throws LambdaError UNKNOWN_TOPIC */
export function chosenTopics(name: string | undefined): typeof deadLetterTopics {
  if (name === undefined) return deadLetterTopics;
  const found = deadLetterTopics.filter(({ topic, source }) => topic === name || source === name);
  if (found.length > 0) return found;
  throw usageError(`There is no dead letter topic of "${name}".`, {
    code: 'UNKNOWN_TOPIC',
    actions: [`There are: ${deadLetterTopics.map(({ topic }) => topic).join(', ')}`],
  });
}

/** "10m", "2h" ago or an ISO 8601 time, as epoch ms. @throws LambdaError BAD_TIME, DURATION_INVALID */
export function timeFlag(flag: string, text: string): number {
  if (!/^\d{4}-/.test(text)) return Date.now() - parseDuration(text);
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw usageError(`--${flag} ${text} is no time.`, {
    code: 'BAD_TIME',
    actions: ['Use 10m, 2h or 2026-01-31T09:30:00Z.'],
  });
}

/** A whole number of at least 1. @throws LambdaError BAD_NUMBER */
export function countFlag(flag: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) return value;
  throw usageError(`--${flag} ${value}: expected a whole number of at least 1.`, { code: 'BAD_NUMBER' });
}

/** What there is of a topic now, since a time (epoch ms) when one is given. */
export async function bounded({ reader }: DlqTools, topic: string, since: number | undefined): Promise<Bounds[]> {
  const bounds = await reader.bounds(topic);
  if (since === undefined) return bounds;
  const first = await reader.offsetsAt(topic, since);
  return bounds.map((each) => ({ ...each, begin: Math.max(each.begin, first.get(each.partition) ?? each.end) }));
}
