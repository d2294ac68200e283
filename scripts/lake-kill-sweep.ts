/**
 * Fills a running stack's topics with known records, kills in the middle of it what the archive consists of, and compares the lake
 * with Kafka: every record in its table or in `rejected`, exactly once. Exit code 1 on any difference.
 *
 *   node scripts/lake-kill-sweep.ts [--stack NAME] [--rate 20000] [--seconds 120] [--kills connect,kafka,objectstore,postgres,connect]
 *        [--outage 10] [--wait 900]
 *
 * The stack has profile `lake.archive: connect` and is up. Each of --kills is killed -9 once, evenly over the time; then the object
 * store is kept away for --outage seconds. Users, products and changes must be written by others (`seed`, `generate cdc`).
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { lake } from '../src/platform/pipeline.ts';
import { endOffsets } from '../src/probes/kafka.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values: flags } = parseArgs({
  options: {
    stack: { type: 'string', default: process.env.LAMBDACTL_STACK ?? 'default' },
    rate: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '120' },
    kills: { type: 'string', default: 'connect,kafka,objectstore,postgres,connect' },
    outage: { type: 'string', default: '10' },
    wait: { type: 'string', default: '900' },
  },
});

interface Connection {
  component: string;
  protocol: string;
  url: string;
  user: string | null;
  password: string | null;
}
type Counts = Record<string, { rows: number; offsets: number }>;

const lambdactl = join(root, 'bin', 'lambdactl');
const log = (text: string) => console.error(`${new Date().toISOString()} ${text}`);

/** `data` of a command's envelope. */
function ask(...args: string[]): Record<string, unknown> {
  const text = execFileSync(lambdactl, [...args, '--stack', flags.stack, '--json'], { encoding: 'utf8' });
  return JSON.parse(text).data;
}

const connections = ask('connections', '--show-passwords').connections as Connection[]; // the command's contract
function connection(component: string, protocol: string): Connection {
  const found = connections.find((each) => each.component === component && each.protocol === protocol);
  if (found === undefined) throw new Error(`the stack has no ${component} ${protocol}`);
  return found;
}
const bootstrap = connection('kafka', 'kafka').url.split(',');

/** Of the process that runs now. */
function pidOf(instance: string): number | null {
  const components = ask('status').components as { name: string; pid: number | null }[]; // the command's contract
  return components.find(({ name }) => name === instance)?.pid ?? null;
}

function kill(instance: string): void {
  const pid = pidOf(instance);
  log(`kill -9 ${instance} (${pid ?? 'not running'})`);
  if (pid === null) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function keepAway(instance: string, ms: number): Promise<void> {
  log(`${instance} away for ${ms / 1000} s`);
  const end = Date.now() + ms;
  for (; Date.now() < end; await sleep(300)) kill(instance);
}

/** The worker's own class path counts, and what it was given: nothing else has to be installed. */
function counter(scratch: string): () => Counts {
  const worker = pidOf('connect');
  if (worker === null) throw new Error('connect does not run');
  const command = readFileSync(`/proc/${worker}/cmdline`, 'utf8').split('\0');
  const java = command[0] ?? '';
  const classPath = command[command.indexOf('-cp') + 1] ?? '';
  const ecj = join(dirname(java), '../../../ecj');
  const compiler = readdirSync(ecj, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith('.jar')) ?? '';
  const source = join(root, 'scripts', 'LakeCount.java');
  const options = ['--release', '21', '-nowarn', '-cp', classPath, '-d', scratch, source];
  execFileSync(java, ['-jar', join(ecj, compiler), ...options], { stdio: 'inherit' });
  const catalog = connection('postgres', 'lake');
  const store = connection('objectstore', 's3');
  const env = {
    LAKE_CATALOG_catalog__impl: 'org.apache.iceberg.jdbc.JdbcCatalog',
    LAKE_CATALOG_uri: `jdbc:${catalog.url}`,
    LAKE_CATALOG_jdbc_user: catalog.user ?? '',
    LAKE_CATALOG_jdbc_password: catalog.password ?? '',
    LAKE_CATALOG_jdbc_schema__version: 'V1',
    LAKE_CATALOG_warehouse: 's3://lake/iceberg',
    LAKE_CATALOG_io__impl: 'org.apache.iceberg.aws.s3.S3FileIO',
    LAKE_CATALOG_s3_endpoint: store.url,
    LAKE_CATALOG_s3_path__style__access: 'true',
    LAKE_CATALOG_s3_access__key__id: store.user ?? '',
    LAKE_CATALOG_s3_secret__access__key: store.password ?? '',
    LAKE_CATALOG_client_region: 'us-east-1',
  };
  const tables = lake.tables.map(({ name, topic }) => `${name}=${topic}`);
  const args = ['-Xmx768m', '-cp', `${classPath}:${scratch}`, 'LakeCount', lake.namespace, lake.rejected, ...tables];
  const run = () => execFileSync(java, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return () => JSON.parse(run().trim().split('\n').at(-1) ?? '{}');
}

/** What Kafka held at the end and the lake lacks or has twice; a compacted topic's older values may be gone from Kafka, not from here. */
async function compare(counts: Counts): Promise<string[]> {
  const ends = await endOffsets(
    bootstrap,
    lake.tables.map(({ topic }) => topic),
  );
  return Object.entries(ends).flatMap(([topic, partitions]) =>
    Object.entries(partitions).flatMap(([partition, end]) => {
      const { rows = 0, offsets = 0 } = counts[`${topic}/${partition}`] ?? {};
      if (rows === offsets && offsets === end) return [];
      return [`${topic}/${partition}: ${end} records, ${end - offsets} missing, ${rows - offsets} doubled`];
    }),
  );
}

const scratch = mkdtempSync(join(tmpdir(), 'lake-kill-sweep-'));
try {
  const count = counter(scratch);
  const seconds = Number(flags.seconds);
  const generate = [
    'generate',
    '--stack',
    flags.stack,
    '--rate',
    flags.rate,
    '--duration',
    `${seconds}s`,
    '--bad-rate',
    '0.02',
  ];
  const generator = spawn(lambdactl, [...generate, '--json'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const generated = new Promise<void>((done) => generator.once('exit', () => done()));
  const kills = flags.kills.split(',').filter((name) => name !== '');
  for (const instance of kills) {
    await sleep((seconds * 1000) / (kills.length + 2));
    kill(instance);
  }
  await sleep((seconds * 1000) / (kills.length + 2));
  if (Number(flags.outage) > 0) await keepAway('objectstore', Number(flags.outage) * 1000);
  await generated;
  log('generated; waiting for the lake');
  const started = Date.now();
  let differences: string[] = [];
  do {
    await sleep(3000);
    differences = await compare(count());
    log(`${differences.length} partitions differ`);
  } while (differences.length > 0 && Date.now() - started < Number(flags.wait) * 1000);
  const counts = Object.values(count());
  const rows = counts.reduce((sum, each) => sum + each.rows, 0);
  const doubled = counts.reduce((sum, each) => sum + each.rows - each.offsets, 0);
  const restarts: unknown = await (await fetch(`${connection('connect', 'rest').url}/restarts`)).json();
  console.log(JSON.stringify({ rows, doubled, differences, caughtUpAfterMs: Date.now() - started, restarts }, null, 2));
  process.exitCode = differences.length > 0 || doubled > 0 ? 1 : 0;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
