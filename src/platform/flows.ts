/**
 * Who talks to whom, on which port and why. NetworkPolicies are made from it and nothing else may be connected to, so what is missing
 * here does not work in a cluster, and what is too much is a hole. A test holds it against the components' dependencies and ports.
 */
import type { ComponentName } from './pipeline.ts';
import type { Profile } from './profile.ts';

/** One-shot programs of the batch layer; as JobName of src/components. */
export type FlowJob = 'spark-batch' | 'lake' | 'dbt' | 'kafka-perf' | 'lambdactl';

/** What runs in the cluster and is selected by its label. */
export type FlowParty = ComponentName | FlowJob;

/** Where a flow may go besides components. */
export type FlowTarget =
  | {
      component: ComponentName /** Last part of the port ids: "broker" of "kafka-2.broker". */;
      ports: readonly string[];
    }
  /** The cluster's own API server. */
  | { api: 'kubernetes' }
  /** A service outside the cluster, whose addresses change: any address on these ports. */
  | { outside: string; ports: readonly number[] };

export interface Flow {
  /** users: programs on the user's machine; monitoring: what scrapes metrics. Both are not part of the pipeline. */
  from: FlowParty | 'users' | 'monitoring';
  to: FlowTarget;
  why: string;
}

interface Rule extends Flow {
  /** In every profile when absent. */
  when?(profile: Profile): boolean;
}

const to = (component: ComponentName, ...ports: readonly string[]): FlowTarget => ({ component, ports });

const inCluster = ({ lake }: Profile): boolean => lake.storage.kind === 'embedded';
const inS3 = ({ lake }: Profile): boolean => lake.storage.kind === 's3';
const byConnect = ({ lake }: Profile): boolean => lake.archive === 'connect';
const bySpark = ({ lake }: Profile): boolean => lake.archive === 'spark';
const standIn = ({ warehouse }: Profile): boolean => warehouse.target === 'embedded';
const inSnowflake = ({ warehouse }: Profile): boolean => warehouse.target === 'snowflake';

const s3: FlowTarget = { outside: 'S3', ports: [443] };
const snowflake: FlowTarget = { outside: 'Snowflake', ports: [443] };

