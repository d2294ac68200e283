import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import type { OperationContext } from '../core/events.ts';
import { down } from '../operations/down.ts';

export default class Down extends BaseCommand {
  static override summary = 'Stop the platform, keeping its data';
  static override examples = ['<%= config.bin %> down', '<%= config.bin %> down --volumes --yes'];
  static override flags = withEnvironment({
    volumes: Flags.boolean({ description: 'Also delete all data of the stack (asks)' }),
    yes: Flags.boolean({ char: 'y', description: 'Do not ask' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(Down);
    const confirmed =
      flags.yes || (flags.volumes && (await this.confirm(`Delete all data of stack "${flags.stack}"?`)));
    const data = await down({ ...this.stackOf(flags), volumes: flags.volumes, confirmed }, context);
    const stopped = data.stopped.length > 0 ? `Stopped ${data.stopped.join(', ')}.` : 'Nothing was running.';
    return { data, text: data.volumesDeleted ? `${stopped} Data deleted.` : `${stopped} Data kept.` };
  }
}
