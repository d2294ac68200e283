import type { Expectation } from '../../bench/ledger/expectation.ts';
import { countLakeRecords, lakeHops, lakeLatencies, type OffsetWindow } from '../../bench/ledger/lake.ts';
import type { HopLedger } from '../../core/bench-report.ts';
import { type OperationContext, step } from '../../core/events.ts';
import { streamNames } from '../../generator/generator.ts';
import { endOffsets } from '../../probes/kafka.ts';
import type { TopicOffsets } from '../../probes/kafka-reader.ts';
import { brokersOf } from '../brokers.ts';
import { type LakeIdsReport, withLakeIds } from '../lake/ids.ts';
import type { OpenStack } from '../stack.ts';
import type { StreamContents } from './streams.ts';

export interface LakeLedgerRequest {
  expectation: Expectation;
  contents: StreamContents;
  /** Where Kafka stood before the run's first record. */
  from: TopicOffsets;
  /** Where it stood after the last one; default: where it stands now. */
  to?: TopicOffsets;
  /** Epoch ms of the run's begin: no earlier commit brought any of it. */
  since: number;
}

export interface LakeLedger {
  hops: readonly HopLedger[];
  /** Of hop "lake": weights of a histogram, from event time until the commit. */
  latencies: readonly { latencyMs: number; count: number }[];
  /** Rows of which nobody can tell any more when they were committed. */
  unknownCommits: number;
}

/**
 * Counts what the lake holds of a run, by place in Kafka, by id and by content; the lake must hold what Kafka holds (checkLake).
 * @throws LambdaError NOT_UP, KAFKA_REFUSED, LAKE_FAILED; the signal's reason
 */
export function lakeLedger(
  stack: OpenStack,
  request: LakeLedgerRequest,
  context: OperationContext,
): Promise<LakeLedger> {
  return step(context, { id: 'ledger/lake', title: 'Ledger of the lake' }, async () => {
    const { expectation, contents, from, since } = request;
    const to = request.to ?? (await endOffsets(await brokersOf(stack.runtime), streamNames));
    const hops: HopLedger[] = [];
    const reports: LakeIdsReport[] = [];
    for (const stream of streamNames) {
      const window = windowOf(from[stream] ?? {}, to[stream] ?? {});
      const { columns } = contents[stream];
      const rows = await expectation.archive(stream, columns, context.signal);
      const wanted = { table: stream, window, columns, since };
      await withLakeIds(stack, wanted, context, async (records, report) => {
        hops.push(...lakeHops(stream, await countLakeRecords(records, stream, window, rows), expectation));
        reports.push(report);
      });
    }
    const unknownCommits = reports.reduce((sum, report) => sum + report.unknownCommits, 0);
    return { value: { hops, latencies: [...lakeLatencies(reports)], unknownCommits } };
  });
}

function windowOf(from: Readonly<Record<number, number>>, to: Readonly<Record<number, number>>): OffsetWindow {
  return Object.fromEntries(
    Object.entries(to).map(([partition, end]) => [partition, [from[Number(partition)] ?? 0, end] as const]),
  );
}
