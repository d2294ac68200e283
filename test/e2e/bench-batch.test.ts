import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOffsets } from '../../src/bench/ledger/kafka.ts';
import type { HopLedger, LedgerReport } from '../../src/core/bench-report.ts';
import type { RunOptions } from '../../src/generator/options.ts';
import { runGenerator } from '../../src/generator/run.ts';
import { runBatch } from '../../src/operations/batch/run.ts';
import { batchScenario } from '../../src/operations/bench/batch.ts';
import { batchLedger, type LedgerContext, type SentDay } from '../../src/operations/bench/batch-ledger.ts';
import { brokersOf } from '../../src/operations/brokers.ts';
import { type OpenStack, openStack } from '../../src/operations/stack.ts';
import { withWarehouse } from '../../src/operations/warehouse.ts';
import { cliOf, homeOfTests, processesOf } from './cli.ts';

// The ledger of a batch: exact where all is well, and exact about what was changed behind the pipeline's back.
const stack = `bench-batch-${process.pid}`;
const { run, must } = cliOf(stack);
const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-bench-batch-'));
const { signal } = new AbortController();

let context: LedgerContext;
let sent: SentDay;

const hopOf = (report: LedgerReport, store: string): HopLedger => {
  const found = report.hops.find((hop) => hop.store === store);
  if (found === undefined) throw new Error(`no hop ${store} among ${report.hops.map((hop) => hop.store).join(', ')}`);
  return found;
};

beforeAll(async () => {
  await must(
    'up',
    '--profile',
    'lite',
    '--any-port',
    '--only',
    'connect',
    '--only',
    'objectstore',
    '--only',
    'warehouse',
    '--only',
    'clickhouse',
  );
  const opened = await openStack({ home: homeOfTests, stack });
  const { profile } = opened;
  if (profile === null) throw new Error('the stack is not up');
  context = { stack: opened, profile, emit: () => {}, signal };
});

afterAll(async () => {
  await run('down', '--volumes', '--yes');
  rmSync(scratch, { recursive: true, force: true });
  expect(processesOf(stack)).toEqual([]);
});

/** A day's events, one in a hundred of them bad or sent twice. */
async function sendDay(opened: OpenStack): Promise<SentDay> {
  const bootstrap = await brokersOf(opened.runtime);
  const from = await startOffsets(bootstrap);
  const noon = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 43_200_000;
  const sink = { type: 'kafka' as const, bootstrap };
  const options: RunOptions = {
    seed: 5,
    rate: 1000,
    count: 10_000,
    startTime: noon,
    paced: false,
    badRate: 0.01,
    sink,
  };
  const since = Date.now();
  const result = await runGenerator(options);
  const to = await startOffsets(bootstrap);
  return { options, result, from, to, since, date: new Date(noon).toISOString().slice(0, 10) };
}

describe('a batch', () => {
  it('is counted at every hop, and nothing is lost, doubled, alien or altered', async () => {
    sent = await sendDay(context.stack);
    await runBatch(context.stack, sent.date, context);
    const report = await batchLedger(context, sent);
    expect(report).toMatchObject({ lost: 0, doubled: 0, alien: 0, altered: 0 });
    for (const hop of report.hops) expect(hop.found).toBeGreaterThan(0);
    const stores = report.hops.map(({ store }) => store);
    expect(stores).toEqual(
      expect.arrayContaining([
        'lake.user_events',
        'lake.transactions',
        'RAW.USER_EVENTS',
        'RAW.TRANSACTIONS',
        'STAGING.EVENTS_CLEANED',
        'MARTS.USER_SESSIONS',
        'MARTS.DAILY_METRICS',
      ]),
    );
    expect(hopOf(report, 'RAW.USER_EVENTS').expected).toBe(sent.result.valid);
  });
});

// Smaller than the day above: what is tampered with later is the largest file, which must be the day's.
describe('the scenario', () => {
  it('finds a free time of its own, and is clean beside the other run', async () => {
    const findings = await batchScenario({
      ...context,
      request: { rate: 1000, durationMs: 0, warmupMs: 0, seed: 6, events: 1500, concurrency: null },
      measure: (_live, work) => work(),
    });
    expect(findings.ledger?.hops.filter(({ lost, alien }) => lost + alien > 0)).toEqual([]);
    expect(findings.steps.map(({ name }) => name)).toEqual(['check', 'spark', 'load', 'dbt', 'quality']);
    expect(findings.throughput?.records).toBeGreaterThan(1500);
    expect(findings.thresholds.map(({ name }) => name)).toEqual([
      'batch in all',
      'lost',
      'doubled',
      'alien',
      'altered',
    ]);
  });
});

