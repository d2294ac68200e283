import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Expectation, expectationOptions } from '../../src/bench/ledger/expectation.ts';
import { startOffsets } from '../../src/bench/ledger/kafka.ts';
import { speedLedger } from '../../src/bench/ledger/speed-ledger.ts';
import { countViews } from '../../src/bench/ledger/views.ts';
import type { HopLedger, LedgerReport } from '../../src/core/bench-report.ts';
import type { Bootstrap } from '../../src/core/bootstrap.ts';
import { badKinds } from '../../src/generator/bad-data.ts';
import type { GeneratedRecord } from '../../src/generator/generator.ts';
import { type RunOptions, resolveOptions } from '../../src/generator/options.ts';
import { runGenerator } from '../../src/generator/run.ts';
import { brokersOf } from '../../src/operations/brokers.ts';
import { type OpenStack, openStack } from '../../src/operations/stack.ts';
import { clickhouse } from '../../src/platform/pipeline.ts';
import { type ClickHouseClient, openClickHouse } from '../../src/probes/clickhouse.ts';
import { type Defects, insert, noDefects, produce, recordsOf, schemaOf, withDefects } from '../support/bench-run.ts';
import { cliOf, homeOfTests } from './cli.ts';

/** Kafka and ClickHouse for real, no speed job: what is in them is what the test put there. */
const given = process.env.BENCH_LEDGER_STACK;
const stack = given ?? 'e2e-bench-ledger';
const { must } = cliOf(stack);
const schemas = { user_events: schemaOf('user_event'), transactions: schemaOf('transaction') };
const count = 6000;
/** Others each time: a stack may have seen this test before. */
const seeds = { clean: Date.now(), planted: Date.now() + 1, gone: Date.now() + 2 };
const bad = { ...Object.fromEntries(badKinds.map((kind) => [kind, 0.01])), duplicate: 0.02 };

let opened: OpenStack;
let bootstrap: Bootstrap;
let admin: ClickHouseClient;
let reader: ClickHouseClient;

beforeAll(async () => {
  if (given === undefined) {
    await must('up', '--profile', 'lite', '--only', 'kafka', '--only', 'clickhouse', '--any-port');
  }
  opened = await openStack({ home: homeOfTests, stack });
  bootstrap = await brokersOf(opened.runtime);
  reader = openClickHouse(await opened.runtime.endpoint('clickhouse', 'http'), 'lambda');
  admin = openClickHouse(await opened.runtime.endpoint('clickhouse', 'admin'), 'lambda');
});

afterAll(async () => {
  await Promise.all([admin?.close(), reader?.close()]);
  if (given === undefined) await must('down', '--volumes', '--yes');
});

const optionsOf = (seed: number, startTime: number): RunOptions => ({
  seed,
  startTime,
  rate: 2000,
  count,
  paced: false,
  bad,
  sink: { type: 'kafka', bootstrap },
});
const engineOf = (seed: number, startTime: number) => ({
  ...resolveOptions(optionsOf(seed, startTime)).engine,
  startTime,
});

const isValid = ({ kind }: GeneratedRecord) => kind === 'valid';
const isBad = ({ kind }: GeneratedRecord) => kind !== 'valid' && kind !== 'duplicate';
const ofTopic = (topic: string) => (record: GeneratedRecord) => record.topic === topic;

/** Dead letters as the speed job writes them. */
const deadLetters = (records: readonly GeneratedRecord[], sourceOffset = 1_000_000_000) =>
  records.map(({ key, value }, n) => ({
    topic: 'user_events.dlq',
    key,
    value,
    headers: {
      'dlq.source.topic': 'user_events',
      'dlq.source.partition': '0',
      'dlq.source.offset': String(sourceOffset + n),
      'dlq.error.class': 'malformed',
    },
  }));

async function ledgerOf(expected: Expectation, from: Awaited<ReturnType<typeof startOffsets>>, since: number) {
  const clickhouse = await opened.runtime.endpoint('clickhouse', 'http');
  return await speedLedger(expected, { bootstrap, from, since, clickhouse, schemas });
}

const hopOfView = (hops: readonly HopLedger[], view: string) => hopOf({ hops }, `lambda.${view}`);
const hopOf = ({ hops }: Pick<LedgerReport, 'hops'>, store: string): HopLedger => {
  const hop = hops.find((each) => each.store === store);
  if (hop === undefined) throw new Error(`${store} was not counted`);
  return hop;
};
const namedIn = ({ examples }: HopLedger) =>
  Object.fromEntries(
    ['lost', 'doubled', 'altered', 'alien'].map((kind) => [
      kind,
      examples.flatMap((example) => (example.kind === kind ? [example.id] : [])).sort(),
    ]),
  );
