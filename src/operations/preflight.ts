import type { Finding } from '../checks/contract.ts';
import { checks } from '../checks/index.ts';
import type { MachineContext } from '../checks/machine.ts';
import { type CheckRun, runChecks } from '../checks/run.ts';
import { LambdaError, preflightError } from '../core/errors.ts';
import type { OperationContext } from '../core/events.ts';
import { freeDiskBytes } from '../system/host.ts';
import { examineFor } from './examine.ts';
import type { Choice, OpenStack } from './stack.ts';

export interface PreflightRequest extends Choice {
  stack: OpenStack;
  /** A machine that is too small is not refused. */
  force: boolean;
}

/** Looking at a slow disk may take its time; nobody waits for a figure here. */
const budgetMs = 10_000;

/**
 * Everything that stands in the way of `up`, named at once: the checks of doctor that are conditions of `up`.
 * @returns one line about the machine
 * @throws LambdaError MACHINE_TOO_SMALL, PYTHON_MISSING, GIT_MISSING, PORT_BUSY, HOME_NOT_WRITABLE; PREFLIGHT_FAILED when it is more than one of them
 */
export async function checkMachine(request: PreflightRequest, { emit, signal }: OperationContext): Promise<string> {
  const context = await examineFor(request.stack, request, { budgetMs, signal });
  const runs = await runChecks(
    checks.filter(({ preflight }) => preflight === true),
    context,
  );
  const findings = runs.flatMap((run) => run.findings);
  for (const { what } of findings.filter(({ severity }) => severity === 'warning')) {
    emit({ type: 'warning', message: what });
  }
  const refusals = [
    ...runs.flatMap(failureOf),
    ...findings.filter(({ severity }) => severity === 'error').map(refusalOf),
  ];
  refuse(merged(refusals, request));
  return summary(context);
}

/** A check that could not look stops `up` only when its reason would stop it as well. */
function failureOf({ error, name, report }: CheckRun): LambdaError[] {
  if (error === undefined) return [];
  if (error instanceof LambdaError) return [error];
  return [preflightError(`Check "${name}" could not look: ${report.detail}.`, { code: 'PREFLIGHT_FAILED' })];
}

function refusalOf({ what, why, fix, refusal }: Finding): LambdaError {
  const actions = [why, ...(fix === null ? [] : [fix.command])];
  return refusal ?? preflightError(what, { code: 'PREFLIGHT_FAILED', actions });
}

/** All that the machine lacks in size is one refusal, which --force takes away. */
function merged(refusals: readonly LambdaError[], { force, profile }: PreflightRequest): LambdaError[] {
  const sizes = refusals.filter(({ code }) => code === 'MACHINE_TOO_SMALL');
  const others = refusals.filter(({ code }) => code !== 'MACHINE_TOO_SMALL');
  const [first] = sizes;
  if (first === undefined || force) return others;
  const lacking = sizes.map(({ message }) => message);
  const all = preflightError(`This machine does not carry profile ${profile.name}:\n  ${lacking.join('\n  ')}`, {
    code: 'MACHINE_TOO_SMALL',
    details: { lacking },
    actions: first.actions,
  });
  return [all, ...others];
}

function refuse(failures: readonly LambdaError[]): void {
  const [first, second] = failures;
  if (first === undefined) return;
  if (second === undefined) throw first;
  throw preflightError(failures.map(({ message }) => message).join('\n'), {
    code: 'PREFLIGHT_FAILED',
    details: { failures: failures.map(({ code, details }) => ({ code, details })) },
    actions: [...new Set(failures.flatMap(({ actions }) => actions))],
  });
}

async function summary({ host, paths }: MachineContext): Promise<string> {
  const gibibytes = (bytes: number, digits: number) => (bytes / 2 ** 30).toFixed(digits);
  const free = await freeDiskBytes(paths.home);
  return `${host.cores} cores, ${gibibytes(host.memoryTotalBytes, 1)} GiB memory, ${gibibytes(free, 0)} GiB disk free`;
}
