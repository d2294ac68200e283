import type { Profile } from '../../platform/profile.ts';
import type { HelmRelease, KubernetesContext } from '../kubernetes.ts';

interface Chart {
  chart: string;
  /** Absent of OCI artifacts. */
  repository?: string;
  version: string;
  /** Version of what the chart installs. */
  app: string;
  /** "group/Kind" of what it brings. */
  brings: readonly string[];
}

/** Every upstream chart that is used, by release name; docs/operators.md says what was read of each. */
export const charts = {
  'cloudnative-pg': {
    chart: 'cloudnative-pg',
    repository: 'https://cloudnative-pg.github.io/charts',
    version: '0.29.0',
    app: '1.30.0',
    brings: ['Cluster', 'Database', 'Publication'].map((kind) => `postgresql.cnpg.io/${kind}`),
  },
  strimzi: {
    chart: 'oci://quay.io/strimzi-helm/strimzi-kafka-operator',
    version: '1.2.0',
    app: '1.2.0',
    brings: ['Kafka', 'KafkaNodePool', 'KafkaTopic', 'KafkaConnect', 'KafkaConnector'].map(
      (kind) => `kafka.strimzi.io/${kind}`,
    ),
  },
  'clickhouse-operator': {
    chart: 'altinity-clickhouse-operator',
    repository: 'https://helm.altinity.com',
    version: '0.27.1',
    app: '0.27.1',
    brings: [
      'clickhouse.altinity.com/ClickHouseInstallation',
      'clickhouse-keeper.altinity.com/ClickHouseKeeperInstallation',
    ],
  },
  'spark-operator': {
    chart: 'spark-operator',
    repository: 'https://kubeflow.github.io/spark-operator',
    version: '2.5.2',
    app: '2.5.2',
    brings: ['sparkoperator.k8s.io/SparkApplication', 'sparkoperator.k8s.io/ScheduledSparkApplication'],
  },
  airflow: {
    chart: 'airflow',
    repository: 'https://airflow.apache.org',
    version: '1.22.0',
    app: '3.3.2',
    brings: [],
  },
  'sealed-secrets': {
    chart: 'sealed-secrets',
    repository: 'https://bitnami-labs.github.io/sealed-secrets',
    version: '2.18.5',
    app: '0.36.6',
    brings: ['bitnami.com/SealedSecret'],
  },
  monitoring: {
    chart: 'oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack',
    version: '88.5.3',
    app: 'v0.93.1',
    brings: ['ServiceMonitor', 'PodMonitor', 'PrometheusRule'].map((kind) => `monitoring.coreos.com/${kind}`),
  },
} as const satisfies Record<string, Chart>;
export type ReleaseName = keyof typeof charts;

/** That the other runtime has, and the operator supports. */
export const kafkaVersion = '4.3.1';

/** In `kubernetes.charts` of a profile: the cluster has this operator already, whoever installed it. */
export const installedElsewhere = 'installed';

/** Whether the operator is somebody else's: nobody here knows in which namespace it runs. */
export const isInstalledElsewhere = (context: KubernetesContext, name: ReleaseName): boolean =>
  context.profile.kubernetes.charts[name] === installedElsewhere;

/** The release as the profile wants it: none where the cluster has the operator already. */
export function release(
  context: KubernetesContext,
  name: ReleaseName,
  namespace: string,
  values: Readonly<Record<string, unknown>>,
): readonly HelmRelease[] {
  const pinned: Chart = charts[name];
  const { chart, version, brings } = pinned;
  const other = context.profile.kubernetes.charts[name];
  if (isInstalledElsewhere(context, name)) return [];
  const repository = other === undefined ? pinned.repository : undefined;
  return [
    {
      name,
      namespace,
      chart: other ?? chart,
      ...(repository === undefined ? {} : { repository }),
      version,
      values,
      brings,
    },
  ];
}

/** Upstream's own images that are named here and not by a chart; `kubernetes.images.overrides` replaces each by its name here. */
export const images = {
  // Of the minor version that the embedded runtime has; Debian 12, whose collations are those of our other images.
  postgres: 'ghcr.io/cloudnative-pg/postgresql:18.4-minimal-bookworm',
  clickhouse: 'clickhouse/clickhouse-server:26.7',
  'clickhouse-keeper': 'clickhouse/clickhouse-keeper:26.7',
  'git-sync': 'registry.k8s.io/git-sync/git-sync:v4.4.2',
  // Upstream's registry: the chart's default is Bitnami's, whose free images are gone.
  'sealed-secrets': 'ghcr.io/bitnami-labs/sealed-secrets-controller:0.36.6',
} as const;
type UpstreamImage = keyof typeof images;

export const upstreamImage = (context: KubernetesContext, name: UpstreamImage): string =>
  context.profile.kubernetes.images.overrides[name] ?? images[name];

/** Those that the profile's rendering names, as it names them. */
export function upstreamImages({ kubernetes }: Profile): { name: UpstreamImage; reference: string }[] {
  const {
    delivery,
    charts: replaced,
    images: { overrides },
  } = kubernetes;
  const byOperator = (component: keyof typeof delivery, ...names: readonly UpstreamImage[]) =>
    delivery[component] === 'operator' ? names : [];
  const names = [
    ...byOperator('postgres', 'postgres'),
    ...byOperator('clickhouse', 'clickhouse', 'clickhouse-keeper'),
    ...byOperator('airflow', 'git-sync'),
    ...(replaced['sealed-secrets'] === installedElsewhere ? [] : (['sealed-secrets'] as const)),
  ];
  return names.map((name) => ({ name, reference: overrides[name] ?? images[name] }));
}

export interface ImageParts {
  registry: string;
  repository: string;
  /** With its digest, if any: "1.2@sha256:…". */
  tag: string;
}

/** Charts want an image in pieces. "host/a/b:1" → host, a/b, 1; without a host it is Docker Hub's. */
export function imageParts(reference: string): ImageParts {
  const [named = '', digest] = reference.split('@');
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const path = hasTag ? named.slice(0, colon) : named;
  const tag = hasTag ? named.slice(colon + 1) : 'latest';
  const [first = '', ...rest] = path.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return {
    registry: isHost ? first : 'docker.io',
    repository: isHost ? rest.join('/') : path,
    tag: digest === undefined ? tag : `${tag}@${digest}`,
  };
}

/** The pieces of what the profile puts in place of a release's own image; null where it says nothing. */
export function overriddenImage(context: KubernetesContext, name: ReleaseName): ImageParts | null {
  const reference = context.profile.kubernetes.images.overrides[name];
  return reference === undefined ? null : imageParts(reference);
}

/**
 * What `images build` starts from where a component is delivered by an operator that expects its own image's scripts: ours are put on top,
 * in the same places. The others start from the base of all images.
 */
export const operatorBaseImages = {
  connect: `quay.io/strimzi/kafka:${charts.strimzi.app}-kafka-${kafkaVersion}`,
  airflow: `apache/airflow:${charts.airflow.app}-python3.11`,
} as const;
