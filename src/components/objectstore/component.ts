import type { ServiceSpec } from '../../core/service-spec.ts';
import type { ComponentDefinition, RenderContext } from '../contract.ts';
import { javaService } from '../jvm.ts';
import { mebibytes } from '../units.ts';

const port = 'objectstore.s3';
const key = 'objectstore.key';

/** s3proxy: the S3 API over a directory. */
export const objectstore: ComponentDefinition = {
  name: 'objectstore',
  title: 'Object store',
  dependsOn: [],
  artifacts: ['jre', 'objectstore'],
  instances: () => ['objectstore'],
  ports: () => [{ id: port, instance: 'objectstore', preferred: 19000 }],
  credentials: [{ id: key, user: 'LAMBDALAKE', kind: 'password' }],
  render: (context) => ({
    files: [
      {
        path: `${context.dir('objectstore', 'conf')}/s3proxy.properties`,
        content: context.template('objectstore/s3proxy.properties.eta', {
          listen: `http://${context.listenHost}:${context.port(port)}`,
          accessKey: context.user(key),
          secretKey: context.secret(key),
          dataDir: context.dir('objectstore', 'data'),
        }),
        mode: 0o600,
      },
    ],
    service: service(context),
  }),
  endpoints: (context) => [
    {
      component: 'objectstore',
      protocol: 's3',
      url: s3Url(context),
      credential: key,
      description: 'S3 API, path style, any region',
    },
  ],
};

const s3Url = (context: RenderContext): string => `http://${context.hostOf('objectstore')}:${context.port(port)}`;

function service(context: RenderContext): ServiceSpec {
  const { memoryMiB, heapMiB = Math.floor(memoryMiB / 2) } = context.profile.components.objectstore;
  return {
    name: 'objectstore',
    component: 'objectstore',
    prepare: [],
    ...javaService(context, {
      instance: 'objectstore',
      classPath: context.artifact('objectstore').classPath,
      mainClass: 'org.gaul.s3proxy.Main',
      heapMiB,
      initialHeapMiB: 32,
      metaspaceMiB: 96,
      codeCacheMiB: 48,
      directMiB: 64,
      quickStart: true,
      flags: ['-DLOG_LEVEL=warn'],
      args: ['--properties', `${context.dir('objectstore', 'conf')}/s3proxy.properties`],
    }),
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
    probe: { kind: 's3', endpoint: s3Url(context), accessKey: context.user(key), secretKey: context.secret(key) },
    startTimeoutMs: 60_000,
    probeIntervalMs: 5000,
    memoryBytes: mebibytes(memoryMiB),
    nice: 10,
  };
}
