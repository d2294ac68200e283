import { replication } from '../../components/kafka/component.ts';
import { replayLedger, type Topic, topics } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { ensureTopics, type TopicSpec } from '../../probes/kafka.ts';
import type { ProvisionContext } from './context.ts';

/** All topics of the pipeline. */
export async function provisionKafka({ runtime, profile }: ProvisionContext): Promise<string> {
  const { url } = await runtime.endpoint('kafka', 'kafka');
  const { created, altered, larger } = await ensureTopics(
    url.replace(/^kafka:\/\//, '').split(','),
    [...topics, replayLedger].map((topic) => topicSpec(topic, profile)),
  );
  const parts = [
    ...(created.length > 0 ? [`${created.length} topics created`] : []),
    ...(altered.length > 0 ? [`${altered.join(', ')} altered`] : []),
    ...(larger.length > 0 ? [`${larger.join(', ')} keep their larger partition count`] : []),
  ];
  return parts.join('; ') || `${topics.length} topics`;
}

function topicSpec(topic: Topic, profile: Profile): TopicSpec {
  const { factor, minInSync } = replication(profile);
  return {
    name: topic.name,
    partitions: topic.partitions === 'stream' ? profile.kafka.streamPartitions : topic.partitions,
    replicas: factor,
    config: {
      'cleanup.policy': topic.cleanup,
      'min.insync.replicas': String(minInSync),
      ...(topic.retentionMs === undefined ? {} : { 'retention.ms': String(topic.retentionMs) }),
    },
  };
}
