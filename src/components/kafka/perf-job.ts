import type { JobDefinition } from '../contract.ts';
import { javaCommand } from '../jvm.ts';

/** Kafka's own producer benchmark, for a figure to compare ours with. Arguments are those of kafka-producer-perf-test. */
export const kafkaPerfJob: JobDefinition = {
  name: 'kafka-perf',
  title: "Kafka's producer benchmark",
  dependsOn: ['kafka'],
  artifacts: ['jre', 'kafka'],
  render: (context, args) => ({
    files: [],
    command: javaCommand(context, {
      instance: 'kafka-perf',
      classPath: context.artifact('kafka').classPath,
      mainClass: 'org.apache.kafka.tools.ProducerPerformance',
      heapMiB: 256,
      metaspaceMiB: 96,
      codeCacheMiB: 64,
      args,
    }),
  }),
};
