import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';

/**
 * One day through the batch layer of a stack that is up: generate, lake, Spark, load, dbt, quality, reconcile.
 * Prints seconds by step, cpu-seconds per million events by component while generating, and memory (PSS).
 * npm run bench:batch -- --events 1000000 --rate 20000 [--stack NAME]
 */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '20000' },
    stack: { type: 'string', default: 'default' },
  },
});
const bin = join(import.meta.dirname, '../bin/lambdactl');

// biome-ignore lint/suspicious/noExplicitAny: envelopes of several commands, printed and not kept
async function ask(...args: string[]): Promise<any> {
  const { stdout, exitCode } = await execa(bin, [...args, '--json', '--stack', values.stack], {
    reject: false,
    maxBuffer: 100_000_000,
  });
  const envelope = JSON.parse(stdout);
  if (envelope.data === null) throw new Error(`${args.join(' ')} → ${exitCode}: ${JSON.stringify(envelope.error)}`);
  return envelope.data;
}

const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
const seconds = (ms: number) => (ms / 1000).toFixed(1);

/** PSS of the batch layer's jobs, which no supervisor counts. */
function jobsPss(): number {
  let sum = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (!/lambdactl\.(batch\.BatchJob|lake\.LakeTool)|dbt\.cli\.main/.test(command)) continue;
      if (!command.includes(`/stacks/${values.stack}/`)) continue;
      sum += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;
    } catch {
      // It has ended.
    }
  }
  return sum;
}

const idle = await ask('status');
console.log(`${cpus().length} cores (${cpus()[0]?.model}), ${new Date().toISOString()}, stack ${values.stack}`);
console.log(`before: ${mebibytes(idle.totals.pssBytes)} MiB PSS`);

interface Component {
  component: string;
  cpuSeconds: number | null;
}
const cpuOf = (status: { components: Component[] }) => {
  const sums = new Map<string, number>();
  for (const { component, cpuSeconds } of status.components)
    sums.set(component, (sums.get(component) ?? 0) + (cpuSeconds ?? 0));
  return sums;
};
const generated = await ask('generate', '--rate', values.rate, '--count', values.events);
const check = await ask('batch', 'check', '--date', 'today');
const after = cpuOf(await ask('status'));
const before = cpuOf(idle);
const millions = generated.sent / 1e6;
const costs = [...after].map(([name, cpu]) => [name, (cpu - (before.get(name) ?? 0)) / millions] as const);
console.log(
  `generated ${generated.sent} events at ${Math.round(generated.achievedRate)}/s; the lake held them ${seconds(check.check.waitedMs)} s after the check began`,
);
console.log(
  `cpu-s/M: ${costs.map(([name, cost]) => `${name} ${cost.toFixed(1)}`).join(', ')}; all ${costs.reduce((sum, [, cost]) => sum + cost, 0).toFixed(1)} (generator not counted)`,
);

let peak = 0;
let peakJobs = 0;
const sampler = setInterval(() => {
  const jobs = jobsPss();
  peakJobs = Math.max(peakJobs, jobs);
  execa(bin, ['status', '--json', '--stack', values.stack], { reject: false })
    .then(({ stdout }) => {
      peak = Math.max(peak, JSON.parse(stdout).data.totals.pssBytes + jobs);
    })
    .catch(() => {});
}, 4000);
const batch = await ask('batch', 'run', '--date', 'today');
clearInterval(sampler);
const steps = Object.entries(batch.stepMs as Record<string, number>).map(([name, ms]) => `${name} ${seconds(ms)}`);
console.log(
  `batch of ${batch.spark.rows} rows: ${steps.join(', ')}; ${seconds(batch.elapsedMs)} s in all, ok ${batch.ok}`,
);
const copy = (batch.load as { elapsedMs: number }[]).reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
console.log(
  `DELETE and COPY of all tables ${seconds(copy)} s; memory at most ${mebibytes(peak)} MiB, of which jobs ${mebibytes(peakJobs)} MiB`,
);
const reconciled = await ask('reconcile', '--date', 'today');
for (const { entity, rows, consistencyPercent, elapsedMs } of reconciled.dates[0].entities) {
  console.log(
    `reconcile ${entity}: ${rows.speed} ⇄ ${rows.batch} rows, ${consistencyPercent} %, verdict ${seconds(elapsedMs.verdict)} s`,
  );
}
