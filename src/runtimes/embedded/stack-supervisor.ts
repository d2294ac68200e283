import { LambdaError } from '../../core/errors.ts';
import { acquireLock } from '../../state/lock.ts';
import { readObserved, writeObserved } from '../../state/observed.ts';
import { createStackDirs, stackPaths } from '../../state/paths.ts';
import { runSupervisor } from '../../supervisor/main.ts';
import type { Probe } from '../../supervisor/options.ts';

/**
 * The generic supervisor put together with a stack's state, in a process of its own, which ends with it.
 * @param args home, stack, version of lambdactl
 */
export function runStackSupervisor(args: readonly string[], probe: Probe): void {
  serve(args, probe).then(
    () => process.exit(0),
    (error: unknown) => {
      // Read by whoever launched us: standard error is a file of the stack.
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
}

/** Settles when it has ended everything, or at once when another one serves the stack. */
async function serve([home = '', stack = '', version = '']: readonly string[], probe: Probe): Promise<void> {
  process.title = `lambdactl-supervisor ${stack}`;
  const paths = stackPaths(home, stack);
  await createStackDirs(paths);
  const lock = await acquireLock(paths.supervisorLockDir, { command: 'supervisor' }).catch((error: unknown) => {
    if (error instanceof LambdaError && error.code === 'STACK_BUSY') return null;
    throw error;
  });
  if (lock === null) return;
  await runSupervisor({
    version,
    socketPath: paths.socket,
    logDir: paths.logDir,
    store: { load: () => readObserved(paths), save: (record) => writeObserved(paths, record) },
    probe,
  });
  await lock.release();
}
