import type { ComponentDefinition } from '../components/contract.ts';
import { preflightError } from '../core/errors.ts';
import { memoryBudgetMiB, type Profile } from '../platform/profile.ts';
import { freeDiskBytes, hostFacts } from '../system/host.ts';
import type { OpenStack } from './stack.ts';

export interface MachineCheck {
  stack: OpenStack;
  profile: Profile;
  components: readonly ComponentDefinition[];
  /** Sizes are told, not enforced. */
  force: boolean;
}

/** Firmware and graphics keep a part of what the machine is sold with. */
const usableShare = 0.92;

/**
 * Everything the machine lacks, named at once. Missing tools and busy ports are found by who needs them.
 * @returns one line about the machine
 * @throws LambdaError MACHINE_TOO_SMALL
 */
export async function checkMachine({ stack, profile, components, force }: MachineCheck): Promise<string> {
  const host = hostFacts();
  const names = components.map(({ name }) => name);
  const everything = names.length >= Object.keys(profile.components).length - 1;
  const neededMiB = everything ? profile.totalMiB * usableShare : memoryBudgetMiB(profile, names);
  const memoryMiB = host.memoryTotalBytes / 1_048_576;
  const diskMiB = (await freeDiskBytes(stack.home)) / 1_048_576;
  const missing = await stack.artifacts.missing(components.flatMap(({ artifacts }) => artifacts));
  const installMiB = missing.reduce((sum, each) => sum + each.installedBytes + each.downloadBytes, 0) / 1_048_576;
  const neededDiskMiB = Math.max(installMiB + 1024, missing.length > 0 ? profile.minimumDiskMiB : 1024);

  const lacking: string[] = [];
  if (memoryMiB < neededMiB) {
    lacking.push(
      `memory: ${Math.round(memoryMiB)} MiB here, profile ${profile.name} needs ${Math.round(neededMiB)} MiB${advice(profile)}`,
    );
  }
  if (host.cores < profile.minimumCores) {
    lacking.push(`cores: ${host.cores} here, profile ${profile.name} needs ${profile.minimumCores}`);
  }
  if (diskMiB < neededDiskMiB) {
    lacking.push(`disk: ${Math.round(diskMiB)} MiB free at ${stack.home}, ${Math.round(neededDiskMiB)} MiB needed`);
  }
  if (lacking.length > 0 && !force) {
    throw preflightError(`This machine does not carry profile ${profile.name}:\n  ${lacking.join('\n  ')}`, {
      code: 'MACHINE_TOO_SMALL',
      details: { lacking },
      actions: [
        'Take a smaller profile (--profile lite) or fewer components (--only clickhouse).',
        'Go on regardless with --force.',
      ],
    });
  }
  return `${host.cores} cores, ${(memoryMiB / 1024).toFixed(1)} GiB memory, ${(diskMiB / 1024).toFixed(0)} GiB disk free`;
}

function advice(profile: Profile): string {
  return profile.name === 'lite' ? '' : ' (lite needs 8 GB)';
}
