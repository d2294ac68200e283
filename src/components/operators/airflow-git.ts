import { dagBundle } from '../airflow/environment.ts';
import type { KubernetesContext, KubernetesObject } from '../kubernetes.ts';
import { type Peer, podsOf, policy } from './network.ts';
import { claim, fixedResources, object, placement, podLabels, restrictedContainer } from './objects.ts';

const name = 'airflow-git';
const port = 9418;
const user = 50_000;
const repositories = '/srv/git';

/** Where git-sync reads: the user's own repository, or the stack's, which begins as the image's DAGs. */
export function gitUrl(context: KubernetesContext): string {
  const own = context.profile.kubernetes.dagRepository;
  return own ?? `git://${name}.${context.namespaceOf('airflow')}.svc:${port}/origin.git`;
}

/** A bare repository behind git's own server, for those who have none in their cluster; pushed to through a forward of its port. */
export function gitObjects(context: KubernetesContext): KubernetesObject[] {
  if (context.profile.kubernetes.dagRepository !== undefined) return [];
  const pods: Peer = { namespace: context.namespaceOf('airflow'), pods: podLabels(context, name) };
  const readers = podsOf(context, 'airflow');
  return [
    statefulSet(context),
    object(
      context,
      { apiVersion: 'v1', kind: 'Service', name, component: 'airflow' },
      {
        spec: { selector: podLabels(context, name), ports: [{ name: 'git', port, targetPort: port }] },
      },
    ),
    policy(context, name, { ...pods, component: 'airflow' }, { flows: [{ from: readers, ports: [port] }] }),
    policy(
      context,
      'airflow-git-sync',
      { ...readers, component: 'airflow' },
      {
        dns: true,
        flows: [{ to: pods, ports: [port] }],
      },
    ),
  ];
}

function statefulSet(context: KubernetesContext): KubernetesObject {
  const common = {
    image: context.image('airflow'),
    imagePullPolicy: context.imagePullPolicy,
    securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
    resources: fixedResources(32, 96, '10m'),
    // git looks for its user's settings, and finds no home in the image that may be written.
    env: [{ name: 'HOME', value: '/tmp' }],
    volumeMounts: [
      { name: 'data', mountPath: repositories },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
  const labels = podLabels(context, name);
  return object(
    context,
    { apiVersion: 'apps/v1', kind: 'StatefulSet', name, component: 'airflow' },
    {
      spec: {
        replicas: 1,
        serviceName: name,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: podSpec(context, common) },
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim(context, 'airflow') }],
      },
    },
  );
}

function podSpec(context: KubernetesContext, common: Record<string, unknown>): object {
  const create = [
    `${context.projectDir('templates')}/airflow/create-repositories.sh`,
    `${repositories}/origin.git`,
    `${repositories}/mirror.git`,
    context.projectDir('dags-repo'),
    dagBundle.branch,
  ];
  const serve = [
    '--export-all',
    '--reuseaddr',
    '--enable=receive-pack',
    `--base-path=${repositories}`,
    `--port=${port}`,
  ];
  return {
    ...placement(context),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    initContainers: [
      { ...common, name: 'create', command: ['/bin/sh', '-c', '[ -e "$1" ] || exec /bin/sh "$0" "$@"', ...create] },
    ],
    containers: [
      {
        ...common,
        name: 'git',
        command: ['git', 'daemon', ...serve, repositories],
        ports: [{ name: 'git', containerPort: port }],
        readinessProbe: { tcpSocket: { port }, periodSeconds: 10 },
      },
    ],
    volumes: [{ name: 'tmp', emptyDir: {} }],
  };
}
