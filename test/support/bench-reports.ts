import type { BenchReport, Percentiles, QueryLatency, SeriesPoint } from '../../src/core/bench-report.ts';

/** Percentiles of a plausible shape around a median, ms. */
export function percentiles(p50: number, count = 1_800_000): Percentiles {
  return { p50, p90: p50 * 1.41, p95: p50 * 1.53, p99: p50 * 1.93, p999: p50 * 2.17, max: p50 * 2.375, count };
}

const components = ['generator', 'kafka', 'spark', 'clickhouse', 'connect', 'objectstore', 'airflow', 'warehouse'];
const perMillion = [8.73, 5.51, 18.84, 6.62, 13.91, 1.17, 3.04, 0.25];
const peakMebibytes = [131.4, 512.7, 1011.3, 368.2, 623.9, 77.6, 402.8, 96.1];

/** A second's readings with the sawtooth of micro-batches in them. */
export function seriesPoint(t: number, rate = 20_000): SeriesPoint {
  const wave = Math.sin(t / 3.7) + 0.4 * Math.sin(t * 1.9);
  return {
    t,
    sentRate: Math.round(rate * (1 + 0.004 * wave)),
    visibleRate: t < 3 ? 0 : Math.round(rate * (1 + 0.35 * Math.sin(t * 2.1))),
    lag: Math.round(rate * (1.9 + 0.5 * wave)),
    latencyMs: t < 3 ? null : 2100 + 380 * wave + (t > 50 && t < 55 ? 2300 : 0),
    cpuPercent: Object.fromEntries(components.map((name, at) => [name, (perMillion[at] ?? 0) * 2 * (1 + 0.1 * wave)])),
    pssBytes: Math.round((3_140 + t * 0.7 + 30 * wave) * 1_048_576),
  };
}

/** A run of `bench speed` as it should be: nothing lost, every threshold held. */
export function speedReport(change: Partial<BenchReport> = {}): BenchReport {
  const clean = { lost: 0, doubled: 0, alien: 0 };
  const hop = (name: string, store: string, altered: number | null, method = 'every id') => ({
    hop: name,
    store,
    expected: 5_988_013,
    found: 5_988_013,
    ...clean,
    altered,
    examples: [],
    method,
  });
  return {
    version: 1,
    id: '20261121-184012-speed',
    scenario: 'speed',
    stack: 'default',
    profile: 'lite',
    startedAt: '2026-11-21T18:40:12.345Z',
    elapsedMs: 341_207,
    partial: false,
    request: { rate: 20_000, durationMs: 300_000, warmupMs: 10_000, seed: 42, events: null, concurrency: null },
    environment: {
      cpu: 'AMD EPYC 7763 64-Core Processor',
      cores: 2,
      memoryBytes: 25_769_803_776,
      os: 'Debian GNU/Linux 12',
      node: 'v24.21.0',
      lambdactl: '0.1.0',
      lockHash: '3f0c9d5b7a1e42f8896d0c1b2a3e4f5061728394a5b6c7d8e9f00112233445aa',
      profileHash: '91be22d07c5544aa8866f0e1d2c3b4a5968778695a4b3c2d1e0f99887766554b',
      loadBefore: 0.31,
      outsideCpuPercent: 1.7,
    },
    verdict: 'pass',
    thresholds: [
      { name: 'latency p95', limit: 3000, value: 2968.2, unit: 'ms', bound: 'max', ok: true },
      { name: 'latency p99', limit: 5000, value: 3744.2, unit: 'ms', bound: 'max', ok: true },
      { name: 'achieved rate', limit: 19_800, value: 19_998.7, unit: 'records/s', bound: 'min', ok: true },
    ],
    throughput: {
      offered: 20_000,
      achieved: 19_998.7,
      visible: 19_941.3,
      records: 6_000_000,
      bytes: 2_148_391_552,
      lateMsMax: 41.6,
    },
    ledger: {
      sent: 5_988_013,
      ...clean,
      altered: 0,
      bad: { sent: 11_987, deadLetters: 11_987 },
      hops: [
        hop('kafka', 'events.user, events.transactions', 0),
        hop('clickhouse', 'lambda.user_events_realtime', 0),
        hop('clickhouse', 'lambda.user_activity_5min', null, 'sums against the base table'),
        hop('lake', 'lake.user_events', 0),
      ],
      elapsedMs: 23_918,
    },
    latencyMs: {
      ...percentiles(1940),
      hops: {
        kafka: { ...percentiles(8.31), meaning: 'event time until Kafka acknowledged' },
        clickhouse: { ...percentiles(1940), meaning: 'event time until the insert of its micro-batch was answered' },
        lake: { ...percentiles(9120), meaning: 'event time until its commit was visible in Iceberg' },
      },
    },
    resources: {
      components: components.map((name, at) => ({
        name,
        cpuSeconds: (perMillion[at] ?? 0) * 6,
        cpuSecondsPerMillion: perMillion[at] ?? null,
        peakPssBytes: Math.round((peakMebibytes[at] ?? 0) * 1_048_576),
      })),
      cpuSecondsPerMillion: 58.07,
      peakPssBytes: 3_412_918_272,
      benchCpuPercent: 2.3,
    },
    series: Array.from({ length: 90 }, (_, t) => seriesPoint(t)),
    steps: [],
    queries: [],
    reference: [],
    findMax: null,
    parts: [],
    notes: ['The lake sink commits every 15 s: its latency is mostly waiting for the next commit.'],
    ...change,
  };
}

