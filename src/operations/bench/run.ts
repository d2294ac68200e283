import type { BenchReport, BenchScenario } from '../../core/bench-report.ts';
import { type OperationContext, step } from '../../core/events.ts';
import type { Profile } from '../../platform/profile.ts';
import type { OpenStack } from '../stack.ts';
import { definitions } from './definitions.ts';
import { environmentOf } from './environment.ts';
import { Measurement } from './measurement.ts';
import type { ScenarioContext, ScenarioRequest } from './scenario.ts';

/** One scenario, from its environment to its verdict. */
export async function runScenario(
  name: BenchScenario,
  request: ScenarioRequest,
  { stack, profile }: { stack: OpenStack; profile: Profile },
  context: OperationContext,
): Promise<BenchReport> {
  const started = new Date();
  const environment = await environmentOf(profile);
  const id = `measure/${name}`;
  const totalMs = definitions[name].durationMs === null ? null : request.warmupMs + request.durationMs;
  const measurement = new Measurement(stack.runtime, (point) =>
    context.emit({ type: 'measurement', id, point, elapsedMs: point.t * 1000, totalMs }),
  );
  const measure: ScenarioContext['measure'] = (live, work) =>
    step(context, { id, title: `Measure ${name}` }, async () => {
      await measurement.start(live, request.warmupMs);
      try {
        return { value: await work() };
      } finally {
        await measurement.stop();
      }
    });
  const findings = await definitions[name].run({ ...context, stack, profile, request, measure });
  const { records, work, ...rest } = findings;
  const { resources, outsideCpuPercent } = measurement.report(records, work);
  const judged = rest.thresholds.length > 0 && !rest.partial;
  return {
    version: 1,
    id: `${started.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15)}-${name}`,
    scenario: name,
    stack: stack.name,
    profile: profile.name,
    startedAt: started.toISOString(),
    elapsedMs: Date.now() - started.getTime(),
    ...rest,
    environment: { ...environment, outsideCpuPercent },
    verdict: judged ? (rest.thresholds.every(({ ok }) => ok) ? 'pass' : 'fail') : 'none',
    resources,
    series: measurement.series,
    findMax: null,
    parts: [],
    notes: [...rest.notes, ...outsideNote(outsideCpuPercent)],
  };
}

/** From where on other programs' CPU makes a figure doubtful, percent of all cores. */
const disturbingPercent = 10;

function outsideNote(percent: number | null): string[] {
  if (percent === null || percent < disturbingPercent) return [];
  return [
    `Programs outside the stack used ${Math.round(percent)} % of all cores meanwhile: the figures are of a busy machine.`,
  ];
}
