import { readdirSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StackPaths } from '../../src/state/paths.ts';
import { look, untilTroubled, words } from '../support/doctor.ts';
import { openPlant, type Plant } from '../support/plant.ts';
import { cliOf, homeOfTests } from './cli.ts';

/**
 * Defects planted one by one in a stack whose parts are all real: doctor names each by exactly the checks that should, then it is
 * mended (by `doctor --fix` where that is safe, else by taking it back), and doctor is content again.
 */
const given = process.env.DOCTOR_STACK;
const stack = given ?? 'e2e-doctor';
const { run, must } = cliOf(stack);
let plant: Plant;
let paths: StackPaths;

const ask = (extra: readonly string[] = []) => look(stack, homeOfTests, extra);
const content = () => untilTroubled([], ask, 180_000);

beforeAll(async () => {
  if (given === undefined) await must('up', '--profile', 'lite', '--any-port');
  plant = await openPlant(stack, homeOfTests);
  paths = plant.paths;
  await content();
});

afterAll(async () => {
  await plant?.close();
  if (given === undefined) await must('down', '--volumes', '--yes');
});

// Nothing of one defect may be taken for the next.
afterEach(content);

interface Defect {
  name: string;
  plant(): Promise<unknown>;
  /** Checks that must speak, and nobody else. */
  checks: readonly string[];
  says: RegExp;
}

const safe: readonly (Defect & { fixedBy?: string })[] = [
  {
    name: 'a deleted connector',
    plant: () => plant.connect('DELETE', '/connectors/lake-sink'),
    checks: ['connectors'],
    says: /connectors: Connector lake-sink is missing/,
  },
  {
    name: 'a connector that was set differently',
    plant: () => plant.changeConnector('lake-sink', { 'iceberg.control.commit.interval-ms': '45000' }),
    checks: ['connectors'],
    says: /Connector lake-sink is set differently from what `up` puts: iceberg\.control\.commit\.interval-ms/,
  },
  {
    name: 'a paused sink while records wait',
    plant: async () => {
      await plant.connect('PUT', '/connectors/lake-sink/pause');
      await plant.product(Date.now() - 3_600_000);
    },
    checks: ['connectors', 'consumer-lag', 'freshness'],
    says: /lake-sink is PAUSED[\s\S]*lake-sink is 1 record behind on cdc\.postgres\.products, 1 of them for more than/,
  },
  {
    name: 'a stopped source, whose slot nobody reads',
    plant: () => plant.connect('PUT', '/connectors/postgres-cdc/stop'),
    checks: ['connectors', 'replication-slot'],
    says: /postgres-cdc is STOPPED[\s\S]*slot lambda_cdc is inactive/,
  },
  {
    name: 'a deleted topic',
    plant: () => plant.deleteTopic('events.processed'),
    checks: ['kafka-topics'],
    says: /1 topic of the pipeline missing: events\.processed/,
  },
  {
    name: 'a topic that keeps records for a day only',
    plant: () => plant.setTopic('user_events', 'retention.ms', '86400000'),
    checks: ['kafka-topics'],
    says: /Topic user_events: retention\.ms is 86400000, declared 604800000/,
  },
  {
    name: 'a deleted subject',
    plant: () => plant.registry('DELETE', '/subjects/events.processed-value'),
    checks: ['registry-subjects'],
    says: /1 subject without a version: events\.processed-value/,
  },
  {
    name: 'a subject without compatibility',
    plant: () => plant.registry('PUT', '/config/user_events-value', { compatibility: 'NONE' }),
    checks: ['registry-subjects'],
    says: /Subject user_events-value has compatibility NONE, declared BACKWARD/,
  },
  {
    name: 'a table that is not published',
    plant: () => plant.sql('ALTER PUBLICATION lambda_cdc DROP TABLE public.products'),
    checks: ['replication-slot'],
    says: /Publication lambda_cdc lacks public\.products/,
  },
  {
    name: 'a table whose changes are not whole',
    plant: () => plant.sql('ALTER TABLE users REPLICA IDENTITY DEFAULT'),
    checks: ['replication-slot'],
    says: /users: changes do not carry the whole row/,
  },
  {
    name: "a role's other password",
    plant: () => plant.sql("ALTER ROLE shop PASSWORD 'somebody-changed-it'"),
    checks: ['logins'],
    says: /PostgreSQL refuses shop: its password is not the one/,
  },
  {
    name: 'a paused DAG',
    plant: () => plant.airflow.setPaused('dlq_watch', true),
    checks: ['airflow-dags'],
    says: /1 DAG paused: dlq_watch/,
  },
  {
    name: 'a migration of the warehouse that is not recorded',
    plant: () => plant.warehouse.command("DELETE FROM RAW.SCHEMA_MIGRATIONS WHERE VERSION = '0003_batches'"),
    checks: ['warehouse'],
    says: /1 migration of the warehouse not applied: 0003_batches/,
  },
];

