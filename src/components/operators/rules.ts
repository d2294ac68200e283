/** Alerts on what the pipeline promises: freshness, lag, losses. Metrics' names are those of the speed job's /metrics and of the exporters. */

interface Rule {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: 'warning' | 'critical' };
  annotations: { summary: string; action: string };
}

interface RuleGroup {
  name: string;
  rules: readonly Rule[];
}

const rule = (
  alert: string,
  expr: string,
  after: string,
  severity: Rule['labels']['severity'],
  summary: string,
  action: string,
): Rule => ({ alert, expr, for: after, labels: { severity }, annotations: { summary, action } });

export const rules: readonly RuleGroup[] = [
  {
    name: 'lambdactl.speed',
    rules: [
      rule(
        'SpeedLayerStale',
        'speed_seconds_since_progress > 60 or speed_query_active == 0',
        '1m',
        'critical',
        'The speed layer has finished no micro-batch for a minute.',
        'lambdactl doctor; lambdactl logs spark',
      ),
      rule(
        'SpeedLayerGone',
        'absent(speed_query_active)',
        '3m',
        'critical',
        'Nobody answers for the speed job.',
        'lambdactl status; lambdactl restart spark',
      ),
      rule(
        'SpeedLayerLags',
        'sum(speed_lag_records) > 1e6 and deriv(sum(speed_lag_records)[10m:30s]) > 0',
        '10m',
        'warning',
        'More than a million records wait for the speed layer, and they become more.',
        'lambdactl doctor; speed.maxOffsetsPerTrigger and components.spark in the profile',
      ),
      rule(
        'SpeedLayerCannotWrite',
        'speed_circuit_open == 1',
        '1m',
        'critical',
        'The speed job has given up on ClickHouse for now; records wait in Kafka.',
        'lambdactl health clickhouse',
      ),
      rule(
        'ManyInvalidRecords',
        'sum(rate(speed_invalid_total[10m])) > 0.05 * sum(rate(speed_rows_total[10m]))',
        '10m',
        'warning',
        'More than one record in twenty is a dead letter.',
        'lambdactl dlq list',
      ),
    ],
  },
  {
    name: 'lambdactl.kafka',
    rules: [
      rule(
        'ConsumerGroupLags',
        'sum by (consumergroup) (kafka_consumergroup_lag) > 1e6',
        '15m',
        'warning',
        'Consumer group {{ $labels.consumergroup }} is more than a million records behind.',
        'lambdactl doctor',
      ),
      rule(
        'PartitionsUnderReplicated',
        'sum(kafka_server_replicamanager_underreplicatedpartitions) > 0',
        '5m',
        'warning',
        'Partitions have fewer copies in sync than they should.',
        'kubectl get kafka,pods; lambdactl logs kafka',
      ),
    ],
  },
  {
    name: 'lambdactl.change-data-capture',
    rules: [
      rule(
        'ReplicationSlotHoldsLog',
        'max by (slot_name) (cnpg_pg_replication_slots_pg_wal_lsn_diff) > 1e9',
        '10m',
        'warning',
        'Slot {{ $labels.slot_name }} holds more than 1 GB of write-ahead log; at 2 GB it is given up.',
        'lambdactl doctor; lambdactl logs connect',
      ),
    ],
  },
  {
    name: 'lambdactl.clickhouse',
    rules: [
      rule(
        'ClickHouseManyParts',
        'max(ClickHouseAsyncMetrics_MaxPartCountForPartition) > 250',
        '10m',
        'warning',
        'A partition has so many parts that inserts will soon be slowed down.',
        'lambdactl doctor',
      ),
      rule(
        'ClickHouseMemory',
        'max(ClickHouseMetrics_MemoryTracking) > 0.9 * max(ClickHouseAsyncMetrics_CGroupMemoryTotal > 0)',
        '10m',
        'warning',
        'ClickHouse uses nearly all of its memory.',
        'components.clickhouse.memoryMiB in the profile',
      ),
    ],
  },
  {
    name: 'lambdactl.volumes',
    rules: [
      rule(
        'VolumeFillsUp',
        'kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes < 0.1',
        '15m',
        'warning',
        'Volume {{ $labels.persistentvolumeclaim }} has less than a tenth left.',
        'kubernetes.volumesGiB in the profile, or shorter retention',
      ),
    ],
  },
];
