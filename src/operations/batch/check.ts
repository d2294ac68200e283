import { LambdaError } from '../../core/errors.ts';
import { type OperationContext, step } from '../../core/events.ts';
import { lake } from '../../platform/pipeline.ts';
import { endOffsets } from '../../probes/kafka.ts';
import { brokersOf } from '../brokers.ts';
import { waitForLake } from '../lake/lake.ts';
import type { OffsetsByTopic } from '../lake/reports.ts';
import type { OpenStack } from '../stack.ts';

export interface LakeCheck {
  /** ISO time: everything Kafka held then is in the lake. */
  lakeTime: string;
  offsets: OffsetsByTopic;
  records: number;
  waitedMs: number;
}

/** The sink commits every few seconds; after a restart its first commit takes up to 40 s (docs/adr/0013), and a backlog its time. */
const patienceMs = 10 * 60_000;

/**
 * Waits until the lake holds everything that Kafka holds at this moment.
 * @throws LambdaError LAKE_BEHIND naming topics and partitions, KAFKA_REFUSED, LAKE_FAILED
 */
export function checkLake(stack: OpenStack, context: OperationContext): Promise<LakeCheck> {
  return step(context, { id: 'check', title: 'Lake holds what Kafka holds' }, async () => {
    const lakeTime = new Date().toISOString();
    const topics = lake.tables.map(({ topic }) => topic);
    const offsets = await endOffsets(await brokersOf(stack.runtime), topics);
    const { complete, behind, missing, waitedMs } = await waitForLake(
      stack,
      { wanted: offsets, timeoutMs: patienceMs },
      context,
    );
    if (!complete) throw lakeBehind(behind, Object.keys(missing), waitedMs);
    const records = Object.values(offsets)
      .flatMap((partitions) => Object.values(partitions))
      .reduce((sum, end) => sum + end, 0);
    return {
      value: { lakeTime, offsets, records, waitedMs },
      detail: `${records} offsets, waited ${(waitedMs / 1000).toFixed(1)} s`,
    };
  });
}

function lakeBehind(behind: number, topics: readonly string[], waitedMs: number) {
  return new LambdaError(
    `After ${Math.round(waitedMs / 1000)} s the lake still lacks ${behind} records of ${topics.join(', ')}.`,
    {
      code: 'LAKE_BEHIND',
      category: 'external',
      retryable: true,
      details: { behind, topics },
      actions: [
        '`lambdactl health` tells whether the archive works.',
        'lambdactl logs connect',
        'Run it again: it waits on.',
      ],
    },
  );
}
