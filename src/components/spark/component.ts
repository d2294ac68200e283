import type { RenderedFile, ServiceSpec } from '../../core/service-spec.ts';
import { clickhouse as layout, speedQueries } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { httpUrl } from '../clickhouse/component.ts';
import type { ComponentDefinition, RenderContext } from '../contract.ts';
import { compileOnlyHotCode, javaService } from '../jvm.ts';
import { bootstrapServers } from '../kafka/component.ts';
import { verifiedClient } from '../kafka/verified.ts';
import { authorityPath, clientFiles } from '../tls.ts';
import { mebibytes } from '../units.ts';
import { sparkFlags } from './java-options.ts';
import { lakeSecrets, lakeSettings } from './lake-settings.ts';

const ports = { ui: 'spark.ui', status: 'spark.status' } as const;
const passwordVariable = 'LAMBDACTL_CLICKHOUSE_PASSWORD';

/** Spark's driver and executor in one JVM, running the speed job of dags-repo/spark. */
export const spark: ComponentDefinition = {
  name: 'spark',
  title: 'Spark Structured Streaming',
  dependsOn: ['kafka', 'clickhouse'],
  alsoDependsOn: (profile) => (archives(profile) ? ['postgres', 'objectstore'] : []),
  artifacts: ['jre', 'spark', 'iceberg-spark', 'speed-job'],
  instances: () => ['spark'],
  ports: (profile) => [
    ...(hasUi(profile) ? [{ id: ports.ui, instance: 'spark', preferred: 14040 }] : []),
    { id: ports.status, instance: 'spark', preferred: 14041 },
  ],
  credentials: [],
  render: (context) => ({ files: configFiles(context), service: service(context) }),
  endpoints: (context) => [
    endpoint('http', statusUrl(context), 'The speed job: /status, /healthz, /metrics'),
    ...(hasUi(context.profile)
      ? [endpoint('ui', `http://${context.hostOf('spark')}:${context.port(ports.ui)}`, "Spark's own web page")]
      : []),
  ],
};

function endpoint(protocol: string, url: string, description: string) {
  return { component: 'spark' as const, protocol, url, description };
}

/** The page costs 50 MB and a second of the start: left out where memory is short. */
const hasUi = ({ components }: Profile): boolean => components.spark.memoryMiB >= 2048;

/** Whether a second query writes the lake. */
const archives = ({ lake }: Profile): boolean => lake.archive === 'spark';

/** What the archive's writers and readers hold while it catches up, MiB; with 192 a million records behind ended the process. */
const archiveHeapMiB = 288;
/** Its tasks must not keep the speed query's waiting: the scheduler is fair, but needs slots to give. */
const archiveTasks = 4;

const statusUrl = (context: RenderContext): string => `http://${context.hostOf('spark')}:${context.port(ports.status)}`;

function configFiles(context: RenderContext): RenderedFile[] {
  const { speed } = context.profile;
  const data = context.dir('spark', 'data');
  // Every key is explained in dags-repo/spark/README.md.
  const settings = {
    master: `local[${speed.tasks + (archives(context.profile) ? archiveTasks : 0)}]`,
    uiPort: hasUi(context.profile) ? context.port(ports.ui) : 0,
    statusHost: context.listenHost,
    statusPort: context.port(ports.status),
    kafka: {
      bootstrapServers: bootstrapServers(context),
      maxOffsetsPerTrigger: speed.maxOffsetsPerTrigger,
      ...(context.certificates === null ? {} : { properties: verifiedClient(authorityPath(context, 'spark')) }),
    },
    clickhouse: { url: httpUrl(context), user: context.user('clickhouse.speed'), database: layout.database },
    checkpointDir: `${data}/checkpoint`,
    localDir: `${context.dir('spark', 'cache')}/local`,
    sqlDir: `${context.projectDir('dags-repo')}/spark/speed`,
    schemasDir: context.projectDir('schemas'),
    // Read by nobody: rules and schemas that changed restart the job.
    revision: `${context.projectHash('schemas')}-${context.projectHash('dags-repo/spark')}`,
    triggerMs: speed.triggerMs,
    watermarkMinutes: speed.watermarkMinutes,
    sessionTimeoutMinutes: speed.sessionTimeoutMinutes,
    emitProcessed: speed.emitProcessed,
    ...(archives(context.profile) ? { archive: archiveSettings(context) } : {}),
  };
  return [
    {
      path: `${context.dir('spark', 'conf')}/speed-job.json`,
      content: `${JSON.stringify(settings, null, 2)}\n`,
      mode: 0o644,
    },
    ...clientFiles(context, 'spark'),
  ];
}

function archiveSettings(context: RenderContext) {
  return { checkpointDir: `${context.dir('spark', 'data')}/archive-checkpoint`, ...lakeSettings(context, 'spark') };
}

function service(context: RenderContext): ServiceSpec {
  const { memoryMiB, heapMiB: speedHeapMiB = Math.floor(memoryMiB / 2) } = context.profile.components.spark;
  const archive = archives(context.profile);
  const heapMiB = speedHeapMiB + (archive ? archiveHeapMiB : 0);
  return {
    name: 'spark',
    component: 'spark',
    prepare: [],
    ...javaService(context, {
      instance: 'spark',
      classPath: [
        ...context.artifact('spark').classPath,
        ...(archive ? context.artifact('iceberg-spark').classPath : []),
        ...context.artifact('speed-job').classPath,
      ],
      mainClass: 'lambdactl.speed.SpeedJob',
      heapMiB,
      initialHeapMiB: 256,
      metaspaceMiB: archive ? 320 : 256,
      codeCacheMiB: 128,
      directMiB: 128,
      // Micro-batches make much garbage that lives for one of them: survivors that hold it keep it out of the old generation, whose
      // collections would stop the batch for some hundred milliseconds every few seconds.
      young: { megabytes: Math.floor(heapMiB * 0.4), survivorRatio: 3 },
      flags: [
        ...sparkFlags,
        ...compileOnlyHotCode,
        `-Dlog4j2.configurationFile=${context.projectDir('dags-repo')}/spark/log4j2.properties`,
      ],
      args: ['--conf-file', `${context.dir('spark', 'conf')}/speed-job.json`],
      env: {
        SPARK_LOCAL_IP: context.listenHost,
        [passwordVariable]: context.secret('clickhouse.speed'),
        ...(archive ? lakeSecrets(context) : {}),
      },
    }),
    stopSignal: 'SIGTERM',
    stopGraceMs: 20_000,
    probe: { kind: 'spark', url: statusUrl(context), queries: speedQueries },
    startTimeoutMs: 300_000,
    probeIntervalMs: 5000,
    memoryBytes: mebibytes(memoryMiB),
  };
}
