import { declaredTopics } from '../../components/kafka/topics.ts';
import { topics } from '../../platform/pipeline.ts';
import { ensureTopics } from '../../probes/kafka.ts';
import { brokersOf } from '../brokers.ts';
import type { ProvisionContext } from './context.ts';

/** All topics of the pipeline. */
export async function provisionKafka({ runtime, profile }: ProvisionContext): Promise<string> {
  const { created, altered, larger } = await ensureTopics(await brokersOf(runtime), declaredTopics(profile));
  const parts = [
    ...(created.length > 0 ? [`${created.length} topics created`] : []),
    ...(altered.length > 0 ? [`${altered.join(', ')} altered`] : []),
    ...(larger.length > 0 ? [`${larger.join(', ')} keep their larger partition count`] : []),
  ];
  return parts.join('; ') || `${topics.length} topics`;
}