describe('what --fix mends', () => {
  it.each(safe)('$name', async ({ plant: put, checks, says }) => {
    await put();
    const seen = await untilTroubled(checks, ask);
    expect(words(seen)).toMatch(says);
    const { data } = await run('doctor', ...checks, '--fix', '--timeout', '30s');
    // The first is the cause; what follows from it (a lag) is gone a moment later, which afterEach waits for.
    const cause = data.checks.find(({ name }: { name: string }) => name === checks[0]);
    const told = cause.findings.filter(({ fix }: { fix: { safe: boolean } | null }) => fix?.safe === true);
    expect(told).not.toEqual([]);
    for (const { fixed } of told) expect(fixed).toMatchObject({ ok: true });
  });

  it('a component that is halted', async () => {
    await plant.halt('objectstore');
    const seen = await untilTroubled(['answers', 'object-store', 'lake-tables', 'freshness'], ask);
    expect(words(seen)).toMatch(/answers: objectstore runs and does not answer/);
    await run('doctor', 'answers', '--fix', '--timeout', '30s');
  });
});

interface Undone extends Defect {
  undo(): Promise<unknown>;
}

const shown: readonly Undone[] = [
  {
    name: 'a migration that was edited after it was applied',
    plant: () => plant.editMigration('0003_events_speed', "concat('x', checksum)"),
    undo: () => plant.editMigration('0003_events_speed', 'substring(checksum, 2)'),
    checks: ['clickhouse-schema'],
    says: /Migration 0003_events_speed of ClickHouse is not what was applied/,
  },
  {
    name: 'a dropped column',
    plant: () => plant.clickhouse.command('ALTER TABLE lambda.events_speed DROP COLUMN metadata'),
    undo: () => plant.clickhouse.command('ALTER TABLE lambda.events_speed ADD COLUMN metadata JSON AFTER data'),
    checks: ['clickhouse-schema'],
    says: /Table events_speed of ClickHouse lacks 1 column of schemas\/external_event\.schema\.json: metadata/,
  },
  {
    name: 'a dropped projection',
    plant: () => plant.clickhouse.command('ALTER TABLE lambda.transactions_realtime DROP PROJECTION product'),
    undo: () => plant.restoreProjection('transactions_realtime', 'product'),
    checks: ['clickhouse-schema'],
    says: /1 projection of ClickHouse missing: transactions_realtime\.product/,
  },
  {
    name: 'a dropped view',
    plant: () => plant.clickhouse.command('DROP VIEW lambda.tier_activity_mv'),
    undo: () => plant.restoreView('tier_activity_mv'),
    checks: ['clickhouse-schema'],
    says: /ClickHouse lacks tier_activity_mv/,
  },
  {
    name: 'a broken part',
    plant: () => plant.brokenPart('transactions_realtime', true),
    undo: () => plant.brokenPart('transactions_realtime', false),
    checks: ['clickhouse-parts'],
    says: /1 part of ClickHouse set aside as broken: transactions_realtime\/broken/,
  },
  {
    name: 'an edited migration of the warehouse',
    plant: () =>
      plant.warehouse.command("UPDATE RAW.SCHEMA_MIGRATIONS SET CHECKSUM = 'x' || CHECKSUM WHERE VERSION = '0001_raw'"),
    undo: () =>
      plant.warehouse.command(
        "UPDATE RAW.SCHEMA_MIGRATIONS SET CHECKSUM = SUBSTR(CHECKSUM, 2) WHERE VERSION = '0001_raw'",
      ),
    checks: ['warehouse'],
    says: /Migration 0001_raw of the warehouse is not what was applied/,
  },
  {
    name: 'a table of the warehouse that is gone',
    plant: () => plant.warehouse.command('ALTER TABLE RAW.PRODUCTS RENAME TO RAW.PRODUCTS_AWAY'),
    undo: () => plant.warehouse.command('ALTER TABLE RAW.PRODUCTS_AWAY RENAME TO RAW.PRODUCTS'),
    checks: ['warehouse'],
    says: /The warehouse lacks RAW\.PRODUCTS although/,
  },
  {
    name: 'records that nobody can read',
    plant: () => plant.poison(3),
    undo: () => plant.purge('user_events.dlq'),
    checks: ['dead-letters'],
    says: /3 dead letters in user_events\.dlq within the last hour \(3 in all\); of the last 3: \S+ 3, e\.g\. /,
  },
  {
    name: 'a transaction that somebody left open',
    plant: () => plant.openTransaction(),
    undo: () => plant.closeTransaction(),
    checks: ['postgres-sessions'],
    says: /A transaction of forgetful on shop \(pid \d+\) is idle in transaction for \d+\.\d s: /,
  },
  {
    name: 'a DAG with a syntax error',
    plant: () => plant.pushDag('broken.py', 'def broken(:\n'),
    undo: () => plant.pushDag('broken.py', null),
    checks: ['airflow-dags'],
    says: /A DAG file cannot be loaded: dags\/broken\.py:1: SyntaxError/,
  },
];

