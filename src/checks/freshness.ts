import { formatDuration } from '../core/units.ts';
import { clickhouse, lake, warehouse } from '../platform/pipeline.ts';
import { inspectKafka } from '../probes/kafka-inspect.ts';
import { openWarehouse } from '../probes/snowflake.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { tablesOf } from './lake-tables.ts';
import { brokersOf, outcome, runs, withClickHouse } from './support.ts';

/** The speed layer may be this much older than Kafka's newest record, ms. */
const speedLimitMs = 60_000;
/** A day is loaded by the nightly batch; from this hour (UTC) on it should have been. */
const loadedByHour = 6;
const dayMs = 86_400_000;

export const freshness: Check = {
  name: 'freshness',
  area: 'data',
  title: 'How old the newest data of each layer is, against Kafka',
  needs: ['kafka'],
  async run(context) {
    const brokers = await brokersOf(context);
    const topics = lake.tables.map(({ topic }) => topic as string);
    const yesterday = Math.floor(context.now / dayMs) * dayMs - dayMs;
    const { newest, ofYesterday } = await inspectKafka(brokers, async (kafka) => {
      const [times, since, today] = await Promise.all([
        kafka.newest(topics),
        kafka.countSince(topics, yesterday),
        kafka.countSince(topics, yesterday + dayMs),
      ]);
      return { newest: times, ofYesterday: total(since) - total(today) };
    });
    const layers = await Promise.all([
      speedLayer(context, newest),
      lakeLayer(context, newest),
      rawLayer(context, yesterday, ofYesterday),
    ]);
    const last = Math.max(0, ...Object.values(newest));
    const idle = last === 0 ? 'Kafka holds nothing yet' : `Kafka's newest record is ${ago(context, last)} old`;
    return outcome(
      [idle, ...layers.flatMap(({ detail }) => detail ?? [])].join('; '),
      layers.flatMap(({ findings }) => findings),
    );
  },
};

interface Layer {
  detail: string | null;
  findings: readonly Finding[];
}
const unseen: Layer = { detail: null, findings: [] };

const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, each) => sum + each, 0);
const ago = ({ now }: CheckContext, time: number) => formatDuration(Math.max(0, now - time));

/** Every micro-batch leaves a row, so the newest one says when records were last written; nothing newer in Kafka is no delay. */
async function speedLayer(context: CheckContext, newest: Readonly<Record<string, number>>): Promise<Layer> {
  if (!runs(context, 'clickhouse') || !runs(context, 'spark')) return unseen;
  const [row] = await withClickHouse(context, (client) =>
    client.rows<{ at: string }>(
      `SELECT toString(toUnixTimestamp64Milli(max(time))) AS at FROM ${clickhouse.database}.speed_batches`,
    ),
  );
  const written = Number(row?.at ?? 0);
  const streams = ['user_events', 'transactions', 'events.raw'];
  const arrived = Math.max(0, ...streams.map((topic) => newest[topic] ?? 0));
  const detail =
    written <= 0 ? 'no batch of the speed layer yet' : `last batch of the speed layer ${ago(context, written)} ago`;
  // A record that has waited for less than the limit is work in progress.
  if (arrived <= written || context.now - arrived < speedLimitMs) return { detail, findings: [] };
  return {
    detail,
    findings: [
      {
        severity: 'error',
        what: `The speed layer is stale: Kafka's newest record came ${ago(context, arrived)} ago, the last batch was ${written <= 0 ? 'never' : `${ago(context, written)} ago`}`,
        why: 'Dashboards show the past.',
        fix: { command: commandFor(context, 'doctor speed-job consumer-lag'), safe: false },
      },
    ],
  };
}

async function lakeLayer(context: CheckContext, newest: Readonly<Record<string, number>>): Promise<Layer> {
  const { archive, commitIntervalMs, storage } = context.profile.lake;
  const stores = storage.kind === 'embedded' && runs(context, 'postgres') && runs(context, 'objectstore');
  if (archive !== 'connect' || !stores || !runs(context, 'connect')) return unseen;
  const tables = await tablesOf(context);
  const limit = Math.max(120_000, 4 * commitIntervalMs);
  // Over all tables: records that fit no schema go to another one than their topic's, and lag by topic is another check's.
  const last = Math.max(0, ...tables.map(({ newestAt }) => newestAt ?? 0));
  const arrived = Math.max(0, ...Object.values(newest));
  const detail = last === 0 ? 'lake empty' : `lake committed ${ago(context, last)} ago`;
  if (arrived <= last || context.now - arrived < limit) return { detail, findings: [] };
  return {
    detail,
    findings: [
      {
        severity: 'error',
        what: `The lake's commits have stalled: Kafka's newest record came ${ago(context, arrived)} ago, the last commit was ${last === 0 ? 'never' : `${ago(context, last)} ago`}`,
        why: 'The batch layer works on what the lake holds; reports of today stay incomplete.',
        fix: { command: commandFor(context, 'restart connect'), safe: true },
      },
    ],
  };
}

async function rawLayer(context: CheckContext, yesterday: number, records: number): Promise<Layer> {
  if (!runs(context, 'warehouse')) return unseen;
  const { url, user, password } = await context.endpoint('warehouse', 'snowflake');
  const name = user ?? '';
  const database = warehouse.database;
  const client = await openWarehouse({
    target: 'embedded',
    url,
    user: name,
    password: password ?? '',
    role: name,
    database,
  });
  const rows = await client
    .rows(`SELECT MAX(DATE) AS NEWEST FROM ${database}.${warehouse.schemas.raw}.BATCHES`)
    .finally(() => client.close());
  const newest = rows[0]?.NEWEST ?? null;
  const date = new Date(yesterday).toISOString().slice(0, 10);
  const detail = newest === null ? 'no batch loaded yet' : `warehouse loaded up to ${newest}`;
  const due = context.now - yesterday > dayMs + loadedByHour * 3_600_000;
  // Records that came yesterday; their event times may be another day's, which the batch of that day brings.
  if (!due || records === 0 || (newest !== null && String(newest) >= date)) return { detail, findings: [] };
  return {
    detail,
    findings: [
      {
        severity: 'warning',
        what: `The warehouse has no batch of ${date}, of which Kafka holds ${records.toLocaleString('en-US')} records (${detail})`,
        why: 'The marts lack that day. The nightly batch did not run, or failed.',
        fix: { command: commandFor(context, `batch run --date ${date}`), safe: false },
      },
    ],
  };
}
