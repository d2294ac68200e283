import { externalError, LambdaError, preflightError } from '../core/errors.ts';
import { errnoOf } from '../system/store-files.ts';

const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;

/** What a failed system call below the home means for the user; other errors pass through. */
export function describeFailure(error: unknown, home: string): unknown {
  if (error instanceof LambdaError) return error;
  const errno = errnoOf(error);
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return diskFull(home, { cause: error });
  const path = error instanceof Error && 'path' in error ? String(error.path) : home;
  if (path.startsWith(home) && ['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EEXIST'].includes(errno)) {
    return preflightError(`${home} cannot be written to (${errno}).`, {
      code: 'HOME_NOT_WRITABLE',
      actions: ['Choose another directory with --home, or give this user write access.'],
      details: { path: home, errno },
      cause: error,
    });
  }
  return error;
}

/** No room for what is to be installed, or it ran out in the middle; what is complete stays. */
export function diskFull(home: string, options: { needed?: number; free?: number; cause?: unknown } = {}): LambdaError {
  const { needed, free, cause } = options;
  const figures =
    needed === undefined || free === undefined ? '' : `: ${mebibytes(needed)} needed, ${mebibytes(free)} free`;
  return preflightError(`The disk that holds ${home} is full${figures}.`, {
    code: 'DISK_FULL',
    actions: [
      'Free space and run the same command again; it continues.',
      'Or choose a directory on another disk with --home.',
    ],
    details: { path: home, neededBytes: needed ?? null, freeBytes: free ?? null },
    cause,
  });
}

export function corrupt(artifact: string, file: string, origin: string, reason: string): LambdaError {
  return externalError(`${file} of ${artifact} arrived damaged twice (${reason}).`, {
    code: 'ARTIFACT_CORRUPT',
    actions: [
      'Try again; if it stays, the mirror or proxy in between serves another file than the locked one.',
      'Point LAMBDACTL_MAVEN_MIRROR, or the configuration of npm or pip, to another mirror.',
    ],
    details: { artifact, file, origin, reason },
    retryable: true,
  });
}

export function unreachable(
  artifact: string,
  file: string,
  origin: string,
  reason: string,
  cause?: unknown,
): LambdaError {
  return externalError(`${file} of ${artifact} could not be fetched from ${origin}: ${reason}.`, {
    code: 'ARTIFACT_UNREACHABLE',
    actions: [
      'Check the network connection, HTTPS_PROXY and NODE_EXTRA_CA_CERTS, then run the same command again; it continues.',
      'Behind a mirror: ~/.m2/settings.xml or LAMBDACTL_MAVEN_MIRROR, npm config registry, pip config index-url.',
    ],
    details: { artifact, file, origin },
    retryable: true,
    cause,
  });
}

/** A step of making an artifact went wrong that is neither network nor disk. */
export function installFailed(artifact: string, reason: string, output = ''): LambdaError {
  return externalError(`${artifact} could not be installed: ${reason}`, {
    code: 'ARTIFACT_INSTALL_FAILED',
    actions: ['Run the same command again with --verbose; the details hold the last lines of the output.'],
    details: { artifact, output: output.trim().split('\n').slice(-20).join('\n') },
  });
}
