import type { HelmRelease, KubernetesContext, KubernetesObject } from '../kubernetes.ts';
import { overriddenImage, release } from './charts.ts';
import { dashboards } from './dashboards.ts';
import { metricsPort } from './kafka.ts';
import { type Peer, podsOf, policy } from './network.ts';
import { claim, fixedResources, labels, podLabels, secret } from './objects.ts';
import { rules } from './rules.ts';

const name = 'monitoring';
const grafanaLogin = 'grafana-login';
const [prometheusPort, grafanaPort, webhookPort, kubeletPort, stateMetricsPort] = [9090, 3000, 10_250, 10_250, 8080];
const apiGroup = 'monitoring.coreos.com/v1';

export const monitoringNamespace = ({ profile }: Pick<KubernetesContext, 'profile'>): string =>
  profile.kubernetes.namespaces.monitoring;

/** kube-prometheus-stack with what one stack on a workstation needs: Prometheus, Grafana, kube-state-metrics. */
export function monitoringRelease(context: KubernetesContext): readonly HelmRelease[] {
  const image = overriddenImage(context, 'monitoring');
  const everything = { matchLabels: { 'lambdactl.dev/stack': context.stack } };
  return release(context, 'monitoring', monitoringNamespace(context), {
    fullnameOverride: name,
    commonLabels: podLabels(context, name),
    // Node exporters want the host's namespaces, which "restricted" forbids; the control plane of a managed cluster answers nobody.
    ...disabled([
      'nodeExporter',
      'alertmanager',
      'kubeApiServer',
      'kubeControllerManager',
      'kubeScheduler',
      'kubeProxy',
      'kubeEtcd',
      'coreDns',
    ]),
    defaultRules: { create: false },
    prometheusOperator: {
      resources: fixedResources(64, 96, '25m'),
      ...(image === null ? {} : { image: { registry: image.registry, repository: image.repository, tag: image.tag } }),
      prometheusConfigReloader: { resources: fixedResources(16, 32, '5m') },
    },
    prometheus: {
      prometheusSpec: {
        resources: fixedResources(320, 448, '100m'),
        podMetadata: { labels: podLabels(context, name) },
        retention: '7d',
        retentionSize: '4GB',
        scrapeInterval: '30s',
        // Ours and the stack's, not everybody's in the cluster.
        ...Object.fromEntries(
          ['serviceMonitorSelector', 'podMonitorSelector', 'ruleSelector'].map((key) => [key, everything]),
        ),
        storageSpec: { volumeClaimTemplate: { spec: claim(context, 'monitoring') } },
      },
    },
    grafana: {
      resources: fixedResources(112, 192, '50m'),
      admin: { existingSecret: grafanaLogin, userKey: 'user', passwordKey: 'password' },
      podLabels: podLabels(context, name),
      defaultDashboardsEnabled: false,
      // A chart's init container that changes owners as root.
      initChownData: { enabled: false },
      sidecar: {
        resources: fixedResources(32, 64, '5m'),
        dashboards: { searchNamespace: monitoringNamespace(context) },
      },
      testFramework: { enabled: false },
    },
    'kube-state-metrics': {
      resources: fixedResources(32, 64, '10m'),
      customLabels: podLabels(context, name),
    },
  });
}

const disabled = (names: readonly string[]) => Object.fromEntries(names.map((key) => [key, { enabled: false }]));

export function monitoringObjects(context: KubernetesContext): readonly KubernetesObject[] {
  return [
    login(context),
    ...monitors(context),
    inMonitoring(context, apiGroup, 'PrometheusRule', 'lambdactl', { spec: { groups: rules } }),
    ...dashboards.map(({ file, content }) =>
      inMonitoring(
        context,
        'v1',
        'ConfigMap',
        `dashboard-${file}`,
        { data: { [`${file}.json`]: `${JSON.stringify(content, null, 1)}\n` } },
        { grafana_dashboard: '1' },
      ),
    ),
    ...policies(context),
  ];
}

function inMonitoring(
  context: KubernetesContext,
  apiVersion: string,
  kind: string,
  objectName: string,
  body: Record<string, unknown>,
  more: Readonly<Record<string, string>> = {},
): KubernetesObject {
  const metadata = {
    name: objectName,
    namespace: monitoringNamespace(context),
    labels: { ...labels(context, name), ...more },
  };
  return { apiVersion, kind, metadata, ...body };
}

/** The console's reader may read everything that ClickHouse has, so its password opens nothing more here. */
function login(context: KubernetesContext): KubernetesObject {
  const made = secret(context, 'clickhouse', grafanaLogin, {
    user: 'admin',
    password: context.secret('clickhouse.dashboard'),
  });
  return {
    ...made,
    metadata: { name: grafanaLogin, namespace: monitoringNamespace(context), labels: labels(context, name) },
  };
}

interface Target {
  objectName: string;
  namespace: string;
  pods: Readonly<Record<string, string>>;
  port: number;
  path?: string;
}

/** By pod and number: the same whether an operator or a StatefulSet of ours made the pod. */
function targets(context: KubernetesContext): Target[] {
  const { delivery } = context.profile.kubernetes;
  const of = (component: 'spark' | 'clickhouse' | 'kafka' | 'connect' | 'postgres', port: number): Target => ({
    objectName: component,
    namespace: context.namespaceOf(component),
    pods: podLabels(context, component),
    port,
  });
  const lag = { ...of('kafka', metricsPort), objectName: 'kafka-exporter', pods: podLabels(context, 'kafka-exporter') };
  const clickhousePort = delivery.clickhouse === 'operator' ? 8123 : context.port('clickhouse.http');
  return [
    of('spark', context.port('spark.status')),
    of('clickhouse', clickhousePort),
    ...(delivery.kafka === 'operator' ? [of('kafka', metricsPort), lag] : []),
    ...(delivery.connect === 'operator' ? [of('connect', metricsPort)] : []),
    ...(delivery.postgres === 'operator' ? [of('postgres', 9187)] : []),
  ];
}

const monitors = (context: KubernetesContext): KubernetesObject[] =>
  targets(context).map(({ objectName, namespace, pods, port, path = '/metrics' }) =>
    inMonitoring(context, apiGroup, 'PodMonitor', objectName, {
      spec: {
        namespaceSelector: { matchNames: [namespace] },
        selector: { matchLabels: pods },
        podMetricsEndpoints: [{ portNumber: port, path, interval: '30s' }],
      },
    }),
  );

function policies(context: KubernetesContext): KubernetesObject[] {
  const namespace = monitoringNamespace(context);
  const own: Peer = { namespace };
  const everywhere = targets(context).map((target) => ({ to: target, ports: [target.port] }));
  const made = policy(
    context,
    name,
    { ...own, component: 'spark' },
    {
      apiServer: true,
      // Kubelets, who know how full volumes are.
      anywhere: [kubeletPort],
      webhook: webhookPort,
      flows: [
        ...everywhere,
        { to: own, ports: [prometheusPort, grafanaPort, webhookPort, stateMetricsPort] },
        { from: own, ports: [prometheusPort, grafanaPort, webhookPort, stateMetricsPort] },
      ],
    },
  );
  const opened = (['clickhouse', 'postgres'] as const).flatMap((component) => {
    const port = targets(context).find(({ objectName }) => objectName === component)?.port;
    if (port === undefined) return [];
    const pods = podsOf(context, component);
    return [policy(context, `${component}-metrics`, { ...pods, component }, { flows: [{ from: own, ports: [port] }] })];
  });
  return [{ ...made, metadata: { ...made.metadata, labels: labels(context, name) } }, ...opened];
}
