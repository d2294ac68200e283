import { fileURLToPath } from 'node:url';
import { run, settings } from '@oclif/core';
import { ExitCode } from '../core/errors.ts';
import { describeError } from '../output/envelope.ts';
import { errorText } from './base-command.ts';

/** Entry of bin/run.js. Commands handle their own errors; what arrives here never reached one. */
export async function main(binUrl: string): Promise<void> {
  settings.enableAutoTranspile = false;
  // A reader that went away (head, less) is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const given = process.argv.slice(2);
  // Without a command: what to do next. Bare global flags (--stack x) say for which stack.
  const args = given.length === 0 ? ['next'] : given;
  try {
    await run(args, { root: fileURLToPath(new URL('..', binUrl)) });
  } catch (error) {
    const exit = oclifExit(error);
    if (exit === 0) return;
    if (args.includes('--json')) {
      const problem = { ...describeError(error), code: 'BAD_USAGE', category: 'usage', actions: [] };
      process.stdout.write(
        `${JSON.stringify({ schemaVersion: 1, command: args[0] ?? '', status: 'error', data: null, warnings: [], error: problem }, null, 2)}\n`,
      );
    } else if (exit === null) process.stderr.write(errorText(error));
    else process.stderr.write(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = exit === null ? ExitCode.failed : ExitCode.usage;
  }
}

/** oclif's exit code of an error it threw itself (0: help or version was shown), null for any other error. */
function oclifExit(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('oclif' in error)) return null;
  const { oclif } = error;
  return typeof oclif === 'object' && oclif !== null && 'exit' in oclif && typeof oclif.exit === 'number'
    ? oclif.exit
    : 2;
}