describe('what it names for a person to mend', () => {
  it.each(shown)('$name', async ({ plant: put, undo, checks, says }) => {
    await put();
    try {
      const seen = await untilTroubled(checks, ask, 180_000);
      expect(words(seen)).toMatch(says);
    } finally {
      await undo();
    }
  });

  it('a checkpoint that is cut off', async () => {
    const log = join(paths.dir('spark', 'data'), 'checkpoint', 'offsets');
    const last = Math.max(
      ...readdirSync(log)
        .filter((name) => /^\d+$/.test(name))
        .map(Number),
    );
    const file = join(log, String(last));
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, whole.length - 10));
    try {
      expect(words(await untilTroubled(['speed-checkpoint'], ask))).toContain(`damaged: offsets/${last} is cut off`);
    } finally {
      await writeFile(file, whole);
    }
  });

  it('layers that differed when they were compared', async () => {
    // Behind any day that Airflow has processed meanwhile: the newest is what counts.
    const folder = join(paths.stackDir, 'reconcile', '2999-01-01');
    const report = {
      version: 1,
      startedAt: '2026-01-02T00:00:00.000Z',
      verdict: 'differ',
      dates: [{ entities: [{ consistencyPercent: 97.5 }] }],
    };
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, '2026-01-02T00-00-00.000Z.json'), JSON.stringify(report));
    try {
      expect(words(await untilTroubled(['reconcile-result'], ask))).toMatch(
        /differ on 2999-01-01 \(differ, 97\.5 % consistent/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('a disk that will be full in days', async () => {
    const file = join(paths.dir('doctor', 'cache'), 'disk.json');
    await mkdir(join(file, '..'), { recursive: true });
    const empty = Object.fromEntries(readdirSync(join(paths.stackDir, 'data')).map((name) => [name, 0]));
    const kept = await readFile(file).catch(() => null);
    // Eleven minutes ago there was a lot less: the rate carried on fills any disk within a week.
    await writeFile(file, JSON.stringify([{ time: Date.now() - 660_000, values: { ...empty, total: -1e13 } }]));
    try {
      const seen = await untilTroubled(['disk-growth'], () => ask(['disk-growth']));
      expect(words(seen)).toMatch(/The disk will be full in .* at the present rate/);
    } finally {
      await (kept === null ? rm(file) : writeFile(file, kept));
    }
  });
});
