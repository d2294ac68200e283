import type { Finding } from '../checks/contract.ts';
import { checks } from '../checks/index.ts';
import { type MachineCheck, type MachineContext, valueIn } from '../checks/machine.ts';
import { type CheckRun, runChecks } from '../checks/run.ts';
import type { CheckReport, DoctorReport, FindingReport } from '../core/doctor-report.ts';
import { messageOf, usageError } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import { nearestNames } from '../core/nearest.ts';
import { hasProcess } from '../core/service-spec.ts';
import { parseDuration } from '../core/units.ts';
import { examine } from './examine.ts';
import { runOwnCommand } from './own-command.ts';
import type { StackRef } from './stack.ts';

export interface DoctorRequest extends StackRef {
  /** Names of checks or areas; all of them when empty. */
  names: readonly string[];
  /** Carry out what is safe, then look again. */
  fix: boolean;
  /** What one check may take, e.g. "30s", on a machine that is too busy for the usual time. */
  timeout?: string | undefined;
}

export interface CheckListing {
  name: string;
  area: CheckReport['area'];
  title: string;
  needs: readonly string[];
  /** Also a condition of `up`. */
  preflight: boolean;
}

/** Of the machine as the place of the stack's processes: what a stack in a cluster does not need. */
const ofProcesses: ReadonlySet<string> = new Set([
  'memory',
  'cores',
  'cgroup',
  'process-limits',
  'ports',
  'tools',
  'loopback',
  'leftovers',
  'artifacts',
  'supervisor',
  'dag-repository',
]);

/** With what is read before them, all checks together end within five seconds, whatever hangs. */
const budgetMs = 3_500;

/**
 * Looks at the machine, the stack's files, its components and its data, all at the same time; in any state of the stack.
 * @throws LambdaError UNKNOWN_CHECK, DURATION_INVALID, BAD_STACK_NAME
 */
export async function doctor(request: DoctorRequest, operation: OperationContext): Promise<DoctorReport> {
  const started = performance.now();
  const startedAt = new Date().toISOString();
  const chosen = selectChecks(request.names);
  const { context, runs } = await look(chosen, request, operation);
  const reports = request.fix ? await fix(chosen, runs, request, operation) : runs.map((run) => reportOf(run));
  const counts = { ok: 0, warning: 0, error: 0, skipped: 0, failed: 0 };
  for (const { status } of reports) counts[status] += 1;
  return {
    stack: context.paths.stack,
    up: upState(context),
    profile: context.profile.name,
    startedAt,
    elapsedMs: performance.now() - started,
    ok: counts.warning + counts.error + counts.failed === 0,
    counts,
    checks: reports,
  };
}

/** The checks there are, or those of the names. @throws LambdaError UNKNOWN_CHECK */
export function listChecks(names: readonly string[]): readonly CheckListing[] {
  return selectChecks(names).map(({ name, area, title, needs, preflight = false }) => ({
    name,
    area,
    title,
    needs,
    preflight,
  }));
}

function selectChecks(names: readonly string[]): readonly MachineCheck[] {
  const areas = [...new Set(checks.map(({ area }): string => area))];
  const known = [...areas, ...checks.map(({ name }) => name)];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const near = nearestNames(unknown, known);
    throw usageError(`There is no check "${unknown}".`, {
      code: 'UNKNOWN_CHECK',
      details: { name: unknown, near },
      actions: [
        ...(near.length > 0 ? [`Near it: ${near.join(', ')}.`] : []),
        `Areas: ${areas.join(', ')}.`,
        'lambdactl doctor --list',
      ],
    });
  }
  return names.length === 0 ? checks : checks.filter(({ name, area }) => names.includes(name) || names.includes(area));
}

async function look(chosen: readonly MachineCheck[], request: DoctorRequest, { signal }: OperationContext) {
  const { timeout } = request;
  const { context } = await examine(request, {
    budgetMs: timeout === undefined ? budgetMs : parseDuration(timeout),
    signal,
  });
  // Who names a check wants to hear it.
  const elsewhere = valueIn(context.files.desired)?.runtime === 'kubernetes';
  const speaks = ({ name, applies }: MachineCheck) =>
    !(elsewhere && ofProcesses.has(name)) && (applies?.(context) ?? true);
  const speaking = chosen.filter((check) => request.names.length > 0 || speaks(check));
  return { context, runs: await runChecks(speaking, context) };
}

