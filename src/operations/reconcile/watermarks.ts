import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../core/errors.ts';
import type { Watermarks } from '../../core/reconcile-report.ts';
import { hasProcess } from '../../core/service-spec.ts';
import { clickhouse, lake, warehouse } from '../../platform/pipeline.ts';
import { endOffsets } from '../../probes/kafka.ts';
import { type EntityName, layoutOf } from '../../reconcile/entities.ts';
import { type Ask, allRows } from '../../reconcile/sides.ts';
import { readIfExists } from '../../system/files.ts';
import { brokersOf } from '../brokers.ts';
import type { OpenStack } from '../stack.ts';
import { projectRoot } from '../stack.ts';

/** The speed layer is given this long to write what Kafka held when it was asked, ms. */
const patienceMs = 30_000;
const askEveryMs = 1000;
/** The newest batches of the speed job in which a partition's offset is looked for; a restarted job names only what it read. */
const batchesLookedAt = 20_000;

type Offsets = Readonly<Record<number, number>>;

/** Whether the speed layer has written everything that Kafka held when this began; waits a little for it. */
export async function speedWatermark(
  stack: OpenStack,
  ask: Ask,
  entities: readonly EntityName[],
  signal: AbortSignal,
): Promise<Watermarks['speed']> {
  const topics = new Map(entities.map((name) => [topicOf(name), name]));
  const ends = await kafkaEnds(stack, [...topics.keys()]);
  if (typeof ends === 'string') return { passed: null, behind: null, detail: ends };
  const streams = await streamNames();
  const deadline = performance.now() + patienceMs;
  for (;;) {
    let behind = 0;
    for (const [topic, offsets] of Object.entries(ends)) {
      behind += lag(offsets, await recordedOffsets(ask, streams.get(topic) ?? topic));
    }
    if (behind === 0) return { passed: true, behind, detail: 'everything that Kafka held is written' };
    signal.throwIfAborted();
    if (performance.now() > deadline) {
      return { passed: false, behind, detail: `${behind} records of Kafka are not written yet` };
    }
    await sleep(askEveryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Records between what was written and the end of a topic. */
export function lag(ends: Offsets, recorded: ReadonlyMap<number, number>): number {
  return Object.entries(ends).reduce(
    (sum, [partition, end]) => sum + Math.max(0, end - (recorded.get(Number(partition)) ?? 0)),
    0,
  );
}

function topicOf(name: EntityName): string {
  const table = lake.tables.find((each) => each.name === name);
  if (table === undefined) throw new Error(`the pipeline does not declare ${name}`);
  return table.topic;
}

/** @returns a sentence where nobody can tell */
async function kafkaEnds(stack: OpenStack, topics: readonly string[]): Promise<Record<string, Offsets> | string> {
  const { services } = await stack.runtime.observe();
  const runs = services.some((each) => each.component === 'kafka' && hasProcess(each));
  if (!runs) return 'Kafka does not run: ClickHouse is taken as it is';
  try {
    return await endOffsets(await brokersOf(stack.runtime), topics);
  } catch (error) {
    return `Kafka does not tell its offsets (${messageOf(error)}): ClickHouse is taken as it is`;
  }
}

/** Topic → the speed job's name of the stream. */
async function streamNames(): Promise<ReadonlyMap<string, string>> {
  const text = await readIfExists(join(projectRoot, 'dags-repo', 'spark', 'speed', 'streams.json'));
  // Ours, and checked by the speed job itself.
  const streams = JSON.parse(text ?? '[]') as readonly { name: string; topic: string }[];
  return new Map(streams.map(({ name, topic }) => [topic, name]));
}

/** Next offset by partition, as the speed job's last batches left it. */
async function recordedOffsets(ask: Ask, stream: string): Promise<ReadonlyMap<number, number>> {
  const newest = `SELECT time, offsets FROM ${clickhouse.database}.speed_batches WHERE stream = '${stream}' ORDER BY time DESC LIMIT ${batchesLookedAt}`;
  const pairs = `SELECT time, arrayJoin(JSONExtractKeysAndValues(offsets, 'UInt64')) AS pair FROM (${newest})`;
  const rows = await allRows(
    ask(`SELECT pair.1 AS part, toString(argMax(pair.2, time)) AS next FROM (${pairs}) GROUP BY part`),
  );
  return new Map(rows.map(([partition, next]) => [Number(partition), Number(next)]));
}

/** The newest batch of a date. */
export interface BatchRow {
  id: string;
  /** Epoch ms: what Kafka held then is in the batch. */
  lakeTime: number;
}

/** @returns null when no batch of the date was loaded */
export async function batchOf(ask: Ask, date: string): Promise<BatchRow | null> {
  const table = `${warehouse.schemas.raw}.BATCHES`;
  const [row] = await allRows(
    ask(
      `SELECT t.BATCH_ID AS ID, TO_VARCHAR(DATE_PART(EPOCH_MILLISECOND, DATE_TRUNC('MILLISECOND', t.LAKE_TIME))) AS LAKE_MS FROM ${table} AS t ` +
        `WHERE t.DATE = '${date}'::DATE ORDER BY t.FINISHED_AT DESC LIMIT 1`,
    ),
  );
  return row?.[1] === null || row?.[1] === undefined ? null : { id: row[0] ?? '', lakeTime: Number(row[1]) };
}

/** Names of the entities' columns in ClickHouse and their types; in the warehouse by lower-case name. */
export async function presentColumns(speed: Ask, batch: Ask, name: EntityName) {
  const { speedTable, batchTable } = layoutOf(name);
  const [schema = '', table = ''] = batchTable.split('.');
  const [described, listed] = await Promise.all([
    allRows(speed(`DESCRIBE TABLE ${speedTable}`)),
    allRows(
      batch(
        `SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = '${schema}' AND TABLE_NAME = '${table}'`,
      ),
    ),
  ]);
  return {
    speed: new Map(described.map(([column, type]) => [column ?? '', type ?? ''])),
    batch: new Set(listed.map(([column]) => (column ?? '').toLowerCase())),
  };
}
