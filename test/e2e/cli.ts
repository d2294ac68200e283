import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

const bin = join(import.meta.dirname, '../../bin/lambdactl');

interface Answer {
  exitCode: number;
  /** The envelope's data; null after an error. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into many shapes, each frozen by its own assertion
  data: any;
  error: { code: string; message: string } | null;
  stderr: string;
}

/** Runs the real CLI with --json on one stack and parses its envelope. Artifacts come from the user's home. */
export const cliOf = (stack: string, env: Record<string, string> = {}) => cliAt(bin, stack, env);

/** As cliOf, of another checkout. */
export function cliAt(executable: string, stack: string, env: Record<string, string> = {}) {
  const start = (...args: string[]) =>
    execa(executable, [...args, '--json', '--stack', stack], {
      reject: false,
      stdin: 'ignore',
      maxBuffer: 50_000_000,
      // A container engine on the machine must not change what these tests are about.
      env: { CI: 'true', LAMBDACTL_RUNTIME: 'embedded', ...env },
    });
  const run = async (...args: string[]): Promise<Answer> => {
    const { stdout, stderr, exitCode } = await start(...args);
    const envelope = parse(stdout);
    return { exitCode: exitCode ?? -1, data: envelope?.data ?? null, error: envelope?.error ?? null, stderr };
  };
  /** Like run, but an exit code other than 0 fails the test with the error's text. */
  const must = async (...args: string[]) => {
    const answer = await run(...args);
    if (answer.exitCode !== 0) {
      throw new Error(
        `lambdactl ${args.join(' ')} → ${answer.exitCode}: ${JSON.stringify(answer.error)}\n${answer.stderr}`,
      );
    }
    return answer.data;
  };
  /** First row of a query, values as strings or numbers. */
  const row = async (sql: string): Promise<Record<string, unknown>> => (await must('query', sql)).rows[0] ?? {};
  return { start, run, must, row };
}

function parse(text: string): { data: unknown; error: Answer['error'] } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const homeOfTests = process.env.LAMBDACTL_HOME ?? join(homedir(), '.lambdactl');

/** Asks until the answer satisfies; the limit only ends a test that would hang. */
export async function until<T>(ask: () => Promise<T>, satisfied: (value: T) => boolean, limitMs = 120_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await ask();
    if (satisfied(value)) return value;
    if (Date.now() > end) throw new Error(`not reached in ${limitMs} ms; last: ${JSON.stringify(value)}`);
    await sleep(250);
  }
}

/** Processes that work in, or name, a stack's directory. */
export function processesOf(stack: string, shown = 120): string[] {
  const dir = `/stacks/${stack}`;
  const names = (text: string) =>
    text.includes(`${dir}/`) || text.endsWith(dir) || text.includes(`--stack\0${stack}\0`);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const command = read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      const cwd = read(() => readlinkSync(`/proc/${pid}/cwd`));
      return command !== '' && (names(command) || names(cwd))
        ? [`${pid} ${command.replaceAll('\0', ' ').slice(0, shown)}`]
        : [];
    });
}

function read(get: () => string): string {
  try {
    return get();
  } catch {
    return '';
  }
}
