import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliOf, homeOfTests, processesOf, until } from './cli.ts';

// Every scenario once, short, on real components. What is asserted is what was counted, never how long it took: the profile's
// thresholds are far away, so that the verdict is the ledger's.
const stack = `e2e-bench-${process.pid}`;
const { start, run, must } = cliOf(stack);
const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-bench-'));
const profile = join(scratch, 'patient.yaml');
const kept: string[] = [];

const patient = `extends: lite
name: patient
bench:
  speed: { p95Ms: 600000, p99Ms: 600000 }
  query: { p95Ms: 600000 }
  cdc: { p99Ms: 600000 }
  batch: { totalMs: 3600000 }
  ingest: { minimumRate: 1 }
`;

beforeAll(async () => {
  writeFileSync(profile, patient);
  const refused = await run('bench', 'speed');
  expect(refused).toMatchObject({ exitCode: 20, error: { code: 'NOT_UP' } });
  await must('up', '--any-port', '--profile', profile, '--without', 'airflow', '--without', 'warehouse');
  await must('seed', '--users', '500', '--products', '50', '--days', '1');
});

afterAll(async () => {
  await run('down', '--volumes', '--yes');
  for (const id of kept) rmSync(join(homeOfTests, 'bench', `${id}.json`), { force: true });
  rmSync(scratch, { recursive: true, force: true });
  expect(processesOf(stack)).toEqual([]);
});

const clean = { lost: 0, doubled: 0, alien: 0, altered: 0 };

async function bench(...args: string[]) {
  const answer = await run('bench', ...args);
  if (answer.data !== null) kept.push(answer.data.id);
  if (answer.exitCode !== 0)
    throw new Error(`${answer.stderr}\n${JSON.stringify(answer.error ?? answer.data, null, 1)}`);
  return answer.data;
}

describe('bench', () => {
  it('speed: every id is where it should be, and every hop has its latency', async () => {
    const data = await bench('speed', '--rate', '1000', '--duration', '15s', '--warmup', '5s', '--seed', '11');
    expect(data).toMatchObject({
      scenario: 'speed',
      verdict: 'pass',
      partial: false,
      request: { seed: 11, rate: 1000 },
    });
    expect(data.ledger).toMatchObject(clean);
    expect(data.ledger.sent).toBeGreaterThan(20_000);
    const hops: { hop: string; store: string; expected: number }[] = data.ledger.hops;
    expect(hops.map(({ store }) => store)).toEqual(
      expect.arrayContaining([
        'user_events',
        'transactions',
        'lambda.user_events_realtime',
        'lambda.transactions_realtime',
      ]),
    );
    for (const view of [
      'user_activity_summary_mv',
      'conversion_funnel_mv',
      'product_performance_mv',
      'sessions_realtime',
    ]) {
      expect(hops.map(({ store }) => store)).toContain(`lambda.${view}`);
    }
    expect(hops.some(({ hop }) => hop === 'lake')).toBe(true);
    expect(Object.keys(data.latencyMs.hops)).toEqual(expect.arrayContaining(['kafka', 'clickhouse', 'lake']));
    const { p50, p95, p99, max } = data.latencyMs;
    expect([p50, p95, p99, max].toSorted((a, b) => a - b)).toEqual([p50, p95, p99, max]);
    // The warm-up's five seconds are in the ledger and not in the latencies.
    expect(data.latencyMs.count).toBeLessThan(16_000);
    expect(data.resources.components.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['generator', 'kafka', 'spark', 'clickhouse', 'connect']),
    );
    expect(data.series.length).toBeGreaterThan(5);
    expect(data.environment).toMatchObject({ lockHash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it('cdc and query: nothing lost, and no wrong answer', async () => {
    const cdc = await bench('cdc', '--rate', '100', '--duration', '10s', '--warmup', '2s');
    expect(cdc.ledger).toMatchObject(clean);
    expect(cdc.latencyMs.count).toBeGreaterThan(0);
    const query = await bench('query', '--rate', '500', '--duration', '10s', '--warmup', '2s', '--concurrency', '2');
    expect(query.queries.length).toBeGreaterThan(5);
    expect(query.queries.every(({ errors }: { errors: number }) => errors === 0)).toBe(true);
  });

  it("ingest: beside Kafka's own benchmark, in topics that are gone afterwards", async () => {
    const data = await bench('ingest', '--rate', '5000', '--duration', '6s', '--warmup', '2s');
    expect(data.ledger).toMatchObject(clean);
    expect(data.reference[0]).toMatchObject({ name: 'kafka-producer-perf-test' });
    expect(data.reference[0].rate).toBeGreaterThan(0);
  });

  it('is told what was asked wrongly, and changes nothing', async () => {
    const wrong: [string[], string][] = [
      [['speed', '--rate', '0'], 'BAD_RATE'],
      [['speed', '--rate', '-1'], 'BAD_RATE'],
      [['speed', '--rate', '5000000'], 'BAD_RATE'],
      [['speed', '--duration', '60'], 'DURATION_INVALID'],
      [['sped'], 'BENCH_UNKNOWN_SCENARIO'],
      [['speed', '--compare', 'nothing-like-it'], 'BENCH_UNKNOWN'],
    ];
    for (const [args, code] of wrong) {
      expect(await run('bench', ...args)).toMatchObject({ exitCode: 2, error: { code } });
    }
  });

  it('refuses a second one, and ends on Ctrl-C with what there was, marked so', async () => {
    const first = start('bench', 'speed', '--rate', '500', '--duration', '10m', '--warmup', '0s');
    const lock = join(homeOfTests, 'bench', 'lock');
    const holders = async () => readdirSync(lock).map((name) => readFileSync(join(lock, name), 'utf8'));
    await until(holders, (texts) => texts.some((text) => text.includes('bench speed')));
    const second = await run('bench', 'cdc', '--rate', '10', '--duration', '1s');
    expect(second).toMatchObject({ exitCode: 20, error: { code: 'BENCH_BUSY' } });
    await sleep(10_000);
    first.kill('SIGINT');
    const { stdout, exitCode } = await first;
    const { data } = JSON.parse(stdout);
    kept.push(data.id);
    expect(exitCode).toBe(130);
    expect(data).toMatchObject({ partial: true, verdict: 'none' });
    expect(data.throughput.records).toBeGreaterThan(0);
  });

  it('a missed threshold is exit 10', async () => {
    writeFileSync(profile, patient.replace('p95Ms: 600000, p99Ms: 600000', 'p95Ms: 1, p99Ms: 1'));
    await must('up', '--profile', profile, '--without', 'airflow', '--without', 'warehouse');
    const answer = await run('bench', 'speed', '--rate', '200', '--duration', '5s', '--warmup', '0s');
    kept.push(answer.data.id);
    expect(answer).toMatchObject({ exitCode: 10, data: { verdict: 'fail', ledger: clean } });
  });

  it('keeps its runs, shows them, compares them and writes them as one page', async () => {
    const { runs } = await must('bench', 'list');
    expect(runs.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining(kept));
    const [first = '', , , last = ''] = kept;
    const page = join(scratch, 'report.html');
    await must('bench', 'show', first, '--html', page);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain(first);
    expect(html).not.toMatch(/(src|href)="https?:/);
    const comparison = await must('bench', 'compare', first, kept.at(-1) ?? last);
    expect(comparison.warnings.join(' ')).toMatch(/rate|profile/);
    expect(readdirSync(join(homeOfTests, 'bench')).length).toBeGreaterThanOrEqual(kept.length);
  });
});
