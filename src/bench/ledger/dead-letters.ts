import type { HopLedger } from '../../core/bench-report.ts';
import { badKinds } from '../../generator/bad-data.ts';
import { endOffsets } from '../../probes/kafka.ts';
import { type RecordCursor, readTopics } from '../../probes/kafka-reader.ts';
import type { Expectation } from './expectation.ts';
import { deadLetterTopic, type KafkaWindow } from './kafka.ts';

/**
 * Counts the dead letters of user_events since the run began: every bad record once, with its original bytes, and none else. The speed job
 * promises them at least once (a repeated micro-batch writes its own again): copies of one record are one, told by where it came from.
 * Dead letters of records older than the run are left out: their headers tell the source's offset.
 * @throws LambdaError KAFKA_REFUSED, KAFKA_UNREACHABLE, KAFKA_RECORDS_GONE; the signal's reason
 */
export async function countDeadLetters(expectation: Expectation, window: KafkaWindow): Promise<HopLedger> {
  const { bootstrap, from, signal } = window;
  const { count, reader } = await expectation.deadLetters(signal);
  const to = await endOffsets(bootstrap, [deadLetterTopic]);
  const sources = new Set<string>();
  let repeated = 0;
  await readTopics({ bootstrap, from, to, ...(signal === undefined ? {} : { signal }) }, (record) => {
    const { partition, offset, value } = record;
    const source = sourceOf(record);
    if (source !== null && source.offset < (from[source.topic]?.[source.partition] ?? 0)) return;
    const origin = source === null ? null : `${source.topic}-${source.partition}@${source.offset}`;
    if (origin !== null && sources.has(origin)) {
      repeated++;
      return;
    }
    if (origin !== null) sources.add(origin);
    const where = () => `${deadLetterTopic}-${partition}@${offset}`;
    if (value === null) count.seeAlien(where);
    else reader.see(count, value, where);
  });
  const sent = badKinds.filter((kind) => expectation.bad[kind] > 0);
  const kinds = sent.map((kind) => `${kind} ${count.seenOf((number) => expectation.badKindOf(number) === kind)}`);
  const copies = repeated === 0 ? '' : `; ${repeated} copies by repeated micro-batches left out`;
  const found = kinds.length === 0 ? '' : `; found: ${kinds.join(', ')}`;
  const method = `every bad record once, by id and checksum${copies}${found}`;
  return count.result({ hop: 'dlq', store: deadLetterTopic, method });
}

/** The record that it was made of; null where the headers do not tell. */
function sourceOf(record: RecordCursor): { topic: string; partition: number; offset: number } | null {
  const headers = record.headers();
  const topic = headers.get('dlq.source.topic');
  const partition = Number(headers.get('dlq.source.partition') ?? Number.NaN);
  const offset = Number(headers.get('dlq.source.offset') ?? Number.NaN);
  return topic === undefined || Number.isNaN(partition) || Number.isNaN(offset) ? null : { topic, partition, offset };
}
