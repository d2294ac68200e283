import type { HopLedger } from '../../core/bench-report.ts';
import { badKinds } from '../../generator/bad-data.ts';
import { endOffsets } from '../../probes/kafka.ts';
import { type RecordCursor, readTopics, type TopicOffsets } from '../../probes/kafka-reader.ts';
import type { Expectation } from './expectation.ts';
import { deadLetterTopic, type KafkaWindow } from './kafka.ts';

/**
 * Counts the dead letters of user_events since the run began: every bad record once, with its original bytes, and none else.
 * Dead letters of records older than the run are left out: their headers tell the source's offset.
 * @throws LambdaError KAFKA_REFUSED, KAFKA_UNREACHABLE, KAFKA_RECORDS_GONE; the signal's reason
 */
export async function countDeadLetters(expectation: Expectation, window: KafkaWindow): Promise<HopLedger> {
  const { bootstrap, from, signal } = window;
  const { count, reader } = await expectation.deadLetters(signal);
  const to = await endOffsets(bootstrap, [deadLetterTopic]);
  await readTopics({ bootstrap, from, to, ...(signal === undefined ? {} : { signal }) }, (record) => {
    const { partition, offset, value } = record;
    if (isOlder(record, from)) return;
    const where = () => `${deadLetterTopic}-${partition}@${offset}`;
    if (value === null) count.seeAlien(where);
    else reader.see(count, value, where);
  });
  const sent = badKinds.filter((kind) => expectation.bad[kind] > 0);
  const kinds = sent.map((kind) => `${kind} ${count.seenOf((number) => expectation.badKindOf(number) === kind)}`);
  const method = `every bad record once, by id and checksum${kinds.length === 0 ? '' : `; found: ${kinds.join(', ')}`}`;
  return count.result({ hop: 'dlq', store: deadLetterTopic, method });
}

/** The record it was made of came before the run. */
function isOlder(record: RecordCursor, from: TopicOffsets): boolean {
  const headers = record.headers();
  const topic = headers.get('dlq.source.topic') ?? '';
  const start = from[topic]?.[Number(headers.get('dlq.source.partition'))] ?? 0;
  return Number(headers.get('dlq.source.offset') ?? Number.POSITIVE_INFINITY) < start;
}
