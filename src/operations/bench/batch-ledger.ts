import { Expectation, expectationOptions } from '../../bench/ledger/expectation.ts';
import { countKafka } from '../../bench/ledger/kafka.ts';
import { countMarts } from '../../bench/ledger/marts.ts';
import { ledgerReport } from '../../bench/ledger/speed-ledger.ts';
import { countWarehouse } from '../../bench/ledger/warehouse.ts';
import type { HopLedger, LedgerReport } from '../../core/bench-report.ts';
import { type OperationContext, step } from '../../core/events.ts';
import type { RunOptions } from '../../generator/options.ts';
import type { GeneratorResult } from '../../generator/run.ts';
import type { Profile } from '../../platform/profile.ts';
import type { TopicOffsets } from '../../probes/kafka-reader.ts';
import { brokersOf } from '../brokers.ts';
import type { OpenStack } from '../stack.ts';
import { withWarehouse } from '../warehouse.ts';
import { lakeLedger } from './lake-ledger.ts';
import { contentsOf, type StreamContents, streamSchemas } from './streams.ts';

/** A generator run of one date. */
export interface SentDay {
  options: RunOptions;
  result: GeneratorResult;
  /** Where Kafka stood before. */
  from: TopicOffsets;
  /** And behind the last record. */
  to: TopicOffsets;
  /** Epoch ms when the generator began. */
  since: number;
  /** YYYY-MM-DD, UTC. */
  date: string;
}

export interface LedgerContext extends OperationContext {
  stack: OpenStack;
  profile: Profile;
}

/**
 * Counts a run at Kafka, in the lake, in RAW and STAGING, and the marts against STAGING; after the batch of its date.
 * @throws LambdaError NOT_UP, KAFKA_REFUSED, LAKE_FAILED, BAD_SQL; the signal's reason
 */
export function batchLedger(context: LedgerContext, sent: SentDay): Promise<LedgerReport> {
  return step(context, { id: 'ledger', title: 'Count every id at every hop' }, async () => {
    const started = performance.now();
    const hops: HopLedger[] = [];
    const { stack, signal } = context;
    const { from, to, since, date } = sent;
    const expectation = await Expectation.of(expectationOptions(sent.options, sent.result), signal);
    const contents = contentsOf(await streamSchemas());
    const { user_events, transactions } = contents;
    await expectation.prepare({ user_events: user_events.columns, transactions: transactions.columns }, signal);
    const bootstrap = await brokersOf(stack.runtime);
    // First: what the generator gave up is settled by what Kafka has.
    hops.push(...(await countKafka(expectation, { bootstrap, from, signal })));
    hops.push(...(await lakeLedger(stack, { expectation, contents, from, to, since }, context)).hops);
    hops.push(...(await warehouseLedger(context, { expectation, contents, date })));
    const value = ledgerReport(expectation, hops, performance.now() - started);
    const { lost, doubled, alien, altered } = value;
    return { value, detail: `${lost} lost, ${doubled} doubled, ${alien} alien, ${altered} altered` };
  });
}

/** RAW, STAGING and the marts of a date. @throws LambdaError NOT_UP, BAD_SQL, WAREHOUSE_UNREACHABLE; the signal's reason */
async function warehouseLedger(
  { stack, profile, signal }: LedgerContext,
  { expectation, contents, date }: { expectation: Expectation; contents: StreamContents; date: string },
): Promise<HopLedger[]> {
  const { sessionTimeoutMinutes } = profile.speed;
  return withWarehouse(stack.runtime, profile, 'snowflake', async (client) => [
    ...(await countWarehouse(expectation, client, contents, signal)),
    ...(await countMarts(client, { date, sessionTimeoutMinutes }, signal)),
  ]);
}
