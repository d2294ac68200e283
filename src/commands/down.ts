import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../cli/base-command.ts';
import { withEnvironment } from '../cli/flags.ts';
import type { OperationContext } from '../core/events.ts';
import { down } from '../operations/down.ts';

export default class Down extends BaseCommand {
  static override summary = 'Stop the platform, keeping its data';
  static override examples = [
    '<%= config.bin %> down',
    '<%= config.bin %> down --volumes --yes',
    '<%= config.bin %> down --volumes --forget',
  ];
  static override flags = withEnvironment({
    volumes: Flags.boolean({ description: 'Also delete all data of the stack (asks)' }),
    forget: Flags.boolean({
      description: 'Where the cluster is gone for ever, remove what this machine keeps of the stack',
      dependsOn: ['volumes'],
    }),
    yes: Flags.boolean({ char: 'y', description: 'Do not ask' }),
  });

  protected override async execute(context: OperationContext): Promise<CommandResult> {
    const { flags } = await this.parse(Down);
    const question = flags.forget
      ? `Delete all data of stack "${flags.stack}", or forget it where its cluster cannot be reached?`
      : `Delete all data of stack "${flags.stack}"?`;
    const confirmed = flags.yes || (flags.volumes && (await this.confirm(question)));
    const { volumes, forget } = flags;
    const data = await down({ ...this.stackOf(flags), volumes, forget, confirmed }, context);
    if (data.forgotten !== null) {
      const left = `What may be left in the cluster carries the label lambdactl.dev/stack=${data.stack}; nothing there was touched.`;
      return { data, text: `Forgotten here: ${data.forgotten}\n${left}` };
    }
    const stopped = data.stopped.length > 0 ? `Stopped ${data.stopped.join(', ')}.` : 'Nothing was running.';
    return { data, text: data.volumesDeleted ? `${stopped} Data deleted.` : `${stopped} Data kept.` };
  }
}
