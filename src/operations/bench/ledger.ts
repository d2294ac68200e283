import { Expectation, expectationOptions } from '../../bench/ledger/expectation.ts';
import { countKafka } from '../../bench/ledger/kafka.ts';
import { ledgerReport, speedLedger } from '../../bench/ledger/speed-ledger.ts';
import type { LoadResult } from '../../bench/load.ts';
import { Latencies } from '../../bench/percentiles.ts';
import type { LedgerReport, Percentiles } from '../../core/bench-report.ts';
import type { RunOptions } from '../../generator/options.ts';
import type { TopicOffsets } from '../../probes/kafka-reader.ts';
import { checkLake } from '../batch/check.ts';
import { brokersOf } from '../brokers.ts';
import { lakeLedger } from './lake-ledger.ts';
import type { ScenarioContext } from './scenario.ts';
import { contentsOf, streamSchemas } from './streams.ts';

/** A run of the generator that is over and wholly delivered. */
export interface CountedRun {
  options: RunOptions;
  result: LoadResult;
  /** Where Kafka stood before it. */
  offsets: TopicOffsets;
  /** When it began, ms since 1970. */
  since: number;
}

export interface CountedLedger {
  ledger: LedgerReport;
  /** From event time until the commit to Iceberg; null where the stack has no archive. */
  lake: Percentiles | null;
}

/** Components without which nothing comes to the lake. */
const archive = ['postgres', 'objectstore', 'connect'];

/**
 * Every id of a run at Kafka, ClickHouse with its views, the dead letters and, where the stack has one, the lake.
 * @throws LambdaError KAFKA_REFUSED, KAFKA_RECORDS_GONE, LEDGER_FAILED, LAKE_BEHIND, LAKE_FAILED
 */
export async function countRun(context: ScenarioContext, run: CountedRun): Promise<CountedLedger> {
  const started = performance.now();
  const { stack, signal } = context;
  const expectation = await Expectation.of(expectationOptions(run.options, run.result), signal);
  const schemas = await streamSchemas();
  const speed = await speedLedger(expectation, {
    bootstrap: await brokersOf(stack.runtime),
    from: run.offsets,
    clickhouse: await stack.runtime.endpoint('clickhouse', 'http'),
    since: run.since,
    schemas,
    signal,
  });
  if (!(await hasArchive(context))) return { ledger: speed, lake: null };
  const { offsets: to } = await checkLake(stack, context);
  const wanted = { expectation, contents: contentsOf(schemas), from: run.offsets, to, since: run.since };
  const lake = await lakeLedger(stack, wanted, context);
  const latencies = new Latencies();
  for (const { latencyMs, count } of lake.latencies) latencies.add(latencyMs, count);
  return {
    ledger: ledgerReport(expectation, [...speed.hops, ...lake.hops], performance.now() - started),
    lake: latencies.percentiles(),
  };
}

/** Every id of a run at Kafka alone. @throws LambdaError KAFKA_REFUSED, KAFKA_RECORDS_GONE */
export async function countAtKafka(
  context: ScenarioContext,
  run: CountedRun,
  topicPrefix: string,
): Promise<LedgerReport> {
  const started = performance.now();
  const { stack, signal } = context;
  const expectation = await Expectation.of(expectationOptions(run.options, run.result), signal);
  const bootstrap = await brokersOf(stack.runtime);
  const hops = await countKafka(expectation, { bootstrap, from: run.offsets, topicPrefix, signal });
  return ledgerReport(expectation, hops, performance.now() - started);
}

async function hasArchive({ stack, profile }: ScenarioContext): Promise<boolean> {
  const { services } = await stack.runtime.observe();
  const needed = profile.lake.storage.kind === 'embedded' ? archive : archive.filter((name) => name !== 'objectstore');
  return needed.every((name) => services.some(({ component, state }) => component === name && state === 'healthy'));
}
