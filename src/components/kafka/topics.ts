import { replayLedger, type Topic, topics } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { replication } from './component.ts';

/** A topic as Kafka is asked for it. */
export interface DeclaredTopic {
  name: string;
  partitions: number;
  replicas: number;
  config: Readonly<Record<string, string>>;
}

/** Every topic of the pipeline and the ledger of replays, in this profile. */
export const declaredTopics = (profile: Profile): DeclaredTopic[] =>
  [...topics, replayLedger].map((topic) => declared(topic, profile));

function declared(topic: Topic, profile: Profile): DeclaredTopic {
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
