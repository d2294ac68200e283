import type { HopLedger, LedgerReport } from '../../core/bench-report.ts';
import type { StreamName } from '../../generator/generator.ts';
import { clickhouse as clickhouseLayout } from '../../platform/pipeline.ts';
import { openClickHouse } from '../../probes/clickhouse.ts';
import type { Server } from '../../probes/server.ts';
import type { RecordSchema } from '../../reconcile/entities.ts';
import { countClickHouse, speedColumns } from './clickhouse.ts';
import { countDeadLetters } from './dead-letters.ts';
import type { Expectation } from './expectation.ts';
import { countKafka, type KafkaWindow } from './kafka.ts';
import { countViews } from './views.ts';

export interface SpeedLedgerOptions extends KafkaWindow {
  /** With the right to read. */
  clickhouse: Server;
  /** When the run began, ms since 1970: rows processed earlier are not the run's. */
  since: number;
  /** The streams' schemas, as in schemas/. */
  schemas: Readonly<Record<StreamName, RecordSchema>>;
}

/**
 * Counts a run at Kafka, in ClickHouse's tables and views, and in the dead letters. The speed job must have written what Kafka
 * holds: what is still on its way counts as lost.
 * @throws LambdaError KAFKA_REFUSED, KAFKA_UNREACHABLE, KAFKA_RECORDS_GONE, LEDGER_FAILED; the signal's reason
 */
export async function speedLedger(expectation: Expectation, options: SpeedLedgerOptions): Promise<LedgerReport> {
  const started = performance.now();
  const { since, signal } = options;
  const client = openClickHouse(options.clickhouse, clickhouseLayout.database);
  try {
    const columns = await speedColumns(client, options.schemas);
    await expectation.prepare(columns, signal);
    // First: what the generator gave up is settled by what Kafka has.
    const kafka = await countKafka(expectation, options);
    const tables = await countClickHouse(expectation, client, { since, columns, ...(signal && { signal }) });
    const views = await countViews(client, expectation.range, signal);
    const hops = [...kafka, ...tables, ...views, await countDeadLetters(expectation, options)];
    return ledgerReport(expectation, hops, performance.now() - started);
  } finally {
    await client.close();
  }
}

/** The report over any hops; totals are those of the worst. */
export function ledgerReport(expectation: Expectation, hops: readonly HopLedger[], elapsedMs: number): LedgerReport {
  const worst = (of: (hop: HopLedger) => number) => Math.max(0, ...hops.map(of));
  const deadLetters = hops.find(({ hop }) => hop === 'dlq');
  return {
    sent: expectation.sent,
    lost: worst(({ lost }) => lost),
    doubled: worst(({ doubled }) => doubled),
    alien: worst(({ alien }) => alien),
    altered: worst(({ altered }) => altered ?? 0),
    bad:
      deadLetters === undefined
        ? null
        : { sent: deadLetters.expected, deadLetters: deadLetters.expected - deadLetters.lost },
    hops,
    elapsedMs,
  };
}
