import { join } from 'node:path';
import { exec } from '../system/exec.ts';
import { projectRoot, type StackRef } from './stack.ts';

/** Longest thing that a fix does: an `up` that installs and starts everything. */
const limitMs = 1_800_000;

export interface CommandOutcome {
  ok: boolean;
  /** One line: the command's error, or that it was done. */
  detail: string;
}

/**
 * Runs a command of lambdactl ("lambdactl up --stack x") as a child, on the same home and stack where it names none.
 * Nothing else is ever run: there is no shell in between.
 */
export async function runOwnCommand(command: string, ref: StackRef, signal: AbortSignal): Promise<CommandOutcome> {
  const [program, ...words] = wordsOf(command);
  if (program !== 'lambdactl' || words.length === 0)
    return { ok: false, detail: `not a command of lambdactl: ${command}` };
  const args = [
    join(projectRoot, 'bin', 'run.js'),
    ...words,
    ...(words.includes('--stack') ? [] : ['--stack', ref.stack]),
    ...(words.includes('--home') || ref.home === undefined ? [] : ['--home', ref.home]),
    '--json',
  ];
  const { exitCode, stdout, failure } = await exec(process.execPath, args, { signal, timeoutMs: limitMs });
  if (exitCode === 0) return { ok: true, detail: `${command}: done` };
  return { ok: false, detail: `${command}: ${messageIn(stdout) ?? failure ?? `exit code ${exitCode}`}` };
}

/** Words of a command line as a shell would cut it; quotes keep words together. */
export function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  );
}

function messageIn(stdout: string): string | null {
  try {
    const message: unknown = JSON.parse(stdout)?.error?.message;
    return typeof message === 'string' ? (message.split('\n')[0] ?? '') : null;
  } catch {
    return null;
  }
}
