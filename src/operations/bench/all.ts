import type { BenchReport, BenchScenario } from '../../core/bench-report.ts';

/** Every scenario, one after the other; what one of them finds stops no other. */
export async function runAll(
  names: readonly BenchScenario[],
  run: (name: BenchScenario) => Promise<BenchReport>,
): Promise<BenchReport> {
  const parts: BenchReport[] = [];
  for (const name of names) {
    const part = await run(name);
    parts.push(part);
    if (part.partial) break;
  }
  const [first] = parts;
  if (first === undefined) throw new Error('there is no scenario to run');
  const verdicts = parts.map(({ verdict }) => verdict);
  const partial = parts.some((part) => part.partial);
  return {
    ...first,
    id: first.id.replace(/-[a-z]+$/, '-all'),
    scenario: 'all',
    elapsedMs: parts.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0),
    partial,
    verdict: verdicts.includes('fail') ? 'fail' : partial ? 'none' : 'pass',
    request: { rate: null, durationMs: null, warmupMs: 0, seed: null, events: null, concurrency: null },
    thresholds: parts.flatMap(({ scenario, thresholds }) =>
      thresholds.map((threshold) => ({ ...threshold, name: `${scenario}: ${threshold.name}` })),
    ),
    throughput: null,
    ledger: null,
    latencyMs: null,
    resources: null,
    series: [],
    steps: [],
    queries: [],
    reference: [],
    findMax: null,
    parts,
    notes: [],
  };
}
