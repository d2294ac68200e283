import { topics } from '../../platform/pipeline.ts';
import { endOffsets } from '../../probes/kafka.ts';
import { brokersOf } from '../brokers.ts';
import { openStack, type StackRef } from '../stack.ts';

export interface DeadLetterCounts {
  stack: string;
  /** Records ever written to each dead letter topic, whether they are still there or not. */
  topics: Readonly<Record<string, number>>;
}

/** @throws LambdaError NOT_UP, KAFKA_REFUSED */
export async function deadLetterCounts(ref: StackRef): Promise<DeadLetterCounts> {
  const stack = await openStack(ref);
  await stack.requireUp();
  const names = topics.map(({ name }) => name).filter((name) => name.endsWith('.dlq'));
  const offsets = await endOffsets(await brokersOf(stack.runtime), names);
  const sum = (partitions: Readonly<Record<number, number>>) =>
    Object.values(partitions).reduce((total, offset) => total + offset, 0);
  return {
    stack: stack.name,
    topics: Object.fromEntries(Object.entries(offsets).map(([name, partitions]) => [name, sum(partitions)])),
  };
}
