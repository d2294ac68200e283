import { createHash } from 'node:crypto';
import type { JobDefinition, JobPlan, RenderContext } from '../contract.ts';
import { javaCommand } from '../jvm.ts';
import { clientFiles } from '../tls.ts';
import { sparkFlags } from './java-options.ts';
import { lakeSecrets, lakeSettings } from './lake-settings.ts';

/**
 * query and maintain need Spark; the others read Iceberg's metadata and start in a second. What ends soon is compiled by C1 alone,
 * which takes half the CPU of a short run.
 */
const sparkVerbs: readonly string[] = ['query', 'maintain', 'append'];
const longVerbs: readonly string[] = ['maintain', 'append', 'ids'];

/** Looks into the lake and looks after it: lambdactl.lake.LakeTool of dags-repo/spark. Arguments: a verb and what it takes. */
export const lakeJob: JobDefinition = {
  name: 'lake',
  title: 'Lake tool',
  dependsOn: ['postgres', 'objectstore'],
  artifacts: ['jre', 'spark', 'iceberg-spark', 'speed-job'],
  render,
};

function render(context: RenderContext, args: readonly string[]): JobPlan {
  const file = `${context.dir('lake', 'conf')}/lake-tool.json`;
  const { memoryMiB, heapMiB = Math.floor(memoryMiB / 2) } = context.profile.components.batch;
  // Every key is explained in dags-repo/spark/README.md.
  const settings = {
    master: `local[${context.profile.batch.tasks}]`,
    localDir: `${context.dir('lake', 'cache')}/local`,
    schemasDir: context.projectDir('schemas'),
    lake: lakeSettings(context, 'lake'),
  };
  const [verb = ''] = args;
  const withSpark = sparkVerbs.includes(verb);
  const classPath = (['spark', 'iceberg-spark', 'speed-job'] as const).flatMap(
    (name) => context.artifact(name).classPath,
  );
  return {
    files: [
      { path: file, content: `${JSON.stringify(settings, null, 2)}\n`, mode: 0o644 },
      ...clientFiles(context, 'lake'),
    ],
    command: javaCommand(context, {
      instance: 'lake',
      classPath,
      mainClass: 'lambdactl.lake.LakeTool',
      heapMiB: withSpark ? heapMiB : Math.min(heapMiB, 256),
      metaspaceMiB: 256,
      codeCacheMiB: 96,
      directMiB: 96,
      quickStart: !longVerbs.includes(verb),
      flags: [
        ...sparkFlags,
        ...(withSpark ? [] : classArchive(context, classPath)),
        `-Dlog4j2.configurationFile=${context.projectDir('dags-repo')}/spark/src/lambdactl/lake/log4j2.properties`,
      ],
      args: ['--conf-file', file, ...args],
      env: { SPARK_LOCAL_IP: context.listenHost, ...lakeSecrets(context) },
    }),
  };
}

/**
 * Written at the end of the first run, which takes it 5 CPU-seconds; every later one takes 1.5 instead of 2.5. Not for Spark's verbs:
 * their archive has 190 MB and takes half a minute to write.
 */
function classArchive(context: RenderContext, classPath: readonly string[]): string[] {
  const program = [context.artifact('jre').root, ...classPath].join('\n');
  const key = createHash('sha256').update(program).digest('hex').slice(0, 12);
  return [`-XX:SharedArchiveFile=${context.dir('lake', 'cache')}/classes-${key}.jsa`, '-XX:+AutoCreateSharedArchive'];
}
