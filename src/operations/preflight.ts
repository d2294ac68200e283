import { findPython } from '../artifacts/python.ts';
import { catalogue } from '../components/catalogue.ts';
import { LambdaError, preflightError } from '../core/errors.ts';
import { memoryBudgetMiB } from '../platform/profile.ts';
import { freeDiskBytes, hostFacts } from '../system/host.ts';
import { requireGit } from './dags/git.ts';
import type { Choice, OpenStack } from './stack.ts';

export interface MachineCheck extends Choice {
  stack: OpenStack;
  /** A machine that is too small is not refused. */
  force: boolean;
}

/** Firmware and graphics keep a part of what the machine is sold with. */
const usableShare = 0.92;

/**
 * Everything that stands in the way of `up`, named at once: memory, cores, disk, tools, ports.
 * @returns one line about the machine
 * @throws LambdaError MACHINE_TOO_SMALL, PYTHON_MISSING, GIT_MISSING, PORT_BUSY; PREFLIGHT_FAILED when it is more than one of them
 */
export async function checkMachine(check: MachineCheck): Promise<string> {
  const { summary, lacking } = await sizeOf(check);
  const failures = [
    ...(lacking.length > 0 && !check.force ? [tooSmall(check, lacking)] : []),
    ...(await failureOf(() => findPython())),
    ...(check.components.some(({ name }) => name === 'airflow') ? await failureOf(requireGit) : []),
    ...(await failureOf(() => check.stack.planPorts(check))),
  ];
  const [first, second] = failures;
  if (first !== undefined && second === undefined) throw first;
  if (first !== undefined) {
    throw preflightError(failures.map(({ message }) => message).join('\n'), {
      code: 'PREFLIGHT_FAILED',
      details: { failures: failures.map(({ code, details }) => ({ code, details })) },
      actions: [...new Set(failures.flatMap(({ actions }) => actions))],
    });
  }
  return summary;
}

async function sizeOf({ stack, profile, components }: MachineCheck) {
  const host = hostFacts();
  const names = components.map(({ name }) => name);
  const everything = names.length >= catalogue.length;
  const neededMiB = everything ? profile.totalMiB * usableShare : memoryBudgetMiB(profile, names);
  const memoryMiB = host.memoryTotalBytes / 1_048_576;
  const diskMiB = (await freeDiskBytes(stack.home)) / 1_048_576;
  const missing = await stack.artifacts.missing(components.flatMap(({ artifacts }) => artifacts));
  const installMiB = missing.reduce((sum, each) => sum + each.installedBytes + each.downloadBytes, 0) / 1_048_576;
  const neededDiskMiB = Math.max(installMiB + 1024, missing.length > 0 ? profile.minimumDiskMiB : 1024);
  const lacking = [
    ...(memoryMiB < neededMiB
      ? [`memory: ${Math.round(memoryMiB)} MiB here, profile ${profile.name} needs ${Math.round(neededMiB)} MiB`]
      : []),
    ...(host.cores < profile.minimumCores
      ? [`cores: ${host.cores} here, profile ${profile.name} needs ${profile.minimumCores}`]
      : []),
    ...(diskMiB < neededDiskMiB
      ? [`disk: ${Math.round(diskMiB)} MiB free at ${stack.home}, ${Math.round(neededDiskMiB)} MiB needed`]
      : []),
  ];
  const gibibytes = (mebibytes: number, digits: number) => (mebibytes / 1024).toFixed(digits);
  const summary = `${host.cores} cores, ${gibibytes(memoryMiB, 1)} GiB memory, ${gibibytes(diskMiB, 0)} GiB disk free`;
  return { summary, lacking };
}

function tooSmall({ profile }: MachineCheck, lacking: readonly string[]): LambdaError {
  return preflightError(`This machine does not carry profile ${profile.name}:\n  ${lacking.join('\n  ')}`, {
    code: 'MACHINE_TOO_SMALL',
    details: { lacking },
    actions: [
      'Take a smaller profile (lite needs 8 GB) or fewer components (--only clickhouse).',
      'Go on regardless with --force.',
    ],
  });
}

async function failureOf(attempt: () => Promise<unknown>): Promise<LambdaError[]> {
  try {
    await attempt();
    return [];
  } catch (error) {
    if (error instanceof LambdaError && error.category === 'preflight') return [error];
    throw error;
  }
}
