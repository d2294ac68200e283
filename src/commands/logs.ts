import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import type { OperationContext } from '../core/events.ts';
import { logs } from '../operations/logs.ts';

export default class Logs extends BaseCommand {
  static override summary = 'Logs of all or some components, merged by time';
  static override examples = [
    '<%= config.bin %> logs',
    '<%= config.bin %> logs spark kafka -f',
    '<%= config.bin %> logs --since 10m --grep ERROR',
  ];
  static override strict = false;
  static override args = { components: Args.string({ description: 'Components; all when none is named' }) };
  static override flags = withEnvironment({
    follow: Flags.boolean({ char: 'f', description: 'Go on with what comes, until Ctrl-C' }),
    since: Flags.string({ description: 'Only younger lines: 30s, 10m, 2h or an ISO time', helpValue: 'TIME' }),
    grep: Flags.string({ description: 'Only lines that match this regular expression', helpValue: 'PATTERN' }),
    tail: Flags.integer({ char: 'n', description: 'Lines of each component', default: 100, min: 0 }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags, argv } = await this.parse(Logs);
    const { follow, since, grep, tail } = flags;
    const lines = logs(
      { ...this.stackOf(flags), components: argv.map(String), follow, since, grep, tail },
      context.signal,
    );
    const collected: unknown[] = [];
    for await (const line of lines) {
      if (flags.json && !follow) collected.push(line);
      else if (flags.json) process.stdout.write(`${JSON.stringify(line)}\n`);
      else process.stdout.write(`${new Date(line.time).toISOString()} ${line.component.padEnd(11)} ${line.text}\n`);
    }
    return { data: { lines: collected } };
  }
}
