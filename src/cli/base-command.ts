import { Command } from '@oclif/core';
import { ExitCode, LambdaError } from '../core/errors.ts';
import type { OperationContext } from '../core/events.ts';
import { describeError, type Envelope, errorEnvelope, successEnvelope } from '../output/envelope.ts';
import { plainSink } from '../output/plain-sink.ts';
import { type EventSink, silentSink } from '../output/sink.ts';
import { globalFlags } from './flags.ts';
import { interruptSignal } from './signals.ts';

/** What a command hands back; the base shows it as text or envelope and ends with the right code. */
export interface CommandResult {
  data: unknown;
  /** For people, on stdout; nothing is printed when absent. */
  text?: string;
  /** false: it worked and what was checked is not right (exit 10). */
  ok?: boolean;
  /** Ctrl-C came and what there was until then is in data (exit 130). */
  interrupted?: boolean;
  /** Something that was asked may never answer: the process ends without waiting for it. */
  leave?: boolean;
}

/** Flags in, one operation called, data out. */
export abstract class BaseCommand extends Command {
  static override baseFlags = globalFlags;

  /** Live views need a terminal on both ends; JSON and pipes never ask. */
  protected interactive = false;
  private json = false;
  private readonly warnings: string[] = [];

  protected abstract execute(context: OperationContext): Promise<CommandResult>;

  override async run(): Promise<void> {
    // Read from argv, not from parsed flags: a parse error must be answered in JSON too.
    this.json = this.argv.includes('--json') || isTruthy(process.env.LAMBDACTL_JSON);
    this.interactive = !this.json && process.stderr.isTTY === true && process.stdin.isTTY === true;
    const signal = interruptSignal();
    const sink = await this.openSink();
    const emit: OperationContext['emit'] = (event) => {
      if (event.type === 'warning') this.warnings.push(event.message);
      sink.event(event);
    };
    try {
      const result = await this.execute({ emit, signal });
      await sink.close();
      this.finish(result);
    } catch (error) {
      await sink.close();
      this.fail(signal.aborted && signal.reason instanceof LambdaError ? signal.reason : fromParser(error));
    }
  }

  /** The stack that the global flags name. */
  protected stackOf(flags: { home?: string | undefined; stack: string }): { home: string | undefined; stack: string } {
    return { home: flags.home, stack: flags.stack };
  }

  /** Asks on a terminal; elsewhere nobody can answer, so it is a no. */
  protected async confirm(question: string): Promise<boolean> {
    if (!this.interactive) return false;
    const { createInterface } = await import('node:readline/promises');
    const prompt = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
    } finally {
      prompt.close();
    }
  }

  /** A line typed on the terminal, without echo where it is hidden; null where nobody can answer. */
  protected async ask(question: string, hidden: boolean): Promise<string | null> {
    if (!this.interactive) return null;
    const { askLine } = await import('./prompt.ts');
    return askLine(question, hidden);
  }

  private async openSink(): Promise<EventSink> {
    if (this.json) return silentSink;
    // The live view draws on stdout: redirected into a file, it would stand in the answer.
    if (!this.interactive || process.stdout.isTTY !== true || process.env.CI) return plainSink(process.stderr);
    const { liveSink } = await import('../output/live-sink.ts');
    return liveSink();
  }

  private finish({ data, text, ok = true, interrupted = false, leave = false }: CommandResult): void {
    if (this.json) print(successEnvelope(this.commandName(), data, ok, this.warnings));
    else if (text !== undefined && text !== '') process.stdout.write(`${text}\n`);
    process.exitCode = interrupted ? ExitCode.interrupted : ok ? ExitCode.ok : ExitCode.checkFailed;
    // An empty write calls back when everything before it is out.
    if (leave) process.stdout.write('', () => process.exit());
  }

  private fail(error: unknown): void {
    if (this.json) print(errorEnvelope(this.commandName(), error, this.warnings));
    else process.stderr.write(errorText(error));
    process.exitCode = error instanceof LambdaError ? error.exitCode : ExitCode.failed;
  }

  private commandName(): string {
    return (this.id ?? '').replaceAll(':', ' ');
  }
}

/** An error as people read it: what happened, then what to try. */
export function errorText(error: unknown): string {
  const { code, message, actions, details } = describeError(error);
  const trace = code === 'BUG' && Array.isArray(details.stack) ? details.stack.slice(1) : [];
  return [`Error: ${message}`, ...trace, ...actions.map((action) => `  → ${action}`), `  (${code})`, ''].join('\n');
}

/** oclif's own complaints about flags and arguments are usage errors. */
function fromParser(error: unknown): unknown {
  if (!(error instanceof Error) || !('oclif' in error)) return error;
  return new LambdaError(error.message.replace(/\nSee more help with --help$/, ''), {
    code: 'BAD_USAGE',
    category: 'usage',
    actions: ['See the same command with --help.'],
    cause: error,
  });
}

function print(envelope: Envelope): void {
  process.stdout.write(`${JSON.stringify(envelope, null, 2)}\n`);
}

function isTruthy(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false', 'no'].includes(value.toLowerCase());
}
