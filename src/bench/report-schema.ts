import { z } from 'zod';
import { type BenchReport, benchScenarios, type Percentiles } from '../core/bench-report.ts';

const count = z.number();
const optional = z.number().nullable();

const percentileFields = {
  p50: z.number(),
  p90: z.number(),
  p95: z.number(),
  p99: z.number(),
  p999: z.number(),
  max: z.number(),
  count,
} satisfies Record<keyof Percentiles, z.ZodNumber>;
const percentiles = z.object(percentileFields);

const requestSchema = z.object({
  rate: optional,
  durationMs: optional,
  warmupMs: z.number(),
  seed: optional,
  events: optional,
  concurrency: optional,
});

const environmentSchema = z.object({
  cpu: z.string(),
  cores: z.number(),
  memoryBytes: z.number(),
  os: z.string(),
  node: z.string(),
  lambdactl: z.string(),
  lockHash: z.string(),
  profileHash: z.string(),
  loadBefore: z.number(),
  outsideCpuPercent: optional,
});

const thresholdSchema = z.object({
  name: z.string(),
  limit: z.number(),
  value: optional,
  unit: z.enum(['ms', 'records/s', 'cpu-s/M', 'records', 'percent']),
  bound: z.enum(['max', 'min']),
  ok: z.boolean(),
});

const throughputSchema = z.object({
  offered: z.number(),
  achieved: z.number(),
  visible: optional,
  records: count,
  bytes: count,
  lateMsMax: z.number(),
});

const hopLedgerSchema = z.object({
  hop: z.string(),
  store: z.string(),
  expected: count,
  found: count,
  lost: count,
  doubled: count,
  alien: count,
  altered: optional,
  examples: z.array(z.object({ kind: z.enum(['lost', 'doubled', 'alien', 'altered']), id: z.string() })),
  method: z.string(),
});

const ledgerSchema = z.object({
  sent: count,
  lost: count,
  doubled: count,
  alien: count,
  altered: count,
  bad: z.object({ sent: count, deadLetters: count }).nullable(),
  hops: z.array(hopLedgerSchema),
  elapsedMs: z.number(),
});

const resourcesSchema = z.object({
  components: z.array(
    z.object({ name: z.string(), cpuSeconds: z.number(), cpuSecondsPerMillion: optional, peakPssBytes: optional }),
  ),
  cpuSecondsPerMillion: optional,
  peakPssBytes: optional,
  benchCpuPercent: z.number(),
});

const pointSchema = z.object({
  t: z.number(),
  sentRate: optional,
  visibleRate: optional,
  lag: optional,
  latencyMs: optional,
  cpuPercent: z.record(z.string(), z.number()),
  pssBytes: optional,
});

const findMaxSchema = z.object({
  rate: optional,
  failedRate: optional,
  steps: z.array(
    z.object({
      rate: z.number(),
      ok: z.boolean(),
      achieved: z.number(),
      p95: optional,
      p99: optional,
      reason: z.string(),
    }),
  ),
});

/** The shape of src/core/bench-report.ts for what is read from outside: kept files and files from other machines. */
export const benchReportSchema: z.ZodType<BenchReport> = z.object({
  version: z.literal(1),
  id: z.string().regex(/^[\w-]+$/),
  scenario: z.enum([...benchScenarios, 'all']),
  stack: z.string(),
  profile: z.string(),
  startedAt: z.iso.datetime(),
  elapsedMs: z.number(),
  partial: z.boolean(),
  request: requestSchema,
  environment: environmentSchema,
  verdict: z.enum(['pass', 'fail', 'none']),
  thresholds: z.array(thresholdSchema),
  throughput: throughputSchema.nullable(),
  ledger: ledgerSchema.nullable(),
  latencyMs: z
    .object({ ...percentileFields, hops: z.record(z.string(), percentiles.extend({ meaning: z.string() })) })
    .nullable(),
  resources: resourcesSchema.nullable(),
  series: z.array(pointSchema),
  steps: z.array(z.object({ name: z.string(), elapsedMs: z.number(), detail: z.string() })),
  queries: z.array(percentiles.extend({ name: z.string(), sql: z.string(), errors: count, rowsRead: optional })),
  reference: z.array(
    z.object({ name: z.string(), rate: z.number(), latencyMs: percentiles.nullable(), detail: z.string() }),
  ),
  findMax: findMaxSchema.nullable(),
  parts: z.array(z.lazy(() => benchReportSchema)),
  notes: z.array(z.string()),
});
