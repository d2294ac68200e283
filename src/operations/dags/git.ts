import { gitMissing } from '../../checks/tools.ts';
import { externalError } from '../../core/errors.ts';
import { type ExecOptions, exec, findOnPath } from '../../system/exec.ts';

/** @throws LambdaError GIT_MISSING */
export async function requireGit(): Promise<void> {
  if ((await findOnPath('git')) !== undefined) return;
  throw gitMissing();
}

/** Trimmed output of a git command. @throws LambdaError GIT_FAILED with its last words */
export async function git(args: readonly string[], options: ExecOptions = {}): Promise<string> {
  const { stdout, stderr, failure } = await exec('git', args, options);
  if (failure === undefined) return stdout.trim();
  throw externalError(
    `git ${args.filter((arg) => !arg.startsWith('-')).join(' ')} failed: ${lastWords(stderr, failure)}`,
    {
      code: 'GIT_FAILED',
      details: { args, stderr: stderr.slice(-2000) },
      actions: ['Mend what git says, then run the same command again.'],
    },
  );
}

/** Output where a failure is an answer: null. */
export async function askGit(args: readonly string[], options: ExecOptions = {}): Promise<string | null> {
  const { stdout, failure } = await exec('git', args, options);
  return failure === undefined ? stdout.trim() : null;
}

function lastWords(stderr: string, failure: string): string {
  const lines = stderr.trim().split('\n');
  return (lines.findLast((line) => /^(fatal|error|! |remote:)/.test(line.trim())) ?? lines.at(-1) ?? '') || failure;
}
