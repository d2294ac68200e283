import type { ServiceSpec } from '../../core/service-spec.ts';
import type { ComponentDefinition, RenderContext } from '../contract.ts';
import { javaService } from '../jvm.ts';
import { jdbcUrl } from '../postgres/component.ts';
import { clientFiles } from '../tls.ts';
import { mebibytes } from '../units.ts';

const ports = { http: 'registry.http', management: 'registry.management' } as const;

/** Apicurio, which serves the Confluent API as well, with its storage in PostgreSQL. */
export const registry: ComponentDefinition = {
  name: 'registry',
  title: 'Schema registry',
  dependsOn: ['postgres'],
  artifacts: ['jre', 'registry'],
  instances: () => ['registry'],
  ports: () => [
    { id: ports.http, instance: 'registry', preferred: 18081 },
    { id: ports.management, instance: 'registry', preferred: 18082 },
  ],
  credentials: [],
  render: (context) => ({
    files: [
      {
        path: `${context.dir('registry', 'conf')}/application.properties`,
        content: context.template('registry/application.properties.eta', {
          listenHost: context.listenHost,
          port: context.port(ports.http),
          managementPort: context.port(ports.management),
          workDir: context.dir('registry', 'cache'),
          jdbcUrl: jdbcUrl(context, 'registry', 'registry'),
          user: context.user('postgres.registry'),
        }),
        mode: 0o644,
      },
      ...clientFiles(context, 'registry'),
    ],
    service: service(context),
  }),
  endpoints: (context) => [
    {
      component: 'registry',
      protocol: 'http',
      url: `${rootUrl(context)}/apis/ccompat/v7`,
      description: 'Confluent-compatible API, open on loopback',
    },
  ],
};

const rootUrl = (context: RenderContext): string => `http://${context.hostOf('registry')}:${context.port(ports.http)}`;

function service(context: RenderContext): ServiceSpec {
  const { memoryMiB, heapMiB = Math.floor(memoryMiB / 2) } = context.profile.components.registry;
  return {
    name: 'registry',
    component: 'registry',
    prepare: [],
    ...javaService(context, {
      instance: 'registry',
      classPath: context.artifact('registry').classPath,
      mainClass: 'io.quarkus.runner.GeneratedMain',
      heapMiB,
      metaspaceMiB: 128,
      codeCacheMiB: 48,
      quickStart: true,
      flags: [
        '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
        `-Dquarkus.config.locations=${context.dir('registry', 'conf')}/application.properties`,
      ],
      args: [],
      env: { APICURIO_DATASOURCE_PASSWORD: context.secret('postgres.registry') },
    }),
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
    probe: { kind: 'http', url: `${rootUrl(context)}/apis/ccompat/v7/subjects`, expectStatus: 200 },
    startTimeoutMs: 300_000,
    probeIntervalMs: 5000,
    memoryBytes: mebibytes(memoryMiB),
    nice: 10,
  };
}
