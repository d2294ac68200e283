import type { CommandSpec, RenderedFile } from '../../core/service-spec.ts';
import type { JobDefinition, RenderContext } from '../contract.ts';
import { javaCommand } from '../jvm.ts';
import { authorityPath, clientFiles } from '../tls.ts';
import { verifiedClient } from './verified.ts';

/** Kafka's own producer benchmark, for a figure to compare ours with. Arguments are those of kafka-producer-perf-test. */
export const kafkaPerfJob: JobDefinition = {
  name: 'kafka-perf',
  title: "Kafka's producer benchmark",
  dependsOn: ['kafka'],
  artifacts: ['jre', 'kafka'],
  render: (context, args) => {
    const settings = settingsFile(context);
    return { files: [...settings, ...clientFiles(context, 'kafka-perf')], command: command(context, args, settings) };
  },
};

/** What its producer needs besides; nothing without TLS. */
function settingsFile(context: RenderContext): RenderedFile[] {
  if (context.certificates === null) return [];
  const lines = Object.entries(verifiedClient(authorityPath(context, 'kafka-perf'))).map((entry) => entry.join('='));
  const path = `${context.dir('kafka-perf', 'conf')}/client.properties`;
  return [{ path, content: `${lines.join('\n')}\n`, mode: 0o644 }];
}

const command = (context: RenderContext, args: readonly string[], settings: readonly RenderedFile[]): CommandSpec =>
  javaCommand(context, {
    instance: 'kafka-perf',
    classPath: context.artifact('kafka').classPath,
    mainClass: 'org.apache.kafka.tools.ProducerPerformance',
    heapMiB: 256,
    metaspaceMiB: 96,
    codeCacheMiB: 64,
    args: [...args, ...settings.flatMap(({ path }) => ['--command-config', path])],
  });
