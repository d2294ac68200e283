/**
 * What generating costs: node scripts/bench-generate.ts [--sink null|kafka] [--bootstrap host:port] [--rate N|max]
 * [--duration 15s] [--count N] [--compression lz4] [--users N] [--sessions N]
 * CPU is that of the whole process, per million records on user_events; the first seconds, while code is still being
 * compiled, are told apart from the rest.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { RunOptions } from '../src/generator/options.ts';
import { runGenerator } from '../src/generator/run.ts';

const { values } = parseArgs({
  options: {
    sink: { type: 'string', default: 'null' },
    bootstrap: { type: 'string', default: '127.0.0.1:9092' },
    rate: { type: 'string', default: 'max' },
    duration: { type: 'string' },
    count: { type: 'string' },
    compression: { type: 'string', default: 'lz4' },
    users: { type: 'string', default: '10000' },
    sessions: { type: 'string' },
  },
});

const sink =
  values.sink === 'kafka'
    ? { type: 'kafka', bootstrap: values.bootstrap.split(','), compression: values.compression }
    : { type: values.sink };
const count = values.count ?? (values.duration === undefined && values.rate === 'max' ? '3000000' : undefined);
const options = {
  sink,
  rate: values.rate === 'max' ? 'max' : Number(values.rate),
  users: Number(values.users),
  ...(values.sessions !== undefined && { sessions: Number(values.sessions) }),
  ...(count !== undefined && { count: Number(count) }),
  ...(count === undefined && { duration: values.duration ?? '15s' }),
} as RunOptions; // runGenerator checks it

const warmUpMs = 3000;
let cpuAfterWarmUp: NodeJS.CpuUsage | undefined;
let sentInWarmUp = 0;
let warmMs = 0;

const [cpu] = cpus();
console.log(`${cpu?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`);
const result = await runGenerator(options, {
  onProgress: ({ sent, elapsedMs }) => {
    if (cpuAfterWarmUp !== undefined || elapsedMs < warmUpMs) return;
    cpuAfterWarmUp = process.cpuUsage();
    sentInWarmUp = sent;
    warmMs = elapsedMs;
  },
});
const perMillion = (seconds: number, events: number) => `${((seconds * 1e6) / events).toFixed(2)} cpu-s per million`;
const megabytes = (result.bytes / 1e6 / (result.elapsedMs / 1000)).toFixed(0);
console.log(
  `${JSON.stringify(options)}\n` +
    `all: ${result.sent} events in ${(result.elapsedMs / 1000).toFixed(1)} s, ${Math.round(result.achievedRate)}/s, ` +
    `${megabytes} MB/s, ${perMillion(result.cpuSeconds, result.sent)}, late ${result.lateMsMax.toFixed(0)} ms at most`,
);
if (cpuAfterWarmUp !== undefined && result.sent > sentInWarmUp) {
  const { user, system } = process.cpuUsage(cpuAfterWarmUp);
  const events = result.sent - sentInWarmUp;
  const rate = Math.round((events * 1000) / (result.elapsedMs - warmMs));
  console.log(`after ${warmUpMs / 1000} s: ${rate}/s, ${perMillion((user + system) / 1e6, events)}`);
}