function upState({ services, wanted }: MachineContext): DoctorReport['up'] {
  const running = wanted.filter((name) =>
    services.some((service) => service.component === name && hasProcess(service)),
  ).length;
  if (running === 0) return services.some(hasProcess) ? 'partly' : 'down';
  return running === wanted.length && services.every(hasProcess) ? 'up' : 'partly';
}

type Outcome = NonNullable<FindingReport['fixed']>;

/** Carries out every safe fix, one after the other, and looks again at what had findings. */
async function fix(
  chosen: readonly MachineCheck[],
  before: readonly CheckRun[],
  request: DoctorRequest,
  operation: OperationContext,
): Promise<CheckReport[]> {
  const outcomes = await mend(before, request, operation);
  if (outcomes.size === 0) return before.map((run) => reportOf(run));
  const again = chosen.filter(({ name }) => before.some((run) => run.name === name && run.report.status !== 'ok'));
  const { runs: after } = await look(again, request, operation);
  return before.map((run) => {
    const later = after.find(({ name }) => name === run.name);
    return later === undefined ? reportOf(run) : afterFix(run, later, outcomes);
  });
}

async function mend(runs: readonly CheckRun[], ref: StackRef, operation: OperationContext) {
  const outcomes = new Map<Finding, Outcome>();
  const done = new Map<string, Outcome>();
  for (const finding of runs.flatMap(({ findings }) => findings)) {
    if (finding.fix?.safe !== true) continue;
    const { command } = finding.fix;
    // The same command mends all that it is named for.
    const outcome =
      (finding.mend === undefined ? done.get(command) : undefined) ??
      (await carryOut(finding, command, ref, operation));
    done.set(command, outcome);
    outcomes.set(finding, outcome);
  }
  return outcomes;
}

async function carryOut(
  finding: Finding,
  command: string,
  ref: StackRef,
  operation: OperationContext,
): Promise<Outcome> {
  try {
    return await step(operation, { id: `fix/${command}`, title: command }, async () => {
      const outcome =
        finding.mend === undefined
          ? await runOwnCommand(command, ref, operation.signal)
          : { ok: true, detail: await finding.mend() };
      if (!outcome.ok) throw new Error(outcome.detail);
      return { value: outcome, detail: outcome.detail };
    });
  } catch (error) {
    operation.signal.throwIfAborted();
    return { ok: false, detail: messageOf(error) };
  }
}

/** A finding is mended when its fix went well and the check does not find it any more, whatever its figures. */
function afterFix(before: CheckRun, after: CheckRun, outcomes: ReadonlyMap<Finding, Outcome>): CheckReport {
  const left = new Map(after.findings.map((finding) => [kindOf(finding), finding]));
  const told = before.findings.flatMap((finding): FindingReport[] => {
    const outcome = outcomes.get(finding);
    const still = left.get(kindOf(finding));
    if (outcome === undefined) return [];
    left.delete(kindOf(finding));
    const fixed =
      still === undefined
        ? outcome
        : { ok: false, detail: outcome.ok ? 'it is still so after the fix' : outcome.detail };
    return [{ ...plain(still ?? finding), fixed }];
  });
  return { ...after.report, findings: [...told, ...[...left.values()].map((finding) => plain(finding))] };
}

/** What makes two findings of one check the same: figures may have changed between two looks. */
function kindOf({ what, fix: remedy }: Finding): string {
  return `${remedy?.command ?? ''}\n${what.replaceAll(/\d+/g, '#')}`;
}

/** Without what only this process can do with it. */
function plain({ severity, what, why, fix: remedy }: Finding): FindingReport {
  return { severity, what, why, fix: remedy, fixed: null };
}

function reportOf({ report, findings }: CheckRun): CheckReport {
  return { ...report, findings: findings.map(plain) };
}
