import { type BenchReport, type BenchScenario, benchScenarios } from '../../core/bench-report.ts';
import { messageOf, usageError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import { requireEmbedded } from '../cluster-stack.ts';
import { type OpenStack, openStack } from '../stack.ts';
import { runAll } from './all.ts';
import { definitions } from './definitions.ts';
import { findMax } from './find-max.ts';
import { benchInCluster } from './in-cluster.ts';
import { alone, requireDisk, requireHealthy, settle } from './preconditions.ts';
import { askedOf, type BenchRequest, scenarioOf, withDefaults } from './request.ts';
import { runScenario } from './run.ts';
import type { ScenarioRequest } from './scenario.ts';
import { keepBench } from './store.ts';

/**
 * Runs a scenario on a stack that is up, judges it by the profile's thresholds and keeps the result.
 * @throws LambdaError BENCH_UNKNOWN_SCENARIO, BAD_RATE, BAD_NUMBER, DURATION_INVALID (usage); NOT_UP, BENCH_BUSY, BENCH_DISK (preflight);
 *   NOT_HERE
 */
export async function bench(
  request: BenchRequest,
  context: OperationContext,
): Promise<{ report: BenchReport; file: string | null }> {
  const scenario = scenarioOf(request.scenario);
  const asked = askedOf(request);
  if (request.findMax && scenario !== 'speed') {
    throw usageError(`--find-max looks for the highest rate of the speed layer; "${scenario}" has none to look for.`, {
      code: 'BAD_USAGE',
      actions: ['lambdactl bench speed --find-max'],
    });
  }
  const stack = await openStack(request);
  const names = scenariosFor(scenario, stack, context);
  if (request.inCluster === true) {
    const report = await benchInCluster(request, stack, context);
    return { report, file: await kept(stack.home, report, context) };
  }
  const { profile } = stack;
  await requireHealthy(stack, names);
  if (profile === null) throw new Error('a stack that is up has a profile');
  await requireDisk(stack, names, asked);
  return alone(stack, `lambdactl bench ${scenario}`, async () => {
    // A cold start is what `--warmup 0s` asks for.
    if (asked.warmupMs !== 0) await settle(stack, context);
    const run = (name: BenchScenario, again: ScenarioRequest) => runScenario(name, again, { stack, profile }, context);
    const report =
      scenario === 'all'
        ? await runAll(names, (name) => run(name, withDefaults(name, asked)))
        : request.findMax
          ? await findMax(withDefaults(scenario, asked), (again) => run(scenario, again), context)
          : await run(scenario, withDefaults(scenario, asked));
    return { report, file: await kept(stack.home, report, context) };
  });
}

/** What is to be run; of all of them those that work where the stack is. @throws LambdaError NOT_HERE */
export function scenariosFor(
  asked: BenchScenario | 'all',
  stack: OpenStack,
  { emit }: Pick<OperationContext, 'emit'>,
): readonly BenchScenario[] {
  if (asked !== 'all') {
    if (definitions[asked].embeddedOnly === true)
      requireEmbedded(stack, `bench ${asked}`, [
        'How fast records get in and through: lambdactl bench speed --in-cluster',
      ]);
    return [asked];
  }
  const left = stack.cluster === null ? [] : benchScenarios.filter((name) => definitions[name].embeddedOnly === true);
  if (left.length > 0) {
    const message = `Left out, because it reads a file of this machine in a job: ${left.join(', ')}.`;
    emit({ type: 'warning', message });
  }
  return benchScenarios.filter((name) => !left.includes(name));
}

/** A result that cannot be kept (a full disk) is shown all the same. @returns the file */
async function kept(home: string, report: BenchReport, context: OperationContext): Promise<string | null> {
  try {
    return await keepBench({ home }, report);
  } catch (error) {
    context.emit({ type: 'warning', message: `The result could not be kept: ${messageOf(error)}` });
    return null;
  }
}
