// End to end: generator → Kafka → Spark → ClickHouse at a rate, on a stack that is up.
//   npm run bench:speed -- --rate 20000 --duration 5m [--warmup 60s] [--stack NAME]
// Prints latency from event time to visible, what was lost or doubled by id, CPU-seconds per million and peak memory.
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { parseDuration } from '../src/core/units.ts';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '20000' },
    duration: { type: 'string', default: '5m' },
    // Latency is that of events after it; the ledger and the CPU are of the whole run.
    warmup: { type: 'string', default: '60s' },
    stack: { type: 'string', default: 'default' },
  },
});
const bin = join(import.meta.dirname, '../bin/lambdactl');

// biome-ignore lint/suspicious/noExplicitAny: the envelope's data, of many shapes
async function ask(...args: string[]): Promise<any> {
  const { stdout } = await execa(bin, [...args, '--json', '--stack', values.stack], { stdin: 'ignore' });
  return JSON.parse(stdout).data;
}
const row = async (sql: string) => (await ask('query', sql)).rows[0];

interface Usage {
  name: string;
  cpuSeconds: number;
  pssBytes: number;
}
const usage = async (): Promise<Usage[]> => (await ask('status')).components;

const before = await usage();
const peak = new Map<string, number>();
let over = false;
const watching = (async () => {
  while (!over) {
    for (const { name, pssBytes } of await usage()) peak.set(name, Math.max(peak.get(name) ?? 0, pssBytes));
    await sleep(5000);
  }
})();
const run = await ask('generate', '--rate', values.rate, '--duration', values.duration);
const window = `timestamp between parseDateTime64BestEffort('${run.startTime}', 3) and parseDateTime64BestEffort('${run.endTime}', 3)`;
for (let seen = -1; ; ) {
  const { ids } = await row(`select uniqExact(event_id) as ids from user_events_realtime where ${window}`);
  if (ids >= run.valid || ids === seen) break;
  seen = ids;
  await sleep(4000);
}
over = true;
await watching;
const after = await usage();

const ledger = await row(
  `select count() as rows, uniqExact(event_id) as ids from user_events_realtime where ${window}`,
);
// All rows of a micro-batch carry its processing_time; the batch's line in speed_batches tells when its last insert was answered:
// every row of it was visible by then, most of them earlier.
const latency = await row(`
  select quantilesExact(0.5, 0.9, 0.95, 0.99, 0.999)(dateDiff('millisecond', timestamp, visible)) as q,
         max(dateDiff('millisecond', timestamp, visible)) as max
  from user_events_realtime
  join (
    select started, argMin(time + toIntervalMillisecond(duration_ms), time) as visible
    from (select distinct processing_time as started from user_events_realtime where ${window}) as micro_batches
    cross join (select time, duration_ms from speed_batches where stream = 'user_events') as ends
    where time >= started group by started
  ) as batches on processing_time = started
  where ${window} and timestamp >= fromUnixTimestamp64Milli(toInt64(${Date.parse(run.startTime) + parseDuration(values.warmup)}))`);
const [p50, p90, p95, p99, p999] = latency.q.map(Number);
const perMillion = (name: string) => {
  const seconds = (list: Usage[]) => list.find((each) => each.name === name)?.cpuSeconds ?? 0;
  return ((seconds(after) - seconds(before)) / run.sent) * 1e6;
};
const result = {
  machine: { cpu: cpus()[0]?.model, cores: availableParallelism(), memoryGiB: Math.round(totalmem() / 2 ** 30) },
  date: new Date().toISOString().slice(0, 10),
  rate: Number(values.rate),
  duration: values.duration,
  warmup: values.warmup,
  achievedRate: Math.round(run.achievedRate),
  generatorLateMsMax: Math.round(run.lateMsMax),
  ledger: { sent: run.valid, lost: run.valid - ledger.ids, doubled: ledger.rows - ledger.ids },
  latencyMs: { p50, p90, p95, p99, p999, max: Number(latency.max) },
  cpuSecondsPerMillion: {
    generator: Number(((run.cpuSeconds / run.sent) * 1e6).toFixed(1)),
    ...Object.fromEntries(after.map(({ name }) => [name, Number(perMillion(name).toFixed(1))])),
  },
  peakMiB: Object.fromEntries([...peak].map(([name, bytes]) => [name, Math.round(bytes / 2 ** 20)])),
};
console.log(JSON.stringify(result, null, 2));
process.exitCode = result.ledger.lost === 0 && result.ledger.doubled === 0 ? 0 : 10;
