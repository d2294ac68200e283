import type { BenchReport, FindMaxReport } from '../../core/bench-report.ts';
import { type OperationContext, step } from '../../core/events.ts';
import { unpacedRate } from '../../generator/options.ts';
import type { ScenarioRequest } from './scenario.ts';

const firstRate = 20_000;
const lowestRate = 500;
/** The answer is known when the lowest failing rate is this little above the highest holding one. */
const closeEnough = 1.1;
const mostSteps = 9;
/** Percentiles of fewer micro-batches than such a step has are those of its slowest one. */
const shortStepMs = 30_000;

/**
 * The highest rate that holds every threshold, by doubling (or halving) from the rate asked for and then bisection. Each step is a
 * whole run with its ledger. The report is that of the highest rate that held, or of the last step.
 */
export async function findMax(
  request: ScenarioRequest,
  run: (request: ScenarioRequest) => Promise<BenchReport>,
  context: OperationContext,
): Promise<BenchReport> {
  const reports: BenchReport[] = [];
  let [holds, fails]: [number | null, number | null] = [null, null];
  let rate: number | null = request.rate ?? firstRate;
  while (rate !== null && reports.length < mostSteps && !context.signal.aborted) {
    const asked: number = rate;
    const report: BenchReport | null = await step(
      context,
      { id: `rate/${asked}`, title: `${asked} records/s` },
      async () => {
        // A seed of its own, or the ids of one step would be copies of another's.
        const value = await run({ ...request, rate: asked, seed: request.seed + reports.length });
        return { value, detail: value.verdict === 'pass' ? 'holds' : reasonOf(value) };
      },
    ).catch((error: unknown) => {
      // Ctrl-C: what the steps before it found is kept.
      if (!context.signal.aborted || reports.length === 0) throw error;
      return null;
    });
    if (report === null) break;
    reports.push(report);
    if (report.verdict === 'pass') holds = asked;
    else if (!report.partial) fails = asked;
    rate = nextRate(holds, fails);
  }
  const found: FindMaxReport = {
    rate: holds,
    failedRate: fails,
    steps: reports.map((report) => ({
      rate: report.request.rate ?? 0,
      ok: report.verdict === 'pass',
      achieved: report.throughput?.achieved ?? 0,
      p95: report.latencyMs?.p95 ?? null,
      p99: report.latencyMs?.p99 ?? null,
      reason: report.verdict === 'pass' ? '' : reasonOf(report),
    })),
  };
  const best = reports.find(({ request: { rate: asked } }) => asked === holds) ?? reports.at(-1);
  if (best === undefined) throw context.signal.reason;
  return {
    ...best,
    partial: context.signal.aborted,
    elapsedMs: reports.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0),
    findMax: found,
    notes: [...best.notes, ...shortStepNote(request.durationMs)],
  };
}

function shortStepNote(durationMs: number): string[] {
  if (durationMs >= shortStepMs) return [];
  return [
    `Steps of ${durationMs / 1000} s see a few micro-batches only, and one slow one decides: with --duration ${shortStepMs / 1000}s the rate found is steadier.`,
  ];
}

/** @returns null when the answer is known */
export function nextRate(holds: number | null, fails: number | null): number | null {
  if (holds !== null && fails !== null) {
    if (fails / holds <= closeEnough) return null;
    return rounded((holds + fails) / 2);
  }
  if (holds !== null) return holds * 2 > unpacedRate ? null : holds * 2;
  if (fails !== null) return fails / 2 < lowestRate ? null : rounded(fails / 2);
  return null;
}

/** Two digits say enough. */
function rounded(rate: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(rate)) - 1);
  return Math.round(rate / unit) * unit;
}

function reasonOf({ thresholds, partial }: BenchReport): string {
  if (partial) return 'interrupted';
  return thresholds
    .filter(({ ok }) => !ok)
    .map(({ name, value, unit }) => `${name} ${value === null ? 'unknown' : `${Math.round(value)} ${unit}`}`)
    .join(', ');
}
