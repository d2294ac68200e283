import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { usageError } from '../core/errors.ts';
import { makeDirectory } from '../system/files.ts';
import { maxSocketPath } from '../system/net.ts';
import { shortRuntimeDir } from '../system/paths.ts';

/** Where everything of one stack lies (docs/adr/0004). All absolute. */
export interface StackPaths {
  home: string;
  stack: string;
  artifactsDir: string;
  stacksDir: string;
  stackDir: string;
  /** Desired: what `up` decided. Written by the CLI under the lock. */
  desiredFile: string;
  /** Observed: what runs. Written by the supervisor alone. */
  observedFile: string;
  secretsFile: string;
  journalFile: string;
  lockDir: string;
  supervisorLockDir: string;
  socket: string;
  logDir: string;
  runDir: string;
  dir(instance: string, kind: 'data' | 'conf' | 'run' | 'cache'): string;
}

/** Names a directory that holds stack.json and secrets.json, instead of the stack's own. */
export const stackFilesVariable = 'LAMBDACTL_STACK_FILES';

export function stackPaths(home: string, stack: string): StackPaths {
  checkStackName(stack);
  const stacksDir = join(home, 'stacks');
  const stackDir = join(stacksDir, stack);
  const runDir = join(stackDir, 'run');
  // Within a cluster what the stack is comes with the pod, not to be changed there (src/runtimes/kubernetes/in-cluster.ts).
  const filesDir = process.env[stackFilesVariable] || stackDir;
  return {
    home,
    stack,
    artifactsDir: join(home, 'artifacts'),
    stacksDir,
    stackDir,
    desiredFile: join(filesDir, 'stack.json'),
    observedFile: join(stackDir, 'state.json'),
    secretsFile: join(filesDir, 'secrets.json'),
    journalFile: join(stackDir, 'journal.jsonl'),
    lockDir: join(stackDir, 'lock'),
    supervisorLockDir: join(runDir, 'supervisor.lock'),
    socket: socketPath(runDir),
    logDir: join(stackDir, 'logs'),
    runDir,
    dir: (instance, kind) => join(stackDir, kind, instance),
  };
}

/** Beside the stack's other run files, or in a short private directory where that path is too long for a socket. */
function socketPath(runDir: string): string {
  const natural = join(runDir, 'supervisor.sock');
  if (Buffer.byteLength(natural) <= maxSocketPath) return natural;
  const name = createHash('sha256').update(runDir).digest('hex').slice(0, 16);
  return join(shortRuntimeDir(), `${name}.sock`);
}

/** @throws LambdaError BAD_STACK_NAME */
export function checkStackName(stack: string): void {
  if (/^[a-z][a-z0-9-]{0,30}$/.test(stack)) return;
  throw usageError(`"${stack}" cannot be the name of a stack.`, {
    code: 'BAD_STACK_NAME',
    actions: ['Use up to 31 lower-case letters, digits and hyphens, a letter first.'],
  });
}

/**
 * Makes the directories of a stack. Others may pass through (services run under other accounts) but not look around; what
 * is secret is closed by its own mode.
 * @throws LambdaError HOME_NOT_WRITABLE, DISK_FULL
 */
export async function createStackDirs(paths: StackPaths): Promise<void> {
  for (const dir of [paths.home, paths.stacksDir, paths.stackDir]) await makeDirectory(dir, 0o755);
  for (const kind of ['data', 'conf', 'run', 'cache']) await makeDirectory(join(paths.stackDir, kind), 0o711);
  await makeDirectory(paths.logDir, 0o700);
  if (!paths.socket.startsWith(paths.runDir)) await makeDirectory(shortRuntimeDir(), 0o700);
}
