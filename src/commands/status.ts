import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import { watch } from '../cli/watch.ts';
import type { OperationContext } from '../core/events.ts';
import { status } from '../operations/status.ts';
import { statusText } from '../output/status-text.ts';

export default class Status extends BaseCommand {
  static override summary = 'What runs, since when, where, with how much memory and CPU';
  static override examples = [
    '<%= config.bin %> status',
    '<%= config.bin %> status --watch',
    '<%= config.bin %> status --json',
  ];
  static override flags = withEnvironment({
    watch: Flags.boolean({ char: 'w', description: 'Refresh every two seconds until Ctrl-C' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(Status);
    const look = () => status(this.stackOf(flags));
    if (flags.watch && !flags.json) {
      await watch(async () => statusText(await look()), 2000, context.signal);
      return { data: null };
    }
    const data = await look();
    return { data, text: statusText(data) };
  }
}
