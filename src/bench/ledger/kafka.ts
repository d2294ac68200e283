import type { HopLedger } from '../../core/bench-report.ts';
import type { Bootstrap } from '../../core/bootstrap.ts';
import { streamNames } from '../../generator/generator.ts';
import { endOffsets } from '../../probes/kafka.ts';
import { readTopics, type TopicOffsets } from '../../probes/kafka-reader.ts';
import type { Expectation } from './expectation.ts';

/** Where the speed layer puts the records of user_events that it refuses. */
export const deadLetterTopic = 'user_events.dlq';

export interface KafkaWindow {
  bootstrap: Bootstrap;
  /** By startOffsets, before the run. */
  from: TopicOffsets;
  /** Before the names of both topics; default none. */
  topicPrefix?: string;
  signal?: AbortSignal;
}

/** Where the topics that a run writes end now: called before the run. @throws LambdaError KAFKA_REFUSED */
export async function startOffsets(bootstrap: Bootstrap): Promise<TopicOffsets> {
  return await endOffsets(bootstrap, [...streamNames, deadLetterTopic]);
}

/**
 * Counts every record that came into user_events and transactions since `from`: by id, and by its bytes. Bad records and re-sends are
 * counted as sent. Afterwards records that the generator gave up and that did not arrive are no longer expected anywhere.
 * @throws LambdaError KAFKA_REFUSED, KAFKA_UNREACHABLE, KAFKA_RECORDS_GONE; the signal's reason
 */
export async function countKafka(expectation: Expectation, window: KafkaWindow): Promise<HopLedger[]> {
  const { bootstrap, from, topicPrefix = '', signal } = window;
  const hops = {
    user_events: await expectation.topic('user_events', signal),
    transactions: await expectation.topic('transactions', signal),
  };
  const to = await endOffsets(
    bootstrap,
    streamNames.map((stream) => `${topicPrefix}${stream}`),
  );
  await readTopics({ bootstrap, from, to, ...(signal === undefined ? {} : { signal }) }, (record) => {
    const { count, reader } = record.topic === `${topicPrefix}transactions` ? hops.transactions : hops.user_events;
    const { topic, partition, offset, value } = record;
    const where = () => `${topic}-${partition}@${offset}`;
    if (value === null) count.seeAlien(where);
    else reader.see(count, value, where);
  });
  return streamNames.map((stream) => {
    const { count } = hops[stream];
    const givenUp = expectation.settle(stream, count);
    const excused = givenUp === 0 ? '' : `; ${givenUp} that the generator gave up are not expected`;
    const method = `every record since the run began, by id and checksum; bad ones and re-sends as sent${excused}`;
    return count.result({ hop: 'kafka', store: `${topicPrefix}${stream}`, method });
  });
}
