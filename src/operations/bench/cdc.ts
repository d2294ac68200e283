import { setTimeout as sleep } from 'node:timers/promises';
import { type AppliedChange, type CapturedChange, CdcLedger, type ChangeKind } from '../../bench/cdc-ledger.ts';
import { type CdcLoadResult, type CdcLoadTask, runCdcLanes } from '../../bench/cdc-load.ts';
import { drained } from '../../bench/drain.ts';
import { latencyThresholds, ledgerThresholds, rateThreshold } from '../../bench/thresholds.ts';
import type { LatencyReport, LedgerReport, ThresholdReport } from '../../core/bench-report.ts';
import type { Bootstrap } from '../../core/bootstrap.ts';
import { LambdaError } from '../../core/errors.ts';
import { cdcTables, replication } from '../../platform/pipeline.ts';
import { endOffsets } from '../../probes/kafka.ts';
import { type TailedRecord, TopicTail } from '../../probes/kafka-tail.ts';
import { openPostgres, type PostgresClient } from '../../probes/postgres.ts';
import type { Server } from '../../probes/server.ts';
import { brokersOf } from '../brokers.ts';
import { seededRows } from '../seeded-rows.ts';
import type { Scenario, ScenarioContext, ScenarioFindings } from './scenario.ts';

const defaultRate = 2000;
/** A row a transaction, each waiting for its commit: several connections share the rate. */
const rowsPerConnection = 250;
const fewestConnections = 4;
const mostConnections = 16;
/** A connector that has just started takes its snapshot first. */
const streamingWithinMs = 60_000;
/** And so long is looked for copies behind the last change. */
const lookBehindMs = 1000;
const database = 'shop';
const prefix = 'cdc.postgres.';

/** Inserts, updates and deletes in the shop's PostgreSQL → Debezium → Kafka. */
export const cdcScenario: Scenario = async (context) => {
  const server = await context.stack.runtime.endpoint('postgres', 'sql');
  const seeded = await prepare(server, context);
  const bootstrap = await brokersOf(context.stack.runtime);
  const tail = new TopicTail(bootstrap);
  try {
    return await new CdcRun(context, { server, seeded, bootstrap, tail }).complete();
  } finally {
    await tail.close();
  }
};

/** @throws LambdaError SHOP_NOT_SEEDED, BENCH_CDC_IDLE */
async function prepare(
  server: Server,
  { stack, signal }: ScenarioContext,
): Promise<{ users: number; products: number }> {
  const client = await openPostgres(server, database);
  try {
    const rows = await seededRows(client, stack.name);
    await untilStreaming(client, signal);
    return rows;
  } finally {
    await client.close();
  }
}

/** Debezium takes its slot when the snapshot is done: what changes before that may arrive as part of the snapshot. */
async function untilStreaming(client: PostgresClient, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  while (!signal.aborted) {
    const sql = 'select active from pg_replication_slots where slot_name = $1';
    const [slot] = await client.query<{ active: boolean }>(sql, [replication.slot]);
    if (slot?.active === true) return;
    if (performance.now() - started > streamingWithinMs) break;
    await sleep(500, undefined, { signal }).catch(() => undefined);
  }
  if (signal.aborted) return;
  throw new LambdaError('Debezium does not read the log of the shop’s database: nothing would arrive.', {
    code: 'BENCH_CDC_IDLE',
    category: 'preflight',
    actions: ['lambdactl doctor connect', 'lambdactl up'],
    retryable: true,
  });
}

interface Parts {
  server: Server;
  seeded: { users: number; products: number };
  bootstrap: Bootstrap;
  tail: TopicTail;
}

class CdcRun {
  private readonly context: ScenarioContext;
  private readonly parts: Parts;
  private readonly rate: number;
  private readonly durationMs: number;

  constructor(context: ScenarioContext, parts: Parts) {
    this.context = context;
    this.parts = parts;
    this.rate = context.request.rate ?? defaultRate;
    this.durationMs = context.request.durationMs;
  }

  async complete(): Promise<ScenarioFindings> {
    const { context, rate, durationMs } = this;
    const { warmupMs, seed } = context.request;
    const { result, ledger, latencyMs } = await this.measured();
    const partial = context.signal.aborted;
    const achieved = (result.applied * 1000) / result.elapsedMs;
    return {
      request: { rate, durationMs, warmupMs, seed, events: null, concurrency: this.connections() },
      throughput: {
        offered: rate,
        achieved,
        visible: null,
        records: result.applied,
        bytes: 0,
        lateMsMax: result.lateMsMax,
      },
      ledger: partial ? null : ledger,
      latencyMs,
      thresholds: this.thresholds(latencyMs, achieved, ledger),
      steps: [],
      queries: [],
      reference: [],
      notes: this.notes(achieved, result),
      records: result.applied,
      work: 'generator',
      partial,
    };
  }