const rules: readonly Rule[] = [
  { from: 'kafka', to: to('kafka', 'broker', 'controller'), why: 'replication and the quorum' },
  { from: 'registry', to: to('postgres', 'sql'), why: 'storage of schemas' },

  { from: 'connect', to: to('kafka', 'broker'), why: 'records, and what Connect remembers' },
  { from: 'connect', to: to('postgres', 'sql'), why: "Debezium's replication; the lake's catalog" },
  { from: 'connect', to: to('objectstore', 's3'), why: 'files of the lake', when: (p) => byConnect(p) && inCluster(p) },
  { from: 'connect', to: s3, why: 'files of the lake', when: (p) => byConnect(p) && inS3(p) },

  { from: 'spark', to: to('kafka', 'broker'), why: 'events in, processed events and dead letters out' },
  { from: 'spark', to: to('clickhouse', 'http'), why: 'rows of the speed layer' },
  { from: 'spark', to: to('postgres', 'sql'), why: "the lake's catalog", when: bySpark },
  { from: 'spark', to: to('objectstore', 's3'), why: 'files of the lake', when: (p) => bySpark(p) && inCluster(p) },
  { from: 'spark', to: s3, why: 'files of the lake', when: (p) => bySpark(p) && inS3(p) },

  { from: 'warehouse', to: to('objectstore', 's3'), why: 'COPY from the stage', when: standIn },

  { from: 'airflow', to: to('postgres', 'sql'), why: "Airflow's own state" },
  { from: 'airflow', to: to('airflow', 'api'), why: 'tasks report to the API server' },
  // Tasks call lambdactl, which starts jobs and looks at both layers.
  { from: 'airflow', to: { api: 'kubernetes' }, why: 'tasks start the jobs of the batch layer' },
  { from: 'airflow', to: to('kafka', 'broker'), why: 'batch check: how far the streams are; watching dead letters' },
  { from: 'airflow', to: to('connect', 'rest'), why: 'batch check: whether the sink has caught up' },
  { from: 'airflow', to: to('spark', 'status'), why: 'reconcile: how far the speed layer is' },
  { from: 'airflow', to: to('clickhouse', 'http'), why: 'reconcile: the speed layer' },
  { from: 'airflow', to: to('warehouse', 'http'), why: 'batch load, quality and reconcile', when: standIn },
  { from: 'airflow', to: snowflake, why: 'batch load, quality and reconcile', when: inSnowflake },
  { from: 'airflow', to: to('objectstore', 's3'), why: 'the stage', when: inCluster },
  { from: 'airflow', to: s3, why: 'the stage', when: inS3 },

  { from: 'spark-batch', to: to('postgres', 'sql'), why: "the lake's catalog" },
  { from: 'spark-batch', to: to('objectstore', 's3'), why: 'the lake in, the stage out', when: inCluster },
  { from: 'spark-batch', to: s3, why: 'the lake in, the stage out', when: inS3 },
  { from: 'lake', to: to('postgres', 'sql'), why: "the lake's catalog" },
  { from: 'lake', to: to('objectstore', 's3'), why: 'files of the lake', when: inCluster },
  { from: 'lake', to: s3, why: 'files of the lake', when: inS3 },
  { from: 'dbt', to: to('warehouse', 'http'), why: 'models and tests', when: standIn },
  { from: 'dbt', to: snowflake, why: 'models and tests', when: inSnowflake },
  { from: 'kafka-perf', to: to('kafka', 'broker'), why: 'the benchmark itself' },

  // generate and bench run within the cluster: what they ask from outside they ask from there.
  { from: 'lambdactl', to: { api: 'kubernetes' }, why: 'bench: what runs, what it takes, jobs of its own' },
  { from: 'lambdactl', to: to('kafka', 'broker'), why: 'the load' },
  { from: 'lambdactl', to: to('clickhouse', 'http', 'tcp'), why: 'bench: when events are visible' },
  { from: 'lambdactl', to: to('postgres', 'sql'), why: 'bench cdc: changes of the shop' },
  { from: 'lambdactl', to: to('spark', 'status'), why: 'bench: how far the speed layer is' },
  { from: 'lambdactl', to: to('connect', 'rest'), why: 'bench: whether connectors run' },
  { from: 'lambdactl', to: to('registry', 'http'), why: 'bench: schemas' },
  { from: 'lambdactl', to: to('airflow', 'api'), why: 'bench: whether it is up' },
  { from: 'lambdactl', to: to('objectstore', 's3'), why: 'bench batch: the lake and the stage', when: inCluster },
  { from: 'lambdactl', to: s3, why: 'bench batch: the lake and the stage', when: inS3 },
  { from: 'lambdactl', to: to('warehouse', 'http'), why: 'bench batch: the marts', when: standIn },
  { from: 'lambdactl', to: snowflake, why: 'bench batch: the marts', when: inSnowflake },

  { from: 'users', to: to('postgres', 'sql'), why: 'seed, generate cdc, migrations' },
  { from: 'users', to: to('kafka', 'broker'), why: 'generate, topics, dead letters' },
  { from: 'users', to: to('clickhouse', 'http', 'tcp'), why: 'query, dashboards, migrations' },
  { from: 'users', to: to('spark', 'status', 'ui'), why: 'status and metrics of the speed job' },
  { from: 'users', to: to('connect', 'rest'), why: 'connectors' },
  { from: 'users', to: to('registry', 'http'), why: 'schemas' },
  { from: 'users', to: to('objectstore', 's3'), why: 'the lake and the stage' },
  { from: 'users', to: to('warehouse', 'http'), why: 'query, load', when: standIn },
  { from: 'users', to: to('airflow', 'api'), why: 'web page and REST API' },

  { from: 'monitoring', to: to('spark', 'status'), why: '/metrics', when: monitored },
  { from: 'monitoring', to: to('clickhouse', 'http'), why: '/metrics', when: monitored },
  { from: 'monitoring', to: to('registry', 'management'), why: '/metrics', when: monitored },
];

function monitored({ kubernetes }: Profile): boolean {
  return kubernetes.monitoring;
}

/** Every flow of the pipeline in this profile, each pair once. */
export function flowsOf(profile: Profile): readonly Flow[] {
  const { webhook } = profile.alerts;
  return [
    ...rules
      .filter(({ when }) => when?.(profile) ?? true)
      .map(({ from, to: target, why }) => ({ from, to: target, why })),
    ...(webhook === undefined
      ? []
      : [
          {
            from: 'airflow' as const,
            to: { outside: 'the webhook', ports: [portOf(webhook)] },
            why: 'failures are told',
          },
        ]),
  ];
}

function portOf(address: string): number {
  const { port, protocol } = new URL(address);
  return port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port);
}
