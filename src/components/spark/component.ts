import type { RenderedFile, ServiceSpec } from '../../core/service-spec.ts';
import { clickhouse as layout, speedQueries } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { httpUrl } from '../clickhouse/component.ts';
import type { ComponentDefinition, RenderContext } from '../contract.ts';
import { javaService } from '../jvm.ts';
import { bootstrapServers } from '../kafka/component.ts';
import { mebibytes } from '../units.ts';

const ports = { ui: 'spark.ui', status: 'spark.status' } as const;
const passwordVariable = 'LAMBDACTL_CLICKHOUSE_PASSWORD';

/** Spark's driver and executor in one JVM, running the speed job of dags-repo/spark. */
export const spark: ComponentDefinition = {
  name: 'spark',
  title: 'Spark Structured Streaming',
  dependsOn: ['kafka', 'clickhouse'],
  artifacts: ['jre', 'spark', 'speed-job'],
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
      ? [endpoint('ui', `http://${context.host}:${context.port(ports.ui)}`, "Spark's own web page")]
      : []),
  ],
};

function endpoint(protocol: string, url: string, description: string) {
  return { component: 'spark' as const, protocol, url, description };
}

/** The page costs 50 MB and a second of the start: left out where memory is short. */
const hasUi = ({ components }: Profile): boolean => components.spark.memoryMiB >= 2048;

const statusUrl = (context: RenderContext): string => `http://${context.host}:${context.port(ports.status)}`;

function configFiles(context: RenderContext): RenderedFile[] {
  const { speed } = context.profile;
  const data = context.dir('spark', 'data');
  // Every key is explained in dags-repo/spark/README.md.
  const settings = {
    master: `local[${speed.tasks}]`,
    uiPort: hasUi(context.profile) ? context.port(ports.ui) : 0,
    statusPort: context.port(ports.status),
    kafka: { bootstrapServers: bootstrapServers(context), maxOffsetsPerTrigger: speed.maxOffsetsPerTrigger },
    clickhouse: { url: httpUrl(context), user: context.user('clickhouse.speed'), database: layout.database },
    checkpointDir: `${data}/checkpoint`,
    localDir: `${context.dir('spark', 'cache')}/local`,
    sqlDir: `${context.projectDir('dags-repo')}/spark/speed`,
    schemasDir: context.projectDir('schemas'),
    triggerMs: speed.triggerMs,
    watermarkMinutes: speed.watermarkMinutes,
    sessionTimeoutMinutes: speed.sessionTimeoutMinutes,
    emitProcessed: speed.emitProcessed,
  };
  return [
    {
      path: `${context.dir('spark', 'conf')}/speed-job.json`,
      content: `${JSON.stringify(settings, null, 2)}\n`,
      mode: 0o644,
    },
  ];
}

function service(context: RenderContext): ServiceSpec {
  const { memoryMiB, heapMiB = Math.floor(memoryMiB / 2) } = context.profile.components.spark;
  return {
    name: 'spark',
    component: 'spark',
    prepare: [],
    ...javaService(context, {
      instance: 'spark',
      classPath: [...context.artifact('spark').classPath, ...context.artifact('speed-job').classPath],
      mainClass: 'lambdactl.speed.SpeedJob',
      heapMiB,
      initialHeapMiB: 256,
      metaspaceMiB: 256,
      codeCacheMiB: 128,
      directMiB: 128,
      flags: [
        // Micro-batches make much short-lived garbage: a young generation that holds one keeps it out of the old one.
        `-Xmn${Math.floor(heapMiB / 3)}m`,
        '-Xss512k',
        ...openPackages.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
        '-Djdk.reflect.useDirectMethodHandle=false',
        '-Dio.netty.tryReflectionSetAccessible=true',
        `-Dlog4j2.configurationFile=${context.projectDir('dags-repo')}/spark/log4j2.properties`,
      ],
      args: ['--conf-file', `${context.dir('spark', 'conf')}/speed-job.json`],
      env: { SPARK_LOCAL_IP: context.host, [passwordVariable]: context.secret('clickhouse.speed') },
    }),
    stopSignal: 'SIGTERM',
    stopGraceMs: 20_000,
    probe: { kind: 'spark', url: statusUrl(context), queries: speedQueries },
    startTimeoutMs: 120_000,
    probeIntervalMs: 5000,
    memoryBytes: mebibytes(memoryMiB),
  };
}

/** What Spark's own launcher opens (JavaModuleOptions), which is not used here. */
const openPackages = [
  'java.lang',
  'java.lang.invoke',
  'java.lang.reflect',
  'java.io',
  'java.net',
  'java.nio',
  'java.util',
  'java.util.concurrent',
  'java.util.concurrent.atomic',
  'jdk.internal.ref',
  'sun.nio.ch',
  'sun.nio.cs',
  'sun.security.action',
  'sun.util.calendar',
] as const;