  private async measured(): Promise<{ result: CdcLoadResult; ledger: LedgerReport; latencyMs: LatencyReport | null }> {
    const { context, rate, durationMs } = this;
    const { server, seeded, bootstrap, tail } = this.parts;
    const { warmupMs, seed } = context.request;
    const offsets = await endOffsets(
      bootstrap,
      cdcTables.map(({ table }) => `${prefix}${table}`),
    );
    const ledger = new CdcLedger();
    const live = async () => {
      const { applied, captured } = ledger.progress();
      return { sent: applied, visible: captured, latencyMs: ledger.newestMs };
    };
    const result = await context.measure(live, async () => {
      await tail.follow(offsets, (record) => {
        const change = changeOf(record, Date.now());
        if (change !== null) ledger.captured(change);
      });
      const task: CdcLoadTask = {
        server,
        database,
        rate,
        durationMs: warmupMs + durationMs,
        warmupMs,
        connections: this.connections(),
        ...seeded,
        seed,
      };
      const onApplied = (changes: readonly AppliedChange[]) => {
        for (const change of changes) ledger.applied(change);
      };
      const value = await runCdcLanes(task, onApplied, context.signal);
      await this.drained(ledger);
      return value;
    });
    return { result, ledger: ledgerOf(ledger), latencyMs: latencyOf(ledger) };
  }

  /** Until every change has arrived, or nothing new does. */
  private async drained(ledger: CdcLedger): Promise<void> {
    const { signal } = this.context;
    const arrived = () => {
      this.parts.tail.check();
      return ledger.progress().captured;
    };
    await drained({ arrived, sent: ledger.progress().applied, everyMs: 100, signal });
    await sleep(lookBehindMs, undefined, { signal }).catch(() => undefined);
    this.parts.tail.check();
  }

  private connections(): number {
    const wanted = this.context.request.concurrency ?? Math.ceil(this.rate / rowsPerConnection);
    return Math.min(mostConnections, Math.max(fewestConnections, wanted));
  }

  private thresholds(latency: LatencyReport | null, achieved: number, ledger: LedgerReport): ThresholdReport[] {
    const latencies = latencyThresholds(latency, { p99: this.context.profile.bench.cdc.p99Ms });
    if (this.context.signal.aborted) return latency === null ? [] : latencies;
    return [...latencies, rateThreshold(achieved, this.rate), ...ledgerThresholds(ledger)];
  }

  private notes(achieved: number, { lateMsMax }: CdcLoadResult): string[] {
    const notes = [
      'Every change is a transaction of its own; latency is from when it was due, PostgreSQL’s own time included.',
    ];
    if (achieved >= this.rate * 0.99) return notes;
    const late = (lateMsMax / 1000).toFixed(1);
    return [
      ...notes,
      `${this.connections()} connections made ${Math.round(achieved)} of ${this.rate} changes/s and were up to ${late} s behind: PostgreSQL on this machine commits no more.`,
    ];
  }
}

const kinds: Readonly<Record<string, ChangeKind>> = { c: 'insert', u: 'update', d: 'delete' };

/** null: a record of a snapshot, which is no change. */
function changeOf({ topic, key, headers }: TailedRecord, receivedMs: number): CapturedChange | null {
  const kind = kinds[headers.get('__op') ?? ''];
  if (kind === undefined) return null;
  return {
    table: topic.slice(prefix.length),
    kind,
    key: key ?? '',
    lsn: Number(headers.get('__source_lsn')),
    committedMs: Number(headers.get('__source_ts_ms')),
    receivedMs,
  };
}

function ledgerOf(ledger: CdcLedger): LedgerReport {
  const started = performance.now();
  const hops = ledger.settle();
  const worst = (kind: 'lost' | 'doubled' | 'alien') => hops.reduce((sum, hop) => sum + hop[kind], 0);
  return {
    sent: ledger.progress().applied,
    // A change is on one topic only: what is wrong on several adds up.
    lost: worst('lost'),
    doubled: worst('doubled'),
    alien: worst('alien'),
    altered: hops.reduce((sum, { altered }) => sum + (altered ?? 0), 0),
    bad: null,
    hops,
    elapsedMs: performance.now() - started,
  };
}

function latencyOf(ledger: CdcLedger): LatencyReport | null {
  const [due, commit] = [ledger.fromDue.percentiles(), ledger.fromCommit.percentiles()];
  if (due === null || commit === null) return null;
  return {
    ...due,
    hops: {
      kafka: { ...due, meaning: 'change due until a consumer has it' },
      debezium: { ...commit, meaning: 'committed by PostgreSQL until a consumer has it' },
    },
  };
}