describe('what was changed behind the pipeline', () => {
  it('is counted exactly in Iceberg, RAW, STAGING and the marts', async () => {
    const made = `timestamp >= '${sent.date}'`;
    await tamperLake(context.stack, { dropped: 7, doubled: 5, altered: 3, planted: 2 });
    await withWarehouse(context.stack.runtime, context.profile, 'admin', async (client) => {
      const [first] = await client.rows(`select min(event_id) as a from raw.user_events where ${made}`);
      const ids = (
        await client.rows(`select event_id from raw.user_events where ${made} order by event_id limit 20`)
      ).map((row) => `'${String(row.EVENT_ID)}'`);
      expect(ids[0]).toBe(`'${String(first?.A)}'`);
      const some = (from: number, to: number) => ids.slice(from, to).join(', ');
      await client.command(`delete from raw.user_events where event_id in (${some(0, 6)})`);
      await client.command(
        `insert into raw.user_events select * from raw.user_events where event_id in (${some(6, 10)})`,
      );
      await client.command(`update raw.user_events set browser = 'Netscape' where event_id in (${some(10, 13)})`);
      await client.command(
        `insert into raw.user_events (event_id, user_id, session_id, event_type, timestamp, device_type, browser, ip_address, properties)
         select '00000000-0000-4000-8000-00000000a11e', user_id, session_id, event_type, timestamp, device_type, browser, ip_address, properties
         from raw.user_events where event_id = ${ids[15]}`,
      );
      const day = `= '${sent.date}'`;
      await client.command(
        `update marts.daily_metrics set page_views = page_views - 4, searches = searches + 2 where metric_date ${day}`,
      );
      await client.command(`update marts.session_conversion set revenue = revenue + 0.01 where session_date ${day}`);
      const [session] = await client.rows(
        `select min(session_key) as k from marts.user_sessions where session_date ${day}`,
      );
      await client.command(`delete from marts.user_sessions where session_key = '${String(session?.K)}'`);
    });
    const report = await batchLedger(context, sent);
    expect(hopOf(report, 'lake.user_events')).toMatchObject({ lost: 7, doubled: 5, altered: 3, alien: 2 });
    expect(hopOf(report, 'lake.user_events + lake.rejected')).toMatchObject({ lost: 7, doubled: 7 });
    expect(hopOf(report, 'RAW.USER_EVENTS')).toMatchObject({ lost: 6, doubled: 4, altered: 3, alien: 1 });
    expect(hopOf(report, 'STAGING.EVENTS_CLEANED')).toMatchObject({ lost: 0, doubled: 0, altered: 0, alien: 0 });
    expect(hopOf(report, 'MARTS.DAILY_METRICS')).toMatchObject({ lost: 4, doubled: 2, alien: 0 });
    expect(hopOf(report, 'MARTS.USER_SESSIONS')).toMatchObject({ lost: 1, doubled: 0, altered: 0, alien: 0 });
    expect(hopOf(report, 'MARTS.SESSION_CONVERSION').altered).toBeGreaterThan(0);
    expect(hopOf(report, 'RAW.TRANSACTIONS')).toMatchObject({ lost: 0, doubled: 0, altered: 0, alien: 0 });
    expect(report).toMatchObject({ lost: 7, doubled: 7, altered: expect.any(Number) });
  });
});

/** By Iceberg's own API: one file is replaced by another. */
async function tamperLake(
  opened: OpenStack,
  { dropped, doubled, altered, planted }: Record<'dropped' | 'doubled' | 'altered' | 'planted', number>,
): Promise<void> {
  const names = ['jre', 'ecj', 'spark', 'iceberg-spark', 'speed-job'] as const;
  const roots = Object.fromEntries((await opened.artifacts.list()).map(({ name, path }) => [name, path]));
  const filesOf = (name: (typeof names)[number], ending: string) => {
    const root = roots[name] ?? '';
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
    return files.filter((path) => path.endsWith(ending)).map((path) => join(root, path));
  };
  const [java = ''] = filesOf('jre', 'bin/java');
  const [ecj = ''] = filesOf('ecj', '.jar');
  const jars = (['spark', 'iceberg-spark', 'speed-job'] as const).flatMap((name) => filesOf(name, '.jar'));
  const fixture = join(import.meta.dirname, 'bench-batch.fixture.java');
  const options = ['--release', '21', '-encoding', 'UTF-8', '-nowarn', '-cp', jars.join(':'), '-d', scratch];
  await execa(java, ['-jar', ecj, ...options, fixture]);
  const conf = join(opened.paths.dir('lake', 'conf'), 'lake-tool.json');
  const counts = [dropped, doubled, altered, planted].map(String);
  await execa(java, ['-cp', [scratch, ...jars].join(':'), 'lambdactl.lake.TamperFixture', conf, ...counts], {
    env: {
      LAMBDACTL_LAKE_CATALOG_PASSWORD: opened.secret('postgres.lake'),
      LAMBDACTL_LAKE_SECRET_KEY: opened.secret('objectstore.key'),
    },
  });
}
