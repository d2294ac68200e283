import { preflightError } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { type FileSystemFacts, fileSystemOf } from '../system/file-system.ts';
import type { Finding } from './contract.ts';
import { type ArtifactFact, type MachineCheck, type MachineContext, mebibytesOf, tooSmall } from './machine.ts';

/** What logs, journals and the first data take. */
const workMiB = 1024;
/** Of the disk: ClickHouse and Kafka need room to merge and to roll segments. */
const scarceShare = 0.05;
const fewFiles = 50_000;
const temporaryMiB = 256;

/** Room and files left where the home and temporary files lie, and whether they can be written. */
export const disk: MachineCheck = {
  name: 'disk',
  area: 'host',
  title: 'room where the home and temporary files lie',
  needs: [],
  preflight: true,
  async run(context) {
    const [home, temporary, artifacts] = await Promise.all([
      fileSystemOf(context.paths.home),
      fileSystemOf(context.temporaryDir),
      context.artifacts(),
    ]);
    return {
      detail: `${formatBytes(home.freeBytes)} of ${formatBytes(home.totalBytes)} free at ${context.paths.home}`,
      findings: [
        ...unwritable(home, context.paths.home),
        ...homeRoom(home, artifacts, context),
        ...filesLeft(home, context.paths.home),
        ...(temporary.mount === home.mount ? [] : filesLeft(temporary, context.temporaryDir)),
        ...temporaryRoom(temporary, context.temporaryDir),
      ],
    };
  },
};

/** Room that an `up` needs, MiB: what is to be installed, what it is unpacked from, and what the work takes. */
export function neededDiskMiB(artifacts: readonly ArtifactFact[], minimumMiB: number): number {
  const missing = artifacts.filter(({ state }) => state !== 'installed');
  const install = mebibytesOf(missing.reduce((sum, { bytes, downloadBytes }) => sum + bytes + downloadBytes, 0));
  return Math.max(install + workMiB, missing.length > 0 ? minimumMiB : workMiB);
}

function unwritable({ writable, options, at }: FileSystemFacts, home: string): Finding[] {
  const readOnly = options.includes('ro');
  if (writable && !readOnly) return [];
  const what = readOnly ? `${at} is mounted read-only` : `${at} cannot be written to by this user`;
  return [
    {
      severity: 'error',
      what,
      why: `Artifacts, data and state of every stack are kept in ${home}.`,
      fix: null,
      refusal: preflightError(`${what}.`, {
        code: 'HOME_NOT_WRITABLE',
        actions: ['Make the directory writable for this user, or choose another one with --home.'],
        details: { path: home },
      }),
    },
  ];
}

function homeRoom(
  { freeBytes, totalBytes }: FileSystemFacts,
  artifacts: readonly ArtifactFact[],
  { paths, profile }: MachineContext,
): Finding[] {
  const free = Math.round(mebibytesOf(freeBytes));
  const needed = Math.round(neededDiskMiB(artifacts, profile.minimumDiskMiB));
  if (free < needed) return [tooSmall(`disk: ${free} MiB free at ${paths.home}, ${needed} MiB needed`)];
  if (freeBytes >= scarceShare * totalBytes) return [];
  return [
    {
      severity: 'warning',
      what: `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} are free at ${paths.home}`,
      why: 'ClickHouse stops merging and Kafka stops taking records when the disk is full.',
      fix: { command: 'lambdactl artifacts prune', safe: false },
    },
  ];
}

function filesLeft({ freeFiles, mount }: FileSystemFacts, path: string): Finding[] {
  if (freeFiles === null || freeFiles >= fewFiles) return [];
  return [
    {
      severity: 'error',
      what: `${mount}, which holds ${path}, has room for ${freeFiles} more files (inodes)`,
      why: 'A file system without inodes is full, whatever bytes it has; parts, segments and packages are many files.',
      fix: null,
    },
  ];
}

function temporaryRoom({ freeBytes, writable }: FileSystemFacts, path: string): Finding[] {
  if (writable && mebibytesOf(freeBytes) >= temporaryMiB) return [];
  return [
    {
      severity: 'warning',
      what: writable ? `${formatBytes(freeBytes)} are free at ${path}` : `${path} cannot be written to`,
      why: 'Package clients and git keep temporary files there; set TMPDIR to a directory with room.',
      fix: null,
    },
  ];
}
