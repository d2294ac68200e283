import { bucket, lake } from '../../platform/pipeline.ts';
import type { JobDefinition, JobPlan, RenderContext } from '../contract.ts';
import { javaCommand } from '../jvm.ts';
import { clientFiles } from '../tls.ts';
import { sparkFlags } from './java-options.ts';
import { lakeSecrets, lakeSettings } from './lake-settings.ts';

/** One date from the lake to the stage: lambdactl.batch.BatchJob of dags-repo/spark. Arguments: --date, --batch-id, --tables. */
export const sparkBatchJob: JobDefinition = {
  name: 'spark-batch',
  title: 'Spark batch',
  dependsOn: ['postgres', 'objectstore'],
  artifacts: ['jre', 'spark', 'iceberg-spark', 'speed-job'],
  render,
};

function render(context: RenderContext, args: readonly string[]): JobPlan {
  const file = `${context.dir('spark-batch', 'conf')}/batch-job.json`;
  const spark = `${context.projectDir('dags-repo')}/spark`;
  const { memoryMiB, heapMiB = Math.floor(memoryMiB / 2) } = context.profile.components.batch;
  // Every key is explained in docs/batch-job.md.
  const settings = {
    tasks: context.profile.batch.tasks,
    lake: lakeSettings(context, 'spark-batch'),
    stage: stageOf(context),
    localDir: `${context.dir('spark-batch', 'cache')}/local`,
    rulesDir: `${spark}/speed`,
    schemasDir: context.projectDir('schemas'),
    tablesFile: `${spark}/batch/tables.json`,
  };
  return {
    files: [
      { path: file, content: `${JSON.stringify(settings, null, 2)}\n`, mode: 0o644 },
      ...clientFiles(context, 'spark-batch'),
    ],
    command: javaCommand(context, {
      instance: 'spark-batch',
      classPath: (['spark', 'iceberg-spark', 'speed-job'] as const).flatMap((name) => context.artifact(name).classPath),
      mainClass: 'lambdactl.batch.BatchJob',
      heapMiB,
      metaspaceMiB: 256,
      codeCacheMiB: 128,
      directMiB: 128,
      // Typed columns cost less to copy than C2 takes to compile it; reading JSON pays for it.
      quickStart: context.profile.lake.archive === 'connect',
      flags: [
        ...sparkFlags,
        '-Djdk.nio.maxCachedBufferSize=262144',
        `-Dlog4j2.configurationFile=${spark}/batch/log4j2.properties`,
      ],
      args: ['--conf-file', file, ...args],
      env: { SPARK_LOCAL_IP: context.listenHost, AWS_REGION: 'us-east-1', ...lakeSecrets(context) },
    }),
  };
}

function stageOf({ profile: { lake: settings } }: RenderContext): string {
  const { storage } = settings;
  if (storage.kind === 'embedded') return `s3://${bucket}/${lake.stagePath}`;
  const parts = [storage.bucket, ...storage.prefix.split('/').filter((part) => part !== ''), lake.stagePath];
  return `s3://${parts.join('/')}`;
}
