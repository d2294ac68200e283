import { join } from 'node:path';
import { type LoadResult, startLoad } from '../../bench/load.ts';
import { parsePerfTest } from '../../bench/perf-test.ts';
import { atLeast, ledgerThresholds, rateThreshold } from '../../bench/thresholds.ts';
import { throughputOf } from '../../bench/throughput.ts';
import { replication } from '../../components/kafka/component.ts';
import { kafkaPerfJob } from '../../components/kafka/perf-job.ts';
import type { BenchReport, LedgerReport } from '../../core/bench-report.ts';
import { addressesIn, type Bootstrap } from '../../core/bootstrap.ts';
import { externalError } from '../../core/errors.ts';
import { step } from '../../core/events.ts';
import { streamNames } from '../../generator/generator.ts';
import type { RunOptions } from '../../generator/options.ts';
import { runGenerator } from '../../generator/run.ts';
import { endOffsets, ensureTopics, removeTopics } from '../../probes/kafka.ts';
import { makeDirectory, remove } from '../../system/files.ts';
import { brokersOf } from '../brokers.ts';
import { countAtKafka } from './ledger.ts';
import type { Scenario, ScenarioContext, ScenarioFindings } from './scenario.ts';

/** Topics of its own: what only measures the way into Kafka must not reach the pipeline. */
const topicPrefix = 'bench.';
const topics = streamNames.map((name) => `${topicPrefix}${name}`);
const referenceTopic = `${topicPrefix}reference`;
const payloadRecords = 20_000;
/** As the generator has them. */
const lingerMs = 100;
const batchBytes = 512 * 1024;

/** Generator → Kafka as fast as it goes (or at a rate), beside Kafka's own benchmark on the same broker in the same run. */
export const ingestScenario: Scenario = async (context) => {
  const bootstrap = await brokersOf(context.stack.runtime);
  const { profile } = context;
  const { factor } = replication(profile);
  const specs = [...topics, referenceTopic].map((name) => ({
    name,
    partitions: profile.kafka.streamPartitions,
    replicas: factor,
    config: { 'retention.ms': '3600000' },
  }));
  // What an earlier run left when it was killed.
  await removeTopics(bootstrap, [...topics, referenceTopic]);
  await ensureTopics(bootstrap, specs);
  try {
    return await run(context, bootstrap);
  } finally {
    await removeTopics(bootstrap, [...topics, referenceTopic]);
  }
};

async function run(context: ScenarioContext, bootstrap: Bootstrap): Promise<ScenarioFindings> {
  const { request, profile } = context;
  const offsets = await endOffsets(bootstrap, topics);
  const options = optionsOf(context, bootstrap);
  const since = Date.now();
  const result = await load(context, options);
  const partial = context.signal.aborted;
  const reference = partial ? [] : [await measureReference(context, bootstrap, result)];
  const ledger: LedgerReport | null = partial
    ? null
    : await countAtKafka(context, { options, result, offsets, since }, topicPrefix);
  const rate =
    request.rate === null
      ? atLeast('rate into Kafka', result.achievedRate, profile.bench.ingest.minimumRate, 'records/s')
      : rateThreshold(result.achievedRate, request.rate);
  const { acknowledged } = result;
  return {
    request: {
      rate: request.rate,
      durationMs: request.durationMs,
      warmupMs: request.warmupMs,
      seed: result.seed,
      events: null,
      concurrency: null,
    },
    throughput: throughputOf(result, request.rate ?? result.achievedRate),
    ledger,
    // At full speed nothing is due at a time of its own, so there is no latency to tell.
    latencyMs:
      acknowledged === null || request.rate === null
        ? null
        : { ...acknowledged, hops: { kafka: { ...acknowledged, meaning: 'event due until acknowledged by Kafka' } } },
    thresholds: partial ? [] : [rate, ...ledgerThresholds(ledger)],
    steps: [],
    queries: [],
    reference,
    notes: [
      `Into topics of its own (${topics.join(', ')}), which the pipeline does not read and which are deleted afterwards.`,
    ],
    records: result.sent,
    work: 'generator',
    partial,
  };
}

function optionsOf({ request }: ScenarioContext, bootstrap: Bootstrap): RunOptions {
  const { warmupMs, durationMs, rate, seed } = request;
  return {
    rate: rate ?? 'max',
    duration: warmupMs + durationMs,
    seed,
    sink: { type: 'kafka', bootstrap, topicPrefix, lingerMs },
  };
}

function load(context: ScenarioContext, options: RunOptions): Promise<LoadResult> {
  let sent = () => 0;
  return context.measure(
    async () => ({ sent: sent(), visible: null, latencyMs: null }),
    () => {
      const running = startLoad({ options, warmupMs: context.request.warmupMs }, context.signal);
      sent = running.sent;
      return running.done;
    },
  );
}

/** The same number of the same records, acknowledged by the same brokers, with the same compression and waiting time. */
function measureReference(
  context: ScenarioContext,
  bootstrap: Bootstrap,
  { sent, elapsedMs }: LoadResult,
): Promise<BenchReport['reference'][number]> {
  return step(context, { id: 'reference', title: 'kafka-producer-perf-test on the same broker' }, async () => {
    const directory = context.stack.paths.dir('kafka-perf', 'cache');
    const file = join(directory, 'payload.jsonl');
    await makeDirectory(directory, 0o700);
    try {
      await runGenerator({
        rate: 'max',
        count: payloadRecords,
        seed: context.request.seed,
        sink: { type: 'file', path: file, streams: ['user_events'] },
      });
      const records = Math.max(payloadRecords, sent);
      const properties = ['acks=all', 'compression.type=lz4', `linger.ms=${lingerMs}`, `batch.size=${batchBytes}`];
      const throughput = context.request.rate ?? -1;
      const args = [
        ...['--bootstrap-server', addressesIn(bootstrap).join(','), '--topic', referenceTopic, '--payload-file', file],
        ...['--num-records', String(records), '--throughput', String(throughput)],
        ...['--warmup-records', String(Math.floor((records * context.request.warmupMs) / elapsedMs))],
        ...['--command-property', ...properties],
      ];
      const job = await context.stack.run(kafkaPerfJob, { args }, context);
      const parsed = parsePerfTest(job.lines);
      if (parsed === null) {
        throw externalError("Kafka's producer benchmark told no figures.", {
          code: 'BENCH_REFERENCE_FAILED',
          details: { exitCode: job.exitCode, lines: job.lines.slice(-5), errorTail: job.errorTail },
          actions: ['lambdactl health', 'lambdactl logs kafka'],
        });
      }
      const detail = `${records} records without keys, ${properties.join(' ')}`;
      const value = { name: 'kafka-producer-perf-test', ...parsed, detail };
      return { value, detail: `${Math.round(parsed.rate)} records/s` };
    } finally {
      await remove(file);
    }
  });
}
