/** Grafana's dashboards as data: the layers' flow in one picture, from what the pipeline's own programs tell. */

interface Panel {
  title: string;
  expr: string;
  legend?: string;
  unit?: 'short' | 's' | 'bytes' | 'ops' | 'percentunit';
}

interface Dashboard {
  file: string;
  content: Record<string, unknown>;
}

const source = { type: 'prometheus', uid: 'prometheus' };
const [columns, width, height] = [3, 8, 7];

function panel({ title, expr, legend = '', unit = 'short' }: Panel, index: number): Record<string, unknown> {
  return {
    id: index + 1,
    type: 'timeseries',
    title,
    datasource: source,
    gridPos: { x: (index % columns) * width, y: Math.floor(index / columns) * height, w: width, h: height },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: [{ refId: 'A', datasource: source, expr, legendFormat: legend === '' ? '__auto' : legend }],
  };
}

const dashboard = (file: string, title: string, panels: readonly Panel[]): Dashboard => ({
  file,
  content: {
    uid: `lambdactl-${file}`,
    title,
    tags: ['lambdactl'],
    timezone: 'utc',
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    schemaVersion: 41,
    panels: panels.map(panel),
  },
});

export const dashboards: readonly Dashboard[] = [
  dashboard('speed-layer', 'lambdactl: speed layer', [
    { title: 'Rows a second', expr: 'sum by (stream) (rate(speed_rows_total[1m]))', legend: '{{stream}}', unit: 'ops' },
    { title: 'Seconds since the last micro-batch', expr: 'speed_seconds_since_progress', unit: 's' },
    { title: 'Duration of a micro-batch', expr: 'speed_batch_duration_seconds', unit: 's' },
    { title: 'Records not read yet', expr: 'sum by (topic) (speed_lag_records)', legend: '{{topic}}' },
    {
      title: 'Dead letters a second',
      expr: 'sum by (stream) (rate(speed_invalid_total[5m]))',
      legend: '{{stream}}',
      unit: 'ops',
    },
    {
      title: 'Duplicates a second',
      expr: 'sum by (stream) (rate(speed_duplicates_total[5m]))',
      legend: '{{stream}}',
      unit: 'ops',
    },
    { title: 'Failed writes', expr: 'increase(speed_write_failures_total[5m])' },
    { title: 'Circuit to ClickHouse open', expr: 'speed_circuit_open' },
    { title: 'Heap', expr: 'speed_heap_used_bytes', unit: 'bytes' },
  ]),
  dashboard('stores', 'lambdactl: Kafka, PostgreSQL, ClickHouse', [
    {
      title: 'Consumer lag',
      expr: 'sum by (consumergroup) (kafka_consumergroup_lag)',
      legend: '{{consumergroup}}',
    },
    {
      title: 'Records into topics a second',
      expr: 'sum by (topic) (rate(kafka_topic_partition_current_offset[1m]))',
      legend: '{{topic}}',
      unit: 'ops',
    },
    { title: 'Partitions under-replicated', expr: 'sum(kafka_server_replicamanager_underreplicatedpartitions)' },
    {
      title: 'Write-ahead log held by slots',
      expr: 'max by (slot_name) (cnpg_pg_replication_slots_pg_wal_lsn_diff)',
      legend: '{{slot_name}}',
      unit: 'bytes',
    },
    { title: 'Sessions of PostgreSQL', expr: 'sum by (datname) (cnpg_backends_total)', legend: '{{datname}}' },
    {
      title: 'Size of databases',
      expr: 'max by (datname) (cnpg_pg_database_size_bytes)',
      legend: '{{datname}}',
      unit: 'bytes',
    },
    { title: 'Rows into ClickHouse a second', expr: 'rate(ClickHouseProfileEvents_InsertedRows[1m])', unit: 'ops' },
    { title: 'Queries of ClickHouse a second', expr: 'rate(ClickHouseProfileEvents_Query[1m])', unit: 'ops' },
    { title: 'Parts in the fullest partition', expr: 'ClickHouseAsyncMetrics_MaxPartCountForPartition' },
  ]),
];
