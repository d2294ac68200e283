import { join } from 'node:path';
import { formatDuration } from '../core/units.ts';
import { clickhouse, lake } from '../platform/pipeline.ts';
import { inspectKafka, type KafkaInspector, type Offsets } from '../probes/kafka-inspect.ts';
import { readIfExists } from '../system/files.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { keepSample, trendOf } from './samples.ts';
import { brokersOf, outcome, plural, runs, withClickHouse } from './support.ts';

/** Records that lie unread for longer than this are late, ms; what is younger is work in progress. */
const patience = { speed: 60_000, sink: 120_000 };

interface Reader {
  name: string;
  component: string;
  patienceMs: number;
  /** topic → next offset by partition. */
  read: Readonly<Record<string, Offsets>>;
}

interface Lag {
  reader: Reader;
  topic: string;
  behind: number;
  /** Among them, those unread for longer than the reader's patience. */
  late: number;
}

export const consumerLag: Check = {
  name: 'consumer-lag',
  area: 'data',
  title: 'How far the speed job and the sinks are behind Kafka',
  needs: ['kafka'],
  async run(context) {
    const lags = await inspectKafka(await brokersOf(context), async (kafka) => {
      const readers = await Promise.all([speedReader(context), ...sinkReaders(context, kafka)]);
      return (
        await Promise.all(readers.flatMap((reader) => (reader === null ? [] : [lagsOf(context, kafka, reader)])))
      ).flat();
    });
    const totals = Object.fromEntries(lags.map(({ reader, topic, behind }) => [`${reader.name}/${topic}`, behind]));
    const earlier = await keepSample(context, 'lag', totals);
    const told = [...Map.groupBy(lags, ({ reader }) => reader.name)].map(
      ([name, each]) =>
        `${name} ${plural(
          each.reduce((sum, { behind }) => sum + behind, 0),
          'record',
        )} behind`,
    );
    return outcome(
      told.join(', ') || 'nobody reads yet',
      lags
        .filter(({ late }) => late > 0)
        .map((lag) => lateFinding(context, lag, trendOf(earlier, `${lag.reader.name}/${lag.topic}`))),
    );
  },
};

/** Records that the speed job has left unread for too long, over all topics; 0 where it or Kafka does not run. */
export async function lateForSpeed(context: CheckContext): Promise<number> {
  const reader = runs(context, 'kafka') ? await speedReader(context) : null;
  if (reader === null) return 0;
  const lags = await inspectKafka(await brokersOf(context), (kafka) => lagsOf(context, kafka, reader));
  return lags.reduce((sum, { late }) => sum + late, 0);
}

/** Offsets as the job's last batches recorded them; null where it does not run, which is for another check to say. */
async function speedReader(context: CheckContext): Promise<Reader | null> {
  if (!runs(context, 'spark') || !runs(context, 'clickhouse')) return null;
  const text = await readIfExists(join(context.projectRoot, 'dags-repo', 'spark', 'speed', 'streams.json'));
  // Ours, and checked by the speed job itself.
  const streams = JSON.parse(text ?? '[]') as readonly { name: string; topic: string }[];
  const rows = await withClickHouse(context, (client) =>
    client.rows<{ stream: string; partition: string; next: string }>(
      `SELECT stream, pair.1 AS partition, toString(argMax(pair.2, (time, batch))) AS next FROM
        (SELECT stream, time, batch, arrayJoin(JSONExtractKeysAndValues(offsets, 'UInt64')) AS pair FROM
          (SELECT stream, time, batch, offsets FROM ${clickhouse.database}.speed_batches ORDER BY time DESC LIMIT 2000 BY stream))
        GROUP BY stream, partition`,
    ),
  );
  const read = streams.map(({ name, topic }) => {
    const own = rows.filter(({ stream }) => stream === name);
    return [topic, Object.fromEntries(own.map(({ partition, next }) => [Number(partition), Number(next)]))] as const;
  });
  return { name: 'speed job', component: 'spark', patienceMs: patience.speed, read: Object.fromEntries(read) };
}

function sinkReaders(context: CheckContext, kafka: KafkaInspector): Promise<Reader | null>[] {
  const { profile } = context;
  if (!runs(context, 'connect')) return [];
  const own = Object.entries(profile.connect.connectors).flatMap(([name, { topics }]) =>
    topics === undefined ? [] : [{ name, topics: topics.split(',').map((topic) => topic.trim()) }],
  );
  const archive = { name: lake.connector as string, topics: lake.tables.map(({ topic }) => topic as string) };
  return [...(profile.lake.archive === 'connect' ? [archive] : []), ...own].map(async ({ name, topics }) => {
    const group = `connect-${name}`;
    const committed = (await kafka.committed([group]))[group] ?? {};
    const patienceMs = Math.max(patience.sink, 4 * profile.lake.commitIntervalMs);
    const read = Object.fromEntries(topics.map((topic) => [topic, committed[topic] ?? {}]));
    return { name, component: 'connect', patienceMs, read };
  });
}

async function lagsOf({ now }: CheckContext, kafka: KafkaInspector, reader: Reader): Promise<Lag[]> {
  const topics = Object.keys(reader.read);
  const [ranges, old] = await Promise.all([kafka.ranges(topics), kafka.offsetsBefore(topics, now - reader.patienceMs)]);
  return Object.entries(ranges).map(([topic, { first, end }]) => {
    const read = reader.read[topic] ?? {};
    const missing = (until: Offsets) =>
      Object.entries(until).reduce((sum, [partition, offset]) => {
        const at = Math.max(read[Number(partition)] ?? 0, first[Number(partition)] ?? 0);
        return sum + Math.max(0, offset - at);
      }, 0);
    return { reader, topic, behind: missing(end), late: missing(old[topic] ?? {}) };
  });
}

function lateFinding(context: CheckContext, { reader, topic, behind, late }: Lag, perSecond: number | null): Finding {
  return {
    severity: perSecond !== null && perSecond < 0 ? 'warning' : 'error',
    what: `The ${reader.name} is ${plural(behind, 'record')} behind on ${topic}, ${late.toLocaleString('en-US')} of them for more than ${formatDuration(reader.patienceMs)}; ${direction(behind, perSecond)}`,
    why:
      reader.component === 'spark'
        ? 'Dashboards show the past.'
        : 'The lake, and the batch layer with it, is not complete.',
    fix: { command: commandFor(context, `restart ${reader.component}`), safe: false },
  };
}

/** What becomes of a lag that changes by so many records a second. */
export function direction(behind: number, perSecond: number | null): string {
  if (perSecond === null) return 'run doctor again to see whether it grows';
  const rate = `${Math.round(Math.abs(perSecond)).toLocaleString('en-US')}/s`;
  if (Math.abs(perSecond) < 0.5) return 'it neither grows nor shrinks';
  return perSecond > 0
    ? `growing by ${rate}`
    : `shrinking by ${rate}, caught up in ${formatDuration((behind / -perSecond) * 1000)}`;
}