/** The same run with a defect of each kind, a missed threshold, and a hop that holds no whole records. */
export function defectiveReport(): BenchReport {
  const report = speedReport();
  const id = (n: number) => `0192f3c4-7b1a-4d2e-9f00-00000000000${n}`;
  const [first, second, ...others] = report.ledger?.hops ?? [];
  if (report.ledger === null || first === undefined || second === undefined) throw new Error('the sample has hops');
  const bad = {
    ...second,
    found: 5_988_009,
    lost: 7,
    doubled: 2,
    alien: 1,
    altered: 3,
    examples: [
      { kind: 'lost' as const, id: id(1) },
      { kind: 'doubled' as const, id: id(2) },
      { kind: 'alien' as const, id: '<script>alert(1)</script>' },
      { kind: 'altered' as const, id: id(4) },
    ],
  };
  return {
    ...report,
    verdict: 'fail',
    ledger: { ...report.ledger, lost: 7, doubled: 2, alien: 1, altered: 3, hops: [first, bad, ...others] },
    thresholds: report.thresholds.map((each) =>
      each.name === 'latency p95' ? { ...each, limit: 2500, ok: false } : each,
    ),
  };
}

/** `bench batch`: steps, no series of latency. */
export function batchReport(): BenchReport {
  const steps = [
    { name: 'lake check', elapsedMs: 14_412, detail: 'the sink commits every 15 s' },
    { name: 'spark', elapsedMs: 31_006, detail: '1,000,000 events, 50,000 transactions' },
    { name: 'load', elapsedMs: 3_318, detail: 'DELETE and COPY of six tables' },
    { name: 'dbt', elapsedMs: 17_420, detail: '41 models and tests' },
    { name: 'quality', elapsedMs: 523, detail: '' },
    { name: 'reconcile', elapsedMs: 1_894, detail: '1,000,000 rows a side' },
  ];
  return speedReport({
    id: '20261121-190500-batch',
    scenario: 'batch',
    request: { rate: null, durationMs: null, warmupMs: 0, seed: 7, events: 1_000_000, concurrency: null },
    thresholds: [{ name: 'total', limit: 180_000, value: 68_573, unit: 'ms', bound: 'max', ok: true }],
    throughput: null,
    latencyMs: null,
    series: [],
    steps,
    notes: [],
  });
}

/** `bench query`: a latency distribution a dashboard query. */
export function queryReport(): BenchReport {
  const query = (name: string, p50: number, errors = 0): QueryLatency => ({
    ...percentiles(p50, 4_117),
    name,
    sql: `select '${name}' from lambda.user_events_realtime where user_id < 5`,
    errors,
    rowsRead: 81_920,
  });
  return speedReport({
    id: '20261121-191500-query',
    scenario: 'query',
    request: { rate: 20_000, durationMs: 60_000, warmupMs: 5000, seed: 7, events: null, concurrency: 4 },
    thresholds: [{ name: 'query p95', limit: 100, value: 87.4, unit: 'ms', bound: 'max', ok: true }],
    queries: [query('funnel by hour', 57.1), query('revenue by product', 21.4), query('one user', 9.8, 2)],
    notes: [],
  });
}

/** `bench ingest --find-max`: beside Kafka's own client. */
export function ingestReport(): BenchReport {
  const step = (rate: number, ok: boolean, p99: number | null) => ({
    rate,
    ok,
    achieved: ok ? rate * 0.9991 : 71_402.6,
    p95: p99 === null ? null : p99 * 0.71,
    p99,
    reason: ok ? '' : 'achieved rate below the offered one',
  });
  return speedReport({
    id: '20261121-192500-ingest',
    scenario: 'ingest',
    reference: [
      {
        name: 'kafka-producer-perf-test',
        rate: 88_204.7,
        latencyMs: percentiles(12.2, 2_000_000),
        detail: 'acks=all, idempotent, lz4, records of 358 bytes',
      },
    ],
    findMax: {
      rate: 65_000,
      failedRate: 72_500,
      steps: [
        step(50_000, true, 88.2),
        step(80_000, false, 5210),
        step(65_000, true, 391.5),
        step(72_500, false, 2840),
      ],
    },
    notes: [],
  });
}

/** `bench all`: a report a scenario. */
export function allReport(): BenchReport {
  const nothing = { throughput: null, ledger: null, latencyMs: null, resources: null, series: [], thresholds: [] };
  return speedReport({
    ...nothing,
    id: '20261121-193000-all',
    scenario: 'all',
    verdict: 'fail',
    notes: [],
    parts: [ingestReport(), defectiveReport(), batchReport(), queryReport()],
  });
}

/** `bench speed` stopped by Ctrl-C before there was anything to judge. */
export function interruptedReport(): BenchReport {
  return speedReport({
    id: '20261121-194500-speed',
    partial: true,
    verdict: 'none',
    elapsedMs: 2_113,
    thresholds: [],
    ledger: null,
    latencyMs: null,
    throughput: null,
    series: [seriesPoint(0), seriesPoint(1)],
    notes: ['Interrupted: ids were not counted.'],
  });
}
