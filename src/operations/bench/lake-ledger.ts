import { join } from 'node:path';
import type { Expectation } from '../../bench/ledger/expectation.ts';
import { countLakeRecords, lakeHops, lakeLatencies, type OffsetWindow } from '../../bench/ledger/lake.ts';
import { contentOf } from '../../bench/ledger/warehouse.ts';
import type { HopLedger } from '../../core/bench-report.ts';
import { type OperationContext, step } from '../../core/events.ts';
import type { StreamName } from '../../generator/generator.ts';
import { endOffsets } from '../../probes/kafka.ts';
import { type Entity, layoutOf } from '../../reconcile/entities.ts';
import { brokersOf } from '../brokers.ts';
import { type LakeIdsReport, withLakeIds } from '../lake/ids.ts';
import { loadSchema } from '../provision/schemas.ts';
import { type OpenStack, projectRoot } from '../stack.ts';

/** Topics of the generator's streams. */
export const benchStreams = ['user_events', 'transactions'] as const satisfies readonly StreamName[];

/** Topic → partition → offset of the next record. */
export type Offsets = Readonly<Record<string, Readonly<Record<number, number>>>>;

export interface LakeLedgerRequest {
  expectation: Expectation;
  /** Where Kafka stood before the run's first record. */
  from: Offsets;
  /** Where it stood after the last one; default: where it stands now. */
  to?: Offsets;
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

/** The fields of each stream by which its records are compared. */
export async function contentsOf(): Promise<Readonly<Record<StreamName, Entity>>> {
  const [events, sales] = await Promise.all(
    benchStreams.map(async (name) =>
      contentOf(name, await loadSchema(join(projectRoot, 'schemas', layoutOf(name).schema))),
    ),
  );
  if (events === undefined || sales === undefined) throw new Error('there are two streams');
  return { user_events: events, transactions: sales };
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
    const { expectation, from, since } = request;
    const to = request.to ?? (await endOffsets(await brokersOf(stack.runtime), benchStreams));
    const contents = await contentsOf();
    const hops: HopLedger[] = [];
    const reports: LakeIdsReport[] = [];
    for (const stream of benchStreams) {
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