const sorted = (ids: Record<string, readonly string[]>) =>
  Object.fromEntries(Object.entries(ids).map(([kind, list]) => [kind, [...list].sort()]));
const countsOf = ({ dropped, doubled, altered, alien }: Defects) => ({ lost: dropped, doubled, altered, alien });

describe('the ledger', () => {
  it('finds every record of a clean run at every hop, once', async () => {
    const [from, since] = [await startOffsets(bootstrap), Date.now()];
    const options = optionsOf(seeds.clean, since);
    const result = await runGenerator(options);
    const records = recordsOf(engineOf(seeds.clean, since));
    await insert(admin, records.filter(isValid));
    await produce(bootstrap, deadLetters(records.filter(isBad)));
    const expected = await Expectation.of(expectationOptions(options, result));
    const report = await ledgerOf(expected, from, since);
    expect(report).toMatchObject({ lost: 0, doubled: 0, alien: 0, altered: 0 });
    expect(report.sent).toBe(records.filter(isValid).length);
    expect(report.bad).toEqual({ sent: records.filter(isBad).length, deadLetters: records.filter(isBad).length });
    expect(
      report.hops.every(({ examples, found, expected: wanted }) => examples.length === 0 && found === wanted),
    ).toBe(true);
    expect(hopOf(report, 'user_events').expected).toBe(count);
    expect(hopOf(report, 'lambda.user_activity_summary_mv').found).toBeGreaterThanOrEqual(result.valid);
  });

  it('counts and names exactly what is lost, doubled, altered and alien, store by store', async () => {
    const [from, since] = [await startOffsets(bootstrap), Date.now()];
    const engine = engineOf(seeds.planted, since);
    const records = recordsOf(engine);
    const events = records.filter(isValid).filter(ofTopic('user_events'));
    // Re-sends would make one copy of a dropped record remain.
    const resent = new Set(records.filter(({ kind }) => kind === 'duplicate').map(({ value }) => value.toString()));
    const once = events.filter(({ value }) => !resent.has(value.toString()));
    const twice = records.filter(
      ({ kind, value }) => kind === 'duplicate' || (kind === 'valid' && resent.has(value.toString())),
    );
    const sales = records.filter(ofTopic('transactions'));
    const defects = {
      kafkaEvents: { dropped: 5, doubled: 3, altered: 4, alien: 2 },
      kafkaSales: { dropped: 2, doubled: 1, altered: 3, alien: 1 },
      tableEvents: { dropped: 7, doubled: 6, altered: 2, alien: 3 },
      tableSales: { dropped: 1, doubled: 4, altered: 1, alien: 2 },
      letters: { ...noDefects, dropped: 4, doubled: 2 },
    };
    const kafkaEvents = withDefects(once, defects.kafkaEvents);
    const kafkaSales = withDefects(sales, defects.kafkaSales);
    const badOnes = records.filter(isBad);
    await produce(
      bootstrap,
      [...kafkaEvents.records, ...twice, ...badOnes, ...kafkaSales.records].map(({ topic, key, value }) => ({
        topic,
        key,
        value,
      })),
    );

    const tableEvents = withDefects(events, defects.tableEvents);
    const tableSales = withDefects(sales, defects.tableSales);
    await insert(admin, [...tableEvents.records, ...tableSales.records]);
    // A refused record that got through, by its own time weeks away from the run.
    const late = badOnes.filter(({ kind }) => kind === 'late_timestamp').slice(0, 1);
    await insert(admin, late);

    const written = [...badOnes.slice(4), ...badOnes.slice(4, 6), ...events.slice(0, 1)];
    await produce(bootstrap, [...deadLetters(written), ...deadLetters(events.slice(1, 3), -10)]);

    const report = await ledgerOf(await Expectation.of({ engine }), from, since);
    expect(hopOf(report, 'user_events')).toMatchObject(countsOf(defects.kafkaEvents));
    expect(namedIn(hopOf(report, 'user_events'))).toEqual(sorted(kafkaEvents.ids));
    expect(hopOf(report, 'transactions')).toMatchObject(countsOf(defects.kafkaSales));
    expect(namedIn(hopOf(report, 'transactions'))).toEqual(sorted(kafkaSales.ids));
    const table = hopOf(report, 'lambda.user_events_realtime');
    expect(table).toMatchObject({ ...countsOf(defects.tableEvents), alien: 3 + late.length });
    expect(namedIn(table)).toMatchObject({
      ...sorted(tableEvents.ids),
      alien: expect.arrayContaining(tableEvents.ids.alien),
    });
    expect(hopOf(report, 'lambda.transactions_realtime')).toMatchObject(countsOf(defects.tableSales));
    expect(namedIn(hopOf(report, 'lambda.transactions_realtime'))).toEqual(sorted(tableSales.ids));
    expect(hopOf(report, 'user_events.dlq')).toMatchObject({ ...countsOf(defects.letters), alien: 1 });
    expect(report.bad).toEqual({ sent: badOnes.length, deadLetters: badOnes.length - 4 });
    expect(report).toMatchObject({ lost: 7, doubled: 6, alien: 3 + late.length, altered: 4 });
  });

  it('sees revenue by the minute that is a cent too high', async () => {
    const view = 'revenue_by_minute_mv';
    const now = Date.now();
    const look = async () => hopOfView(await countViews(reader, { from: now - 60_000, to: now + 60_000 }), view);
    const clean = await look();
    expect(clean).toMatchObject({ lost: 0, doubled: 0, altered: 0, examples: [] });
    const [original] = await admin.rows<{ sql: string }>(
      `SELECT create_table_query AS sql FROM system.tables WHERE database = 'lambda' AND name = '${view}'`,
    );
    const sql = (original?.sql ?? '').replace('CREATE VIEW', 'CREATE OR REPLACE VIEW');
    try {
      await admin.command(sql.replaceAll(' AS revenue', " + toDecimal128('0.01', 2) AS revenue"));
      const found = await look();
      expect(found).toMatchObject({ lost: 0, doubled: 0 });
      expect(found.altered).toBeGreaterThan(0);
    } finally {
      await admin.command(sql);
    }
    expect(await look()).toEqual(clean);
  });

  it.each(clickhouse.views.filter((view) => view !== 'revenue_by_minute_mv'))(
    'counts what %s counts too few, too many or wrongly',
    async (view) => {
      const now = Date.now();
      const views = async () => {
        return hopOfView(await countViews(reader, { from: now - 60_000, to: now + 60_000 }), view);
      };
      const query = "SELECT create_table_query AS sql FROM system.tables WHERE database = 'lambda' AND name";
      const [original] = await admin.rows<{ sql: string }>(`${query} = '${view}'`);
      if (original === undefined) throw new Error(`${view} does not exist`);
      const rows = 'SELECT * FROM lambda.user_events_realtime';
      const some =
        "event_id IN (SELECT event_id FROM lambda.user_events_realtime WHERE event_type = 'product_view' GROUP BY event_id HAVING count() = 1 ORDER BY event_id LIMIT 5)";
      const over = (from: string, to: string) =>
        admin.command(original.sql.replace('CREATE VIEW', 'CREATE OR REPLACE VIEW').replaceAll(from, to));
      const table = 'FROM lambda.user_events_realtime';
      const clean = await views();
      try {
        expect(clean).toMatchObject({ lost: 0, doubled: 0, examples: [] });
        await over(table, `FROM (${rows} WHERE NOT (${some}))`);
        expect(await views()).toMatchObject({ expected: clean.expected, found: clean.found - 5, lost: 5, doubled: 0 });
        await over(table, `FROM (${rows} UNION ALL ${rows} WHERE ${some})`);
        expect(await views()).toMatchObject({ expected: clean.expected, found: clean.found + 5, lost: 0, doubled: 5 });
        if (clean.altered === null) return;
        await over(
          ' AS revenue',
          " + if(product_id = (SELECT min(toString(product_id)) FROM lambda.transactions_realtime WHERE status = 'completed'), toDecimal128('0.01', 2), 0) AS revenue",
        );
        if (view === 'product_performance_mv') expect(await views()).toMatchObject({ lost: 0, doubled: 0, altered: 1 });
      } finally {
        await over('', '');
      }
      expect(await views()).toEqual(clean);
    },
  );

  it('says that Kafka no longer holds what it should count', async () => {
    const expected = await Expectation.of({ engine: engineOf(seeds.gone, Date.now()), generated: 10 });
    const beyond = { user_events: { 0: -5 } };
    await expect(ledgerOf(expected, beyond, Date.now())).rejects.toMatchObject({ code: 'KAFKA_RECORDS_GONE' });
  });
});
